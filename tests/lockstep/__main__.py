"""Run random programs on both engines: `python tests/lockstep --seed 1 --batch 3`.

Prints what each batch did as one line of JSON; exit code 1 if the engines differed anywhere.
"""

import argparse
import gc
import json
import sys
from dataclasses import fields, replace

from batches import Batch, Plan
from dojo_tools.description import Description, InstructionDef, load_description
from dojo_tools.engines.native.compiler import compiler


def main() -> int:
    """Run the batches that the command line names."""
    parser = argparse.ArgumentParser(prog="python tests/lockstep")
    parser.add_argument("--batch", type=int, nargs="+", default=[0])
    parser.add_argument("--confuse", nargs=2, help="mnemonics whose meanings the native one swaps")
    for option in fields(Plan):
        kind = str if option.name == "variant" else int
        default = 1 if option.name == "seed" else option.default
        parser.add_argument(f"--{option.name.replace('_', '-')}", type=kind, default=default)
    arguments = vars(parser.parse_args())
    numbers, confused = arguments.pop("batch"), arguments.pop("confuse")
    # Without a digest no region comes from the disk: what is tested is translated.
    description = replace(load_description(), digest="")
    compiler().keep_nothing()  # thousands of random programs would drive out everything else
    wrong = with_confused(description, *confused) if confused else None
    gc.freeze()
    gc.set_threshold(100_000)  # what programs leave behind is seldom a cycle
    differed = False
    for number in numbers:
        outcome = Batch(description, Plan(**arguments), number, wrong).run()
        differed = differed or bool(outcome.reports)
        print(json.dumps(outcome.to_json()), flush=True)
        for report in outcome.reports:
            print(report, file=sys.stderr)
    return int(differed)


def with_confused(description: Description, one: str, two: str) -> Description:
    """Return a description in which two instructions have each other's meaning."""
    first, second = (description.mnemonics[name][0] for name in (one, two))
    assert isinstance(first, InstructionDef)
    assert isinstance(second, InstructionDef)
    wrong = {
        first.match: replace(first, meaning=second.meaning),
        second.match: replace(second, meaning=first.meaning),
    }
    instructions = tuple(wrong.get(d.match, d) for d in description.instructions)
    return replace(description, instructions=instructions)


if __name__ == "__main__":
    sys.exit(main())
