"""The commands, one module each; only they print and exit."""
