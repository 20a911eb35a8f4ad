"""What the objects of a program state about its threads, joined."""

from collections.abc import Sequence
from dataclasses import replace

from dojo_tools.diagnostics import Report, printable
from dojo_tools.objects import ObjectFile, Share, Threads


def join_threads(objects: Sequence[ObjectFile], report: Report) -> Threads | None:
    """Return the threads of a program, None if no object states any. Report what differs."""
    first: ObjectFile | None = None
    shares: dict[int, tuple[Share, ObjectFile]] = {}
    for file in objects:
        if file.threads is None:
            continue
        first = first or file
        assert first.threads is not None
        if file.threads.count != first.threads.count:
            report.error(
                f"{printable(first.name)} states {_count(first.threads)}, "
                f"{printable(file.name)} {_count(file.threads)}"
            )
        for share in file.threads.shares:
            stated, other = shares.setdefault(share.thread, (share, file))
            if stated != share:
                report.error(
                    f"the shares of thread {share.thread} in {printable(other.name)} "
                    f"({_share(stated)}) and {printable(file.name)} ({_share(share)}) differ"
                )
    if first is None or first.threads is None:
        return None
    return replace(first.threads, shares=tuple(sorted(share for share, _ in shares.values())))


def _count(threads: Threads) -> str:
    return f"{threads.count} thread{'' if threads.count == 1 else 's'}"


def _share(share: Share) -> str:
    vectors = f"a vector every {share.interval}" if share.interval else "no vectors"
    return f"{share.lanes} a cycle, {vectors}"
