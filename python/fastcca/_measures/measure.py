"""A measure by its name, as the one number that tests and intervals are about."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from fastcca._measures.caveats import check_options
from fastcca._measures.cca_result import CCAResult, result_fields
from fastcca._measures.pwcca import projection_weights, weighted_mean
from fastcca._solve.kept_components import Keep, keep_of
from fastcca._solve.pair import Pair
from fastcca._solve.routes import Solvers
from fastcca._solve.solutions import CcaParts, RegressionParts
from fastcca._statistics.summary import mean_of

__all__ = ["MEASURES", "Named", "Valued", "mean_square", "named"]

# What each measure takes beside the data.
_OPTIONS: dict[str, tuple[str, ...]] = {
    "cca": ("ridge", "rank_tolerance"),
    "r2_cca": ("ridge", "rank_tolerance"),
    "svcca": ("keep", "criterion", "rank_tolerance"),
    "pwcca": ("variant", "rank_tolerance"),
    "pls": (),
    "cka": (),
    "procrustes": (),
    "linear_regression_r2": ("rank_tolerance",),
}
MEASURES = tuple(_OPTIONS)
_OF_CORRELATIONS = ("cca", "r2_cca", "svcca", "pwcca")
_VARIANTS = ("paper", "symmetric")


@dataclass(frozen=True, slots=True)
class Valued:
    """A value, and what the backend said on the way.

    Attributes
    ----------
    value : float
    parts : CcaParts or None
        Of a measure of correlations, weights included where they were asked for.
    regression : RegressionParts or None
        Of a linear regression.
    """

    value: float
    parts: CcaParts | None = None
    regression: RegressionParts | None = None

    @property
    def lost(self) -> bool:
        """Whether the route could not tell all digits or directions that the data may hold."""
        parts = self.parts if self.parts is not None else self.regression
        return parts is not None and (parts["digits"] is not None or parts["undecided"] > 0)

    def result(self) -> tuple[CCAResult, tuple[int, int, int, int]]:
        """Return the CCA, and for `warn_about_rank` the dimensions and features of both sides."""
        assert self.parts is not None
        result = CCAResult(**result_fields(self.parts))
        kept = self.parts["x_kept"], self.parts["y_kept"]
        return result, (*kept, result.x_mean.size, result.y_mean.size)


@dataclass(frozen=True, slots=True)
class Named:
    """A measure and its options, checked."""

    measure: str
    ridge: float = 0.0
    keep: tuple[Keep, Keep] | None = None
    variant: str = "paper"
    rank_tolerance: float = 0.0

    @property
    def of_correlations(self) -> bool:
        """Whether the value is a mean of canonical correlations."""
        return self.measure in _OF_CORRELATIONS

    @property
    def wanted(self) -> str:
        """What the measure needs of the CCA of two whitened blocks."""
        return {"r2_cca": "sum_of_squares", "pwcca": "weights"}.get(self.measure, "correlations")

    def solve_cca(self, pair: Pair, solvers: Solvers, *, weights: bool) -> CcaParts:
        """Return the CCA behind the measure."""
        return solvers.cca(
            pair,
            method="auto",
            weights=weights,
            ridge=self.ridge,
            keep=self.keep,
            rank_tolerance=self.rank_tolerance,
        )

    def of(self, pair: Pair, solvers: Solvers, *, weights: bool = False) -> Valued:
        """Compute the measure, with the weights of its CCA where they are asked for."""
        if self.of_correlations:
            parts = self.solve_cca(pair, solvers, weights=weights or self.measure == "pwcca")
            return Valued(self.of_parts(parts), parts=parts)
        if self.measure == "linear_regression_r2":
            found = solvers.linear_regression(pair, rank_tolerance=self.rank_tolerance)
            return Valued(found["r2"], regression=found)
        if self.measure == "pls":
            return Valued(float(np.sum(solvers.pls(pair)["singular_values"])))
        of_pair = {"cka": solvers.cka, "procrustes": solvers.procrustes}
        return Valued(float(of_pair[self.measure](pair)))

    def of_parts(self, parts: CcaParts, *, back: bool = False) -> float:
        """Compute the measure from the CCA behind it; `back` for that of y and x."""
        correlations = parts["correlations"]
        if self.measure == "r2_cca":
            return mean_of(correlations**2)
        if self.measure != "pwcca":
            return mean_of(correlations)
        sides = (parts["x_loadings"], parts["y_loadings"])
        shares = projection_weights(sides[back], correlations)
        if self.variant == "symmetric":
            shares = (shares + projection_weights(sides[not back], correlations)) / 2
        return weighted_mean(shares, correlations)


def mean_square(sum_of_squares: float, parts: CcaParts) -> float:
    """Return R2_CCA from the sum of all squared correlations, which takes no decomposition."""
    count = min(parts["x_kept"], parts["y_kept"])
    return sum_of_squares / count if count else 0.0


def named(measure: str, options: Mapping[str, Any]) -> Named:
    """Check the name of a measure and its options.

    Raises
    ------
    ValueError
        For an unknown measure, or options out of their range.
    TypeError
        For options that the measure does not have.
    """
    if measure not in _OPTIONS:
        raise ValueError(f"measure={measure!r} is unknown; it must be one of {MEASURES}")
    known = _OPTIONS[measure]
    for option in options:
        if option not in known:
            has = f"it has {', '.join(known)}" if known else "it has none"
            raise TypeError(f"{option!r} is no option of measure={measure!r}; {has}")
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
    if measure == "svcca":
        keep = keep_of(options.get("keep", 0.99), options.get("criterion", "variance"))
    return Named(measure, ridge, keep, variant, rank_tolerance)
