"""What the description costs at start-up: reading and proving it, against the cached result."""

from dojo_tools.description import load_description
from dojo_tools.description.loader import load_sources
from dojo_tools.description.locate import isa_folder
from dojo_tools.diagnostics import read_source
from figures import Figure, median_seconds


def bench_loading() -> list[Figure]:
    """Measure loading all shipped files, from the cache and through the grammar."""
    sources = [read_source(path) for path in sorted(isa_folder().glob("*.isa"))]
    seconds = median_seconds(
        {"cache": load_description, "grammar": lambda: load_sources(sources)}, rounds=5
    )
    cached, read = seconds["cache"] * 1000, seconds["grammar"] * 1000
    return [Figure("description from the cache", cached, "ms", "through the grammar", read)]
