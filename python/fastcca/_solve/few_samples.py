"""Blocks with more features than samples, by the compiled core: of the samples, where they lie."""

from __future__ import annotations

from typing import Any

from fastcca._inputs.source import whole_of
from fastcca._runtime.compiled import device_at, module_at
from fastcca._runtime.output import left_there
from fastcca._solve.options import CcaOptions
from fastcca._solve.pair import Pair
from fastcca._solve.solutions import (
    AxesSolution,
    CcaSolution,
    PlsSolution,
    RegressionSolution,
    Side,
    names_of,
)


def _call(function: str, pair: Pair, *options: Any, in_place: bool = False) -> Any:
    """Call a function of the core that takes samples, where the pair is to be solved."""
    samples = whole_of(pair.with_samples())
    device = device_at(pair.place)
    found = getattr(module_at(pair.place), function)(*samples, *options, device=device)
    return left_there(found, pair.place) if in_place else found


def cca(pair: Pair, options: CcaOptions) -> CcaSolution:
    """CCA; of the leading principal axes where `keep` is given."""
    of_data = options.method == "qr"
    asked = options.for_core()
    solved = _call("solve_cca_of_samples", pair, *asked, of_data, in_place=options.in_place)
    return CcaSolution(
        solved["correlations"],
        Side.of(solved, "x"),
        Side.of(solved, "y"),
        solved["n_samples"],
        solved["method"],
    )


def pls(pair: Pair, in_place: bool = False) -> PlsSolution:
    """SVD of the cross-covariance, ``min(n, p, q)`` pairs of directions."""
    solved = _call("solve_pls_of_samples", pair, in_place, in_place=in_place)
    return PlsSolution(**{name: solved[name] for name in names_of(PlsSolution)})


def pca(single: Pair, rank_tolerance: float, in_place: bool = False) -> AxesSolution:
    """Principal axes of one block, as many as samples; the last one is of no variance."""
    solved = _call("solve_pca_of_samples", single, rank_tolerance, in_place, in_place=in_place)
    return AxesSolution(**{name: solved[name] for name in names_of(AxesSolution)})


def cka(pair: Pair) -> float:
    """Linear CKA: the cosine between the two Gram matrices."""
    return float(_call("linear_cka_of_samples", pair))


def procrustes(pair: Pair) -> float:
    """Nuclear norm of the cross-covariance over the roots of both traces."""
    return float(_call("procrustes_of_samples", pair))


def linear_regression(pair: Pair, rank_tolerance: float) -> RegressionSolution:
    """Share of y's variance that x explains."""
    solved = _call("linear_regression_of_samples", pair, rank_tolerance)
    return RegressionSolution(solved["r2"], solved["x_condition"])
