"""The table of measures: what there is, what it is called, what it takes, how it is read.

Whatever asks for a measure by its name reads it here: `compare`, `pairwise`, `dynamics`,
`permutation_test`, `bootstrap`, the command line. A measure that is in the table exists in all of
them, and what one of them cannot do with it stands in the table with the reason.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from fastcca._measures.options import check_options
from fastcca._measures.projection_weights import projection_weights, weighted_mean
from fastcca._solve import routes
from fastcca._solve.kept_components import Keep, keep_of
from fastcca._solve.options import CcaOptions
from fastcca._solve.pair import Pair
from fastcca._solve.solutions import CcaSolution, RegressionSolution
from fastcca._statistics.summary import mean_of

# google's PWCCA is of `pwcca` and `fastcca.compat` alone: it depends on signs that an SVD leaves
# open, so that a null distribution or a matrix of it would say nothing.
_VARIANTS = ("paper", "symmetric")


@dataclass(frozen=True, slots=True, eq=False)
class Measure:
    """A similarity of two blocks that is one number.

    Attributes
    ----------
    name : str
    label : str
        What the number is, for tables and the command line.
    solve : callable
        From a pair and what was chosen, the solution that the number is read from; several
        measures may share one.
    read : callable
        From the solution and what was chosen, the number.
    options : tuple of str
        What it takes beside the data.
    of_correlations : bool
        Whether it is a mean of canonical correlations.
    symmetric : bool
        Whether the solution says the number of y and x as well.
    weighted : bool
        Whether weights are needed.
    needs_samples : bool
        Whether it cannot be told from a state: debiased CKA needs sums of fourth powers.
    bounded : bool
        Whether it is 1 at most; PLS is in units of x times units of y.
    of_pairs : str or None
        How the compiled core answers many pairs of one state at once: what it is asked of two
        whitened blocks, or the function. None where pairs are solved one by one.
    """

    name: str
    label: str
    solve: Callable[[Pair, Chosen, bool], Any]
    read: Callable[[Any, Chosen], float]
    options: tuple[str, ...] = ()
    of_correlations: bool = False
    symmetric: bool = True
    weighted: bool = False
    needs_samples: bool = False
    bounded: bool = True
    of_pairs: str | None = None


@dataclass(frozen=True, slots=True)
class Chosen:
    """A measure and its options, checked."""

    measure: Measure
    ridge: float = 0.0
    keep: tuple[Keep, Keep] | None = None
    variant: str = "paper"
    rank_tolerance: float = 0.0

    def of(self, pair: Pair, *, weights: bool = False) -> Valued:
        """Compute the measure, with the weights of its CCA where they are asked for."""
        solution = self.measure.solve(pair, self, weights or self.measure.weighted)
        return self.read(solution)

    def read(self, solution: Any) -> Valued:
        """Return the number that a solution holds."""
        return Valued(self.measure.read(solution, self), solution)

    def solve_cca(self, pair: Pair, *, weights: bool) -> CcaSolution:
        """Return the CCA behind a measure of correlations."""
        return _cca(pair, self, weights)


@dataclass(frozen=True, slots=True, eq=False)
class Valued:
    """A value, and the solution it was read from.

    Attributes
    ----------
    value : float
    solution : CcaSolution, RegressionSolution, PlsSolution or float
    """

    value: float
    solution: Any

    @property
    def cca(self) -> CcaSolution | None:
        """The CCA behind a measure of correlations."""
        return self.solution if isinstance(self.solution, CcaSolution) else None

    @property
    def lost(self) -> bool:
        """Whether the route could not tell all digits or directions that the data may hold."""
        return bool(getattr(self.solution, "lost", False))


def _cca(pair: Pair, asked: Chosen, weights: bool) -> CcaSolution:
    options = CcaOptions(
        weights=weights, ridge=asked.ridge, keep=asked.keep, rank_tolerance=asked.rank_tolerance
    )
    return routes.cca(pair, options)


def _regression(pair: Pair, asked: Chosen, weights: bool) -> RegressionSolution:
    return routes.linear_regression(pair, rank_tolerance=asked.rank_tolerance)


def _pls(pair: Pair, asked: Chosen, weights: bool) -> Any:
    return routes.pls(pair)


def _cka(pair: Pair, asked: Chosen, weights: bool) -> float:
    return routes.cka(pair)


def _debiased_cka(pair: Pair, asked: Chosen, weights: bool) -> float:
    return routes.debiased_cka(pair)


def _procrustes(pair: Pair, asked: Chosen, weights: bool) -> float:
    return routes.procrustes(pair)


def _mean(solution: CcaSolution, asked: Chosen) -> float:
    return mean_of(solution.correlations)


def _mean_square(solution: CcaSolution, asked: Chosen) -> float:
    return mean_of(solution.correlations**2)


def _projection_weighted(solution: CcaSolution, asked: Chosen) -> float:
    shares = projection_weights(solution.x.loadings, solution.correlations)
    if asked.variant == "symmetric":
        shares = (shares + projection_weights(solution.y.loadings, solution.correlations)) / 2
    return weighted_mean(shares, solution.correlations)


def _itself(number: float, asked: Chosen) -> float:
    return number


_TABLE = (
    Measure(
        "cca",
        "mean correlation",
        _cca,
        _mean,
        ("ridge", "rank_tolerance"),
        of_correlations=True,
        of_pairs="correlations",
    ),
    Measure(
        "r2_cca",
        "mean squared correlation",
        _cca,
        _mean_square,
        ("ridge", "rank_tolerance"),
        of_correlations=True,
        of_pairs="sum_of_squares",
    ),
    Measure(
        "svcca",
        "mean correlation at 99% of the variance",
        _cca,
        _mean,
        ("keep", "criterion", "rank_tolerance"),
        of_correlations=True,
        of_pairs="correlations",
    ),
    Measure(
        "pwcca",
        "projection weighted, from x",
        _cca,
        _projection_weighted,
        ("variant", "rank_tolerance"),
        of_correlations=True,
        weighted=True,
        of_pairs="weights",
    ),
    Measure(
        "pls",
        "sum of the covariances of paired directions",
        _pls,
        lambda solution, asked: float(np.sum(solution.singular_values)),
        bounded=False,
    ),
    Measure("cka", "linear", _cka, _itself, of_pairs="linear_cka_of_pairs"),
    Measure("cka_debiased", "linear, debiased", _debiased_cka, _itself, needs_samples=True),
    Measure(
        "procrustes",
        "cosine to the best rotation",
        _procrustes,
        _itself,
        of_pairs="procrustes_of_pairs",
    ),
    Measure(
        "linear_regression_r2",
        "share of y that x explains",
        _regression,
        lambda solution, asked: float(solution.r2),
        ("rank_tolerance",),
        symmetric=False,
        of_pairs="linear_regression",
    ),
)
MEASURES = {measure.name: measure for measure in _TABLE}


def measure_of(name: str) -> Measure:
    """Return the measure of a name; ValueError where there is none."""
    if name not in MEASURES:
        raise ValueError(f"measure={name!r} is unknown; it must be one of {tuple(MEASURES)}")
    return MEASURES[name]


def chosen(name: str, options: Mapping[str, Any]) -> Chosen:
    """Check the name of a measure and its options.

    Raises
    ------
    ValueError
        For an unknown measure, or options out of their range.
    TypeError
        For options that the measure does not have.
    """
    measure = measure_of(name)
    known = measure.options
    for option in options:
        if option not in known:
            has = f"it has {', '.join(known)}" if known else "it has none"
            raise TypeError(f"{option!r} is no option of measure={name!r}; {has}")
    ridge = float(options.get("ridge", 0.0))
    rank_tolerance = float(options.get("rank_tolerance", 0.0))
    check_options(ridge=ridge, rank_tolerance=rank_tolerance)
    variant = options.get("variant", "paper")
    if variant not in _VARIANTS:
        raise ValueError(
            f"variant={variant!r} must be one of {_VARIANTS} here; google's depends on signs that "
            "the SVD leaves open"
        )
    keep = None
    if "keep" in known:
        keep = keep_of(options.get("keep", 0.99), options.get("criterion", "variance"))
    return Chosen(measure, ridge, keep, variant, rank_tolerance)
