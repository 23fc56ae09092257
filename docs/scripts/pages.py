"""Tables that scripts write into pages of the documentation.

Where a page wants one, it has the lines ``<!-- table: NAME -->`` and ``<!-- /table: NAME -->``.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

__all__ = ["paste", "pasted", "table"]


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Lay out a table in Markdown."""
    lines = [list(head), ["---"] * len(head), *(list(row) for row in rows)]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in lines)


def pasted(page: Path, name: str) -> list[list[str]]:
    """Read a table back: its cells, without the head."""
    lines = _parts(page, name)[1].strip().splitlines()
    return [[cell.strip() for cell in line.strip().strip("|").split("|")] for line in lines[2:]]


def paste(page: Path, name: str, text: str) -> None:
    """Put a table in its place."""
    before, _, after = _parts(page, name)
    page.write_text(f"{before}\n{text}\n{after}", encoding="utf-8")


def _parts(page: Path, name: str) -> tuple[str, str, str]:
    """Split a page into what comes before a table, the table, and what comes after."""
    begin, end = f"<!-- table: {name} -->", f"<!-- /table: {name} -->"
    text = page.read_text(encoding="utf-8")
    if text.count(begin) != 1 or text.count(end) != 1:
        raise ValueError(f"{page} must have the line {begin} once, and {end} once")
    before, rest = text.split(begin)
    inside, after = rest.split(end)
    return before + begin, inside, end + after
