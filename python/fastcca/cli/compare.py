"""``fastcca compare``: two arrays from files, their similarity as a table, JSON or picture."""

from __future__ import annotations

import json
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

import fastcca
from fastcca._measures.caveats import warn_about_rank
from fastcca._measures.cca_result import result_of
from fastcca._measures.compare import Comparison
from fastcca._measures.measure import MEASURES, chosen
from fastcca._solve.pair import pair_of
from fastcca.cli.errors import UserError, faults_told
from fastcca.cli.files import read_array
from fastcca.cli.output import print_table

Array = NDArray[Any]


# Of measures, those that complex data have.
_OF_COMPLEX = {"cca", "r2_cca"}


def parse_measures(text: str) -> list[str]:
    """Split a comma-separated list of measures and check every name."""
    names = [name.strip() for name in text.split(",")]
    for name in names:
        if name not in MEASURES:
            raise UserError(f"unknown measure '{name}'; there are {', '.join(MEASURES)}")
    return names


def compare(
    a: str,
    b: str,
    *,
    measures: Sequence[str] = ("cca",),
    features_first: bool = False,
    layout: str | None = None,
    spatial: str | None = None,
    as_json: bool = False,
    plot: Path | None = None,
) -> None:
    """Compare the arrays of two files and print the result.

    Parameters
    ----------
    a, b
        ``FILE`` or ``FILE:NAME``, each an array (n_samples, n_features).
    measures
        Names from `MEASURES`. Ranks, condition and correlations are always those of the CCA.
    features_first
        The arrays are (n_features, n_samples).
    layout, spatial
        What the axes of maps are, and what becomes of positions, as in `fastcca.cca`; a pair of
        layouts is separated by a comma.
    as_json
        Print one JSON object in place of the table.
    plot
        File for a picture of the correlations.

    Raises
    ------
    UserError
        For whatever is wrong with the files, the arrays or the options.
    """
    if plot is not None:
        from fastcca.cli.pictures import check_picture_path

        check_picture_path(plot)
    x, y = read_array(a), read_array(b)
    if features_first:
        if layout is not None:
            raise UserError(
                "--features-first and --layout exclude each other: name C first instead"
            )
        x, y = x.T, y.T
    if layout is None:
        _check_orientation(a, b, x, y, features_first=features_first)
    layouts = tuple(layout.split(",")) if layout is not None and "," in layout else layout
    try:
        with faults_told(f" (x is {a}, y is {b})"):
            pair = pair_of(
                x,
                y,
                layout=layouts,
                spatial=spatial,
                real=bool(set(measures) - _OF_COMPLEX),
            )
            comparison = Comparison(pair, measures)
            values = comparison.values()
            solution = comparison.solution(chosen("cca", {}))
            warn_about_rank(solution)
            result = result_of(solution)
    except MemoryError as error:
        raise UserError(
            f"not enough memory for shapes {x.shape} and {y.shape} (x is {a}, y is {b})"
        ) from error
    if plot is not None:
        from fastcca.cli.pictures import draw_correlations

        draw_correlations(
            result.correlations, plot, title=f"{a} and {b}, {result.n_samples} samples"
        )
    if as_json:
        print(json.dumps(_record(values, result, x, y), allow_nan=False))
    else:
        _print(values, result, (a, x), (b, y), plot)


def _check_orientation(a: str, b: str, x: Array, y: Array, *, features_first: bool) -> None:
    """Catch the arrays that need `--features-first`, or do not: a likely mistake."""
    if x.ndim != 2 or y.ndim != 2:
        return
    if x.shape[0] == y.shape[0]:
        if not features_first and x.shape[0] < min(x.shape[1], y.shape[1]):
            warnings.warn(
                f"{a} and {b} have fewer samples than features; if they are stored features x "
                "samples, add --features-first",
                fastcca.RankWarning,
                stacklevel=2,
            )
        return
    hint = ""
    if x.shape[1] == y.shape[1]:
        hint = (
            "; without --features-first they would match"
            if features_first
            else "; if they are stored features x samples, add --features-first"
        )
    raise UserError(
        f"{a} has {x.shape[0]} samples but {b} has {y.shape[0]}; they must be the same{hint}"
    )


def _record(
    values: dict[str, float], result: fastcca.CCAResult, x: Array, y: Array
) -> dict[str, Any]:
    """Lay out the JSON object."""
    return {
        **values,
        "mean_squared": result.mean_squared,
        "n_samples": result.n_samples,
        "x_shape": list(x.shape),
        "y_shape": list(y.shape),
        "x_rank": result.x_rank,
        "y_rank": result.y_rank,
        "x_dead": result.x_dead.tolist(),
        "y_dead": result.y_dead.tolist(),
        "condition": result.condition,
        "method": result.method,
        "correlations": result.correlations.tolist(),
    }


def _print(
    values: dict[str, float],
    result: fastcca.CCAResult,
    a: tuple[str, Array],
    b: tuple[str, Array],
    plot: Path | None,
) -> None:
    def side(source: tuple[str, Array], rank: int, dead: Array) -> str:
        name, array = source
        constant = f", {dead.size} constant" if dead.size else ""
        return f"{name} ({' x '.join(map(str, array.shape))}, rank {rank}{constant})"

    rho = [f"{value:.4f}" for value in result.correlations]
    if len(rho) > 10:
        rho = [*rho[:5], "...", *rho[-3:]]
    rows = [
        ("x", side(a, result.x_rank, result.x_dead)),
        ("y", side(b, result.y_rank, result.y_dead)),
        *((f"{name} ({MEASURES[name].label})", f"{value:.8f}") for name, value in values.items()),
        ("mean squared correlation", f"{result.mean_squared:.8f}"),
        (f"correlations ({len(result.correlations)})", " ".join(rho)),
        ("condition number", f"{result.condition:.3g}"),
        ("route", result.method),
    ]
    if plot is not None:
        rows.append(("picture", str(plot)))
    print_table(rows)
