"""``fastcca matrix``: all layers of one network against all of another, as table or picture."""

from __future__ import annotations

import csv
import importlib.util
import json
import math
import sys
from pathlib import Path

import fastcca
from fastcca._measures.measure import MEASURES
from fastcca.cli.errors import UserError, faults_told
from fastcca.cli.files import read_layers
from fastcca.cli.output import print_table


def matrix(
    a: str,
    b: str | None,
    *,
    measure: str = "svcca",
    layout: str | None = None,
    spatial: str | None = None,
    as_json: bool = False,
    csv_file: Path | None = None,
    plot: Path | None = None,
) -> None:
    """Compare every layer of one file or folder with every layer of another and print the result.

    Parameters
    ----------
    a, b
        Files or folders of layers, see `fastcca.cli.files.read_layers`; without `b`, the layers of
        `a` against each other.
    measure
        A name from `MEASURES`.
    layout, spatial
        What the axes of maps are, and what becomes of positions, as in `fastcca.cca`.
    as_json
        Print one JSON object in place of the table.
    csv_file
        File for the table, a line for each layer of `a`, names in the first line and column.
    plot
        File for a picture.

    Raises
    ------
    UserError
        For whatever is wrong with the files, the arrays or the options.
    """
    if measure not in MEASURES:
        raise UserError(f"unknown measure '{measure}'; there are {', '.join(MEASURES)}")
    if plot is not None:
        from fastcca.cli.pictures import check_picture_path

        check_picture_path(plot)
    if csv_file is not None and (csv_file.is_dir() or not csv_file.parent.is_dir()):
        raise UserError(f"cannot write {csv_file}: no such folder")
    xs = read_layers(a)
    ys = None if b is None else read_layers(b)
    sources = a if b is None else f"{a} and {b}"
    try:
        with faults_told(f" (layers of {sources})"):
            result = fastcca.pairwise(
                xs,
                ys,
                measure=measure,
                layout=layout,
                spatial=spatial,
                progress=_can_show_progress(),
            )
    except MemoryError as error:
        raise UserError(f"not enough memory for the layers of {sources}: {error}") from error
    x_names, y_names = list(result.x_names), list(result.y_names)
    values = [[float(value) for value in row] for row in result.values]
    if csv_file is not None:
        _write_csv(csv_file, x_names, y_names, values)
    if plot is not None:
        from fastcca.cli.pictures import HeatMap, draw_heat_maps

        draw_heat_maps(
            [HeatMap(MEASURES[measure].label, result.values)],
            plot,
            row_names=x_names,
            column_names=y_names,
            row_label=a,
            column_label=a if b is None else b,
            title=f"{measure} of {sources}",
        )
    if as_json:
        record = {
            "measure": measure,
            "x_names": x_names,
            "y_names": y_names,
            "values": [[v if math.isfinite(v) else None for v in row] for row in values],
        }
        print(json.dumps(record, allow_nan=False))
        return
    print_table(
        [[name, *(f"{v:.4f}" for v in row)] for name, row in zip(x_names, values, strict=True)],
        header=["", *y_names],
        title=f"{measure} ({MEASURES[measure].label}): {a} down, {a if b is None else b} across",
        align_right=True,
    )
    for written in (csv_file, plot):
        if written is not None:
            print(f"written: {written}")


def _can_show_progress() -> bool:
    return sys.stderr.isatty() and importlib.util.find_spec("rich") is not None


def _write_csv(
    path: Path, x_names: list[str], y_names: list[str], values: list[list[float]]
) -> None:
    try:
        with path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(["", *y_names])
            for name, row in zip(x_names, values, strict=True):
                writer.writerow([name, *(repr(value) for value in row)])
    except OSError as error:
        raise UserError(f"cannot write {path}: {error.strerror or error}") from error
