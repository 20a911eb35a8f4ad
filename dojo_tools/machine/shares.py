"""What each thread of a program may issue: what the program states, or an equal part."""

from dojo_tools.description import MachineDef
from dojo_tools.diagnostics import fail
from dojo_tools.engines.timing import Share
from dojo_tools.objects import Image


def shares_of(image: Image, number: int, machine: MachineDef) -> tuple[Share | None, ...]:
    """Return the share of each thread of a program; None for one that owns its node.

    Raises `InputError` for more threads, or more to issue, than a node has.
    """
    stated = image.threads_of(number)
    lanes_max, count = machine.issue.scalar, stated.count
    if count > machine.threads:
        raise fail(
            f"{image.name}: the program states {count} threads, a node of `{machine.name}` has "
            f"{machine.threads}"
        )
    given = {share.thread: Share(share.lanes, share.interval) for share in stated.shares}
    if count == 1 and not given:
        return (None,)
    equal = Share(max(1, lanes_max // count), count)
    shares = tuple(given.get(thread, equal) for thread in range(count))
    lanes = sum(share.lanes for share in shares)
    if lanes > lanes_max:
        raise fail(
            f"{image.name}: the threads share {lanes} scalar instructions a cycle, a node of "
            f"`{machine.name}` issues {lanes_max}",
            hint="`.share thread, lanes, interval` states what each may issue",
        )
    turns = sum(1 / share.interval for share in shares if share.interval)
    if turns > 1:
        raise fail(
            f"{image.name}: the threads share more than one vector instruction a cycle",
            hint="the sum of 1 / interval of all threads is at most 1",
        )
    return shares
