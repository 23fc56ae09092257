"""``fastcca compare``: two arrays from files, their similarity as a table, JSON or picture."""

from __future__ import annotations

import json
import math
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from numpy.typing import NDArray

import fastcca
from fastcca.cli.errors import UserError, faults_told
from fastcca.cli.files import read_array
from fastcca.cli.output import print_table

Array = NDArray[Any]


class Measure(NamedTuple):
    """A measure that the command offers: how it is computed, and its one number."""

    label: str
    compute: Callable[[Array, Array], fastcca.CCAResult]
    value: Callable[[fastcca.CCAResult], float]


MEASURES = {
    "cca": Measure(
        "mean correlation",
        lambda x, y: fastcca.cca(x, y, weights=False),
        lambda result: result.mean,
    ),
}


def parse_measures(text: str) -> list[str]:
    """Split a comma-separated list of measures and check every name."""
    names = [name.strip() for name in text.split(",")]
    for name in names:
        if name not in MEASURES:
            raise UserError(f"unknown measure '{name}'; there is: {', '.join(MEASURES)}")
    return names


def compare(
    a: str,
    b: str,
    *,
    measures: Sequence[str] = ("cca",),
    features_first: bool = False,
    as_json: bool = False,
    plot: Path | None = None,
) -> None:
    """Compare the arrays of two files and print the result.

    Parameters
    ----------
    a, b
        ``FILE`` or ``FILE:NAME``, each an array (n_samples, n_features).
    measures
        Names from `MEASURES`. Ranks, condition and correlations are those of the first.
    features_first
        The arrays are (n_features, n_samples).
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
        x, y = x.T, y.T
    _check_orientation(a, b, x, y, features_first=features_first)
    try:
        with faults_told(f" (x is {a}, y is {b})"):
            results = {name: MEASURES[name].compute(x, y) for name in measures}
    except MemoryError as error:
        raise UserError(
            f"not enough memory for {x.shape[1]} and {y.shape[1]} features (x is {a}, y is {b})"
        ) from error
    values = {name: MEASURES[name].value(result) for name, result in results.items()}
    first = results[measures[0]]
    if plot is not None:
        from fastcca.cli.pictures import draw_correlations

        draw_correlations(first.correlations, plot, title=f"{a} and {b}, {first.n_samples} samples")
    if as_json:
        print(json.dumps(_record(values, first, x, y), allow_nan=False))
    else:
        _print(values, first, (a, x), (b, y), plot)


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
    """Lay out the JSON object; numbers that JSON cannot hold (infinity) become null."""
    return {
        **{name: _finite(value) for name, value in values.items()},
        "mean_squared": _finite(result.mean_squared),
        "n_samples": result.n_samples,
        "x_shape": list(x.shape),
        "y_shape": list(y.shape),
        "x_rank": result.x_rank,
        "y_rank": result.y_rank,
        "x_dead": result.x_dead.tolist(),
        "y_dead": result.y_dead.tolist(),
        "condition": _finite(result.condition),
        "method": result.method,
        "correlations": result.correlations.tolist(),
    }


def _finite(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None


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
        return f"{name} ({array.shape[0]} x {array.shape[1]}, rank {rank}{constant})"

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
