"""Tables on the terminal: by rich where it is installed, in plain text otherwise."""

from __future__ import annotations

from collections.abc import Collection, Sequence


def print_table(
    rows: Sequence[Sequence[str]],
    *,
    header: Sequence[str] = (),
    title: str = "",
    align_right: bool = False,
    bold: Collection[tuple[int, int]] = (),
) -> None:
    """Print rows of text in aligned columns.

    Parameters
    ----------
    rows
        The cells; the first column holds the names of the rows.
    header
        Names of the columns.
    title
        A line above the table.
    align_right
        Set all columns but the first flush right.
    bold
        (row, column) of the cells to stress, where the terminal can.
    """
    try:
        from rich import box
        from rich.console import Console
        from rich.table import Table
        from rich.text import Text
    except ModuleNotFoundError:
        print(format_table(rows, header=header, title=title, align_right=align_right))
        return
    table = Table(
        box=box.SIMPLE_HEAD if header else None,
        show_header=bool(header),
        title=Text(title) if title else None,
        title_justify="left",
        title_style="bold",
    )
    for column in range(len(rows[0])):
        table.add_column(
            Text(header[column]) if header else "",
            justify="right" if align_right and column else "left",
            style="cyan" if column == 0 else None,
            overflow="fold",
        )
    for i, row in enumerate(rows):
        table.add_row(
            *(Text(cell, style="bold" if (i, j) in bold else "") for j, cell in enumerate(row))
        )
    Console(highlight=False).print(table)


def format_table(
    rows: Sequence[Sequence[str]],
    *,
    header: Sequence[str] = (),
    title: str = "",
    align_right: bool = False,
) -> str:
    """Lay the same table out in plain text."""
    lines = [header, *rows] if header else list(rows)
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    text = [title] if title else []
    for line in lines:
        cells = [
            cell.rjust(width) if align_right and column else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(line, widths, strict=True))
        ]
        text.append("  ".join(cells).rstrip())
    return "\n".join(text)
