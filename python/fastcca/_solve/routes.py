"""The one door of this room: which ways there are to solve a pair, and which is taken.

A way that has lost digits or directions which the data may hold is left for the next one.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fastcca._inputs.arrays import AnyArray
from fastcca._solve import by_core, by_reference, few_samples
from fastcca._solve.options import CcaOptions
from fastcca._solve.out_of_range import in_range
from fastcca._solve.pair import Floats, Pair
from fastcca._solve.solutions import (
    AxesSolution,
    CcaSolution,
    GoogleSolution,
    NumberSolution,
    PlsSolution,
    RegressionSolution,
    number_of,
)

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
        "reference": number_of(by_reference.cka),
        "few samples": number_of(few_samples.cka),
        "moments": number_of(by_core.cka),
    },
    "procrustes": {
        "reference": number_of(by_reference.procrustes),
        "few samples": number_of(few_samples.procrustes),
        "moments": number_of(by_core.procrustes),
    },
    "debiased cka": {
        "reference": number_of(by_reference.debiased_cka),
        "moments": number_of(by_core.debiased_cka),
    },
}


def _solve(pair: Pair, measure: str, method: str, *args: Any, **options: Any) -> Any:
    ways = _WAYS[measure]
    if pair.place == "numpy":
        return ways["reference"](pair, *args, **options)
    if method != "moments" and pair.has_few_samples:
        return ways["few samples"](pair, *args, **options)
    if method == "qr" or (pair.has_factor and method != "moments" and "factor" in ways):
        return ways["factor"](pair, *args, **options)
    solution = ways["moments"](pair, *args, **options)
    if solution.lost and method != "moments" and pair.source is not None:
        # The factor is one of real samples; the reference takes complex ones as they are.
        return ways["reference" if pair.is_complex else "factor"](pair, *args, **options)
    return solution


def cca(pair: Pair, options: CcaOptions) -> CcaSolution:
    """CCA, of the leading principal axes where `keep` is given."""
    solution: CcaSolution = in_range(
        _solve, pair, "cca", options.method, options, each_feature=options.keep is None
    )
    return solution.at(pair.place) if options.in_place else solution


def pls(pair: Pair, *, in_place: bool = False) -> PlsSolution:
    """SVD of the cross-covariance; `in_place` as of `CcaOptions`."""
    solution: PlsSolution = in_range(_solve, pair, "pls", "auto", in_place)
    return solution.at(pair.place) if in_place else solution


def pca(single: Pair, *, rank_tolerance: float = 0.0, in_place: bool = False) -> AxesSolution:
    """Principal axes of one block; `in_place` as of `CcaOptions`."""
    solution: AxesSolution = in_range(_solve, single, "pca", "auto", rank_tolerance, in_place)
    return solution.at(single.place) if in_place else solution


def cka(pair: Pair) -> float:
    """Linear CKA."""
    solution: NumberSolution = in_range(_solve, pair, "cka", "auto")
    return solution.value


def procrustes(pair: Pair) -> float:
    """Nuclear norm of the cross-covariance over the roots of both traces."""
    solution: NumberSolution = in_range(_solve, pair, "procrustes", "auto")
    return solution.value


def linear_regression(pair: Pair, *, rank_tolerance: float = 0.0) -> RegressionSolution:
    """Share of y's variance that x explains."""
    solution: RegressionSolution = in_range(
        _solve, pair, "linear regression", "auto", rank_tolerance
    )
    return solution


def debiased_cka(pair: Pair) -> float:
    """CKA by the unbiased estimator of HSIC; of samples alone."""
    n = pair.with_samples().n_samples
    pair.check_enough(n)
    if n < 4:
        raise ValueError(f"debiased CKA needs at least 4 samples, but there are {n}")
    solution: NumberSolution = in_range(_solve, pair, "debiased cka", "moments")
    return solution.value


def google_cca(
    pair: Pair, epsilon: float, energies: tuple[Floats | None, Floats | None] = (None, None)
) -> GoogleSolution:
    """CCA of google/svcca's ``get_cca_similarity``.

    `energies` are the mean squares that rounding is in proportion to, where those are not the
    neurons' own.
    """
    found: GoogleSolution = _way_at(pair.place).google_cca(pair, epsilon, energies)
    return found


def google_cca_of_covariances(
    x_cov: AnyArray, y_cov: AnyArray, cross_cov: AnyArray, epsilon: float, place: str
) -> GoogleSolution:
    """Do the same for covariances as they are given."""
    way = _way_at(place)
    found: GoogleSolution = way.google_cca_of_covariances(x_cov, y_cov, cross_cov, epsilon, place)
    return found


def google_weights(pair: Pair, epsilon: float = 0.0) -> tuple[Floats, Floats]:
    """Correlations and weights (k,) of google/svcca's ``compute_pwcca``."""
    correlations, weights = _way_at(pair.place).google_weights(pair, epsilon)
    return correlations, weights


def _way_at(place: str) -> Any:
    return by_reference if place == "numpy" else by_core
