"""Where the commands begin, each with its own function.

Nothing else of ours is loaded before Ctrl-C is handled.
"""

from dojo_tools.cli.interrupts import end_when_interrupted


def assemble() -> None:
    """Run `dojo-as`."""
    end_when_interrupted()
    from dojo_tools.cli.assemble import main

    main()


def link() -> None:
    """Run `dojo-ld`."""
    end_when_interrupted()
    from dojo_tools.cli.link import main

    main()


def inspect() -> None:
    """Run `dojo-objdump`."""
    end_when_interrupted()
    from dojo_tools.cli.inspect import main

    main()


def run() -> None:
    """Run `dojo-run`."""
    end_when_interrupted()
    from dojo_tools.cli.run import main

    main()
