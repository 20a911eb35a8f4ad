"""Many numbers as short text: `1..3, 8..20 by 4` instead of each for itself."""

from collections.abc import Sequence

RANGES_MAX = 12
"""So many ranges are shown of numbers that lie anywhere."""

STEPS_MIN = 3
"""So many numbers with the same distance, if it is not 1, are one range."""


def numbers_text(numbers: Sequence[int]) -> str:
    """Return ascending numbers as ranges, at most `RANGES_MAX`."""
    ranges = ranges_of(numbers)
    left = sum(map(len, ranges[RANGES_MAX:]))
    return ", ".join(map(range_text, ranges[:RANGES_MAX])) + (f" and {left} more" if left else "")


def range_text(numbers: range) -> str:
    """Return a range: `5`, `1..3` or `8..20 by 4`."""
    if len(numbers) == 1:
        return str(numbers[0])
    step = "" if numbers.step == 1 else f" by {numbers.step}"
    return f"{numbers[0]}..{numbers[-1]}{step}"


def ranges_of(numbers: Sequence[int]) -> list[range]:
    """Return ascending numbers as ranges, each as long as it can be."""
    ranges: list[range] = []
    first = 0
    while first < len(numbers):
        last, step = first, 1
        if first + 1 < len(numbers):
            step = numbers[first + 1] - numbers[first]
            while last + 1 < len(numbers) and numbers[last + 1] - numbers[last] == step:
                last += 1
        if step > 1 and last - first + 1 < STEPS_MIN:
            last, step = first, 1
        ranges.append(range(numbers[first], numbers[last] + 1, step))
        first = last + 1
    return ranges
