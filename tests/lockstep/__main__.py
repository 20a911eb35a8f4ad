"""Run random programs on both engines: `python tests/lockstep --seed 1 --batch 3`.

Prints what each batch did as one line of JSON; exit code 1 if the engines differed anywhere.
"""

import argparse
import json
import sys
from dataclasses import fields

from batches import Batch, Plan

from dojo_tools.description import load_description


def main() -> int:
    """Run the batches that the command line names."""
    parser = argparse.ArgumentParser(prog="python tests/lockstep")
    parser.add_argument("--batch", type=int, nargs="+", default=[0])
    for option in fields(Plan):
        kind = str if option.name == "variant" else int
        default = 1 if option.name == "seed" else option.default
        parser.add_argument(f"--{option.name.replace('_', '-')}", type=kind, default=default)
    arguments = vars(parser.parse_args())
    numbers = arguments.pop("batch")
    description = load_description()
    differed = False
    for number in numbers:
        outcome = Batch(description, Plan(**arguments), number).run()
        differed = differed or bool(outcome.reports)
        print(json.dumps(outcome.to_json()), flush=True)
        for report in outcome.reports:
            print(report, file=sys.stderr)
    return int(differed)


if __name__ == "__main__":
    sys.exit(main())
