"""What the page about linking shows is what the linker says."""

from pathlib import Path

from dojo_tools.linker import limits

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "linking.md").read_text(encoding="utf-8")


def test_the_page_has_the_limits_of_the_linker() -> None:
    _, table = PAGE.split("| what | limit |\n|---|---|\n")
    assert table.splitlines() == [f"| {what} | {limit} |" for what, limit in limits()]
