"""What executes instructions. Both engines share the vocabulary of `stop.py` and nothing else."""
