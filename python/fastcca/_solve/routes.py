"""The one door of this room: which ways there are to solve a pair, and which is taken.

A way that has lost digits or directions which the data may hold is left for the next one.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fastcca._solve import by_core, by_reference, few_samples
from fastcca._solve.options import CcaOptions
from fastcca._solve.out_of_range import in_range, number_in_range
from fastcca._solve.pair import Pair
from fastcca._solve.solutions import (
    AxesSolution,
    CcaSolution,
    PlsSolution,
    RegressionSolution,
    SymmetricSolution,
)

__all__ = ["cca", "cka", "linear_regression", "pca", "pls", "procrustes", "symmetric_cca"]

# What can solve each measure: the numpy reference, the coordinates of few samples, the second
# moments, and the triangular factor of the samples.
_WAYS: dict[str, dict[str, Callable[..., Any]]] = {
    "cca": {
        "reference": by_reference.cca,
        "few samples": few_samples.cca,
        "moments": by_core.cca_of_moments,
        "factor": by_core.cca_of_factor,
    },
    "linear regression": {
        "reference": by_reference.linear_regression,
        "few samples": few_samples.linear_regression,
        "moments": by_core.linear_regression_of_moments,
        "factor": by_core.linear_regression_of_factor,
    },
    "pca": {
        "reference": by_reference.pca,
        "few samples": few_samples.pca,
        "moments": by_core.pca_of_moments,
        "factor": by_core.pca_of_factor,
    },
    "pls": {
        "reference": by_reference.pls,
        "few samples": few_samples.pls,
        "moments": by_core.pls,
    },
    "cka": {
        "reference": by_reference.cka,
        "few samples": few_samples.cka,
        "moments": by_core.cka,
    },
    "procrustes": {
        "reference": by_reference.procrustes,
        "few samples": few_samples.procrustes,
        "moments": by_core.procrustes,
    },
}


def _ways(measure: str, pair: Pair, method: str = "auto") -> list[Callable[..., Any]]:
    """Return the ways to take, each for where the one before has lost something."""
    known = _WAYS[measure]
    if pair.place == "numpy":
        names = ["reference"]
    elif pair.has_few_samples and method != "moments":
        names = ["few samples"]
    elif method == "qr" or (pair.has_factor and method != "moments" and "factor" in known):
        names = ["factor"]
    elif method == "moments" or pair.source is None:
        names = ["moments"]
    else:
        # The factor is one of real samples; the reference takes complex ones as they are.
        names = ["moments", "reference" if pair.is_complex else "factor"]
    return [known[name] for name in names if name in known]


def _first_that_keeps_all(ways: list[Callable[..., Any]], *args: Any, **options: Any) -> Any:
    *preferred, last = ways
    for way in preferred:
        solution = way(*args, **options)
        if not solution.lost:
            return solution
    return last(*args, **options)


def cca(pair: Pair, options: CcaOptions) -> CcaSolution:
    """CCA, of the leading principal axes where `keep` is given."""

    def solve(p: Pair) -> CcaSolution:
        found: CcaSolution = _first_that_keeps_all(_ways("cca", p, options.method), p, options)
        return found

    solution = in_range(solve, pair, each_feature=options.keep is None)
    return solution.at(pair.place) if options.in_place else solution


def pls(pair: Pair, *, in_place: bool = False) -> PlsSolution:
    """SVD of the cross-covariance; `in_place` as of `CcaOptions`."""

    def solve(p: Pair) -> PlsSolution:
        found: PlsSolution = _ways("pls", p)[0](p, in_place=in_place)
        return found

    solution = in_range(solve, pair)
    return solution.at(pair.place) if in_place else solution


def pca(single: Pair, *, rank_tolerance: float = 0.0, in_place: bool = False) -> AxesSolution:
    """Principal axes of one block; `in_place` as of `CcaOptions`."""

    def solve(p: Pair) -> AxesSolution:
        found: AxesSolution = _ways("pca", p)[0](
            p, rank_tolerance=rank_tolerance, in_place=in_place
        )
        return found

    solution = in_range(solve, single)
    return solution.at(single.place) if in_place else solution


def cka(pair: Pair) -> float:
    """Linear CKA."""
    return number_in_range(lambda p: float(_ways("cka", p)[0](p)), pair)


def procrustes(pair: Pair) -> float:
    """Nuclear norm of the cross-covariance over the roots of both traces."""
    return number_in_range(lambda p: float(_ways("procrustes", p)[0](p)), pair)


def linear_regression(pair: Pair, *, rank_tolerance: float = 0.0) -> RegressionSolution:
    """Share of y's variance that x explains."""

    def solve(p: Pair) -> RegressionSolution:
        ways = _ways("linear regression", p)
        found: RegressionSolution = _first_that_keeps_all(ways, p, rank_tolerance=rank_tolerance)
        return found

    return in_range(solve, pair)


def symmetric_cca(*, place: str, **covariances: Any) -> SymmetricSolution:
    """CCA of given covariances by symmetric inverse square roots; see `fastcca.reference`."""
    way = by_reference.symmetric_cca if place == "numpy" else by_core.symmetric_cca
    return way(place=place, **covariances)
