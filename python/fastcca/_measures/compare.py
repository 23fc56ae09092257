"""Many measures of one pair, with one pass over the data."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

import numpy.typing as npt

from fastcca._inputs.layouts import LayoutOrPair, Size
from fastcca._measures.caveats import warn_about_accuracy, warn_about_rank
from fastcca._measures.cca_result import CCAResult, result_fields
from fastcca._measures.pwcca import projection_weights, weighted_mean
from fastcca._measures.similarity import warn_about_regression
from fastcca._measures.svcca import SVCCAResult
from fastcca._runtime import backend as _backend
from fastcca._solve.kept_components import keep_of
from fastcca._solve.pair import Pair
from fastcca._solve.pair_of import pair_of
from fastcca._solve.routes import Solvers, solvers_at
from fastcca._solve.solutions import CcaParts, RegressionParts
from fastcca._states.moments import Moments

__all__ = ["MEASURES", "Comparison", "compare"]


class Comparison:
    """The measures of one pair, sharing what they have in common."""

    def __init__(self, pair: Pair, solvers: Solvers, *, weights: bool) -> None:
        self._pair = pair
        self._solvers = solvers
        self._weights = weights

    @cached_property
    def cca_parts(self) -> CcaParts:
        """What the backend says of the CCA, with weights only where a measure needs them."""
        return self._solvers.cca(self._pair, weights=self._weights, method="auto")

    @cached_property
    def cca_result(self) -> CCAResult:
        """The CCA."""
        return CCAResult(**result_fields(self.cca_parts))

    @cached_property
    def svcca_parts(self) -> CcaParts:
        """What the backend says of the SVCCA at 99 % of the variance."""
        return self._solvers.cca(
            self._pair, keep=keep_of(0.99, "variance"), weights=False, method="auto"
        )

    @cached_property
    def svcca_result(self) -> SVCCAResult:
        """The SVCCA at 99 % of the variance."""
        parts = self.svcca_parts
        return SVCCAResult(**result_fields(parts), x_kept=parts["x_kept"], y_kept=parts["y_kept"])

    @cached_property
    def regression_parts(self) -> RegressionParts:
        """The linear regression of y on x."""
        return self._solvers.linear_regression(self._pair)

    def cca(self) -> float:
        """Mean canonical correlation."""
        return self.cca_result.mean

    def r2_cca(self) -> float:
        """Mean squared canonical correlation."""
        return self.cca_result.mean_squared

    def svcca(self) -> float:
        """Mean canonical correlation of the principal components kept."""
        return self.svcca_result.mean

    def pwcca(self) -> float:
        """Projection weighted mean, weights from the first side."""
        result = self.cca_result
        weights = projection_weights(result.x_loadings, result.correlations)
        return weighted_mean(weights, result.correlations)

    def cka(self) -> float:
        """Linear CKA."""
        return self._solvers.cka(self._pair)

    def procrustes(self) -> float:
        """Orthogonal Procrustes similarity."""
        return self._solvers.procrustes(self._pair)

    def linear_regression_r2(self) -> float:
        """Share of y's variance that x explains."""
        return self.regression_parts["r2"]


MEASURES = ("cca", "r2_cca", "svcca", "pwcca", "cka", "procrustes", "linear_regression_r2")
_OF_CORRELATIONS = {"cca", "r2_cca", "pwcca"}


def compare(
    x: npt.ArrayLike | Moments,
    y: npt.ArrayLike | None = None,
    measures: Sequence[str] = ("cca", "svcca", "pwcca", "cka"),
    *,
    layout: LayoutOrPair = None,
    spatial: str | None = None,
    size: Size = None,
    backend: str | None = None,
) -> dict[str, float]:
    """Several similarities of two blocks, with one pass over the data.

    Parameters
    ----------
    x, y : array_like, (n_samples, p) and (n_samples, q)
        As in `cca`, real. In place of both, a `Moments` of two blocks.
    measures : sequence of str
        Any of "cca" (mean correlation), "r2_cca" (mean squared), "svcca" (mean correlation at
        99 % of the variance), "pwcca" (weights from x), "cka", "procrustes",
        "linear_regression_r2" (of y from x).
    layout, spatial, size, backend
        As in `cca`.

    Returns
    -------
    dict of str to float
        In the order asked for.

    Raises
    ------
    ValueError, TypeError
        As `cca`, and for an unknown measure.

    Warns
    -----
    RankWarning, AccuracyWarning
        As `cca`, if a measure of correlations is asked for.
    """
    names = [measures] if isinstance(measures, str) else list(measures)
    for name in names:
        if name not in MEASURES:
            raise ValueError(f"the measure {name!r} is unknown; there are {', '.join(MEASURES)}")
    place = _backend.resolve(backend, x=x, y=y)
    pair = pair_of(x, y, layout=layout, spatial=spatial, size=size, place=place)
    solvers = solvers_at(place)
    pair.require_real()
    comparison = Comparison(pair, solvers, weights="pwcca" in names)
    values = {name: float(getattr(comparison, name)()) for name in names}
    if _OF_CORRELATIONS.intersection(names):
        result = comparison.cca_result
        warn_about_rank(
            result, result.x_rank, result.y_rank, result.x_mean.size, result.y_mean.size
        )
        warn_about_accuracy(comparison.cca_parts)
    elif "svcca" in names:
        kept = comparison.svcca_result
        warn_about_rank(kept, kept.x_kept, kept.y_kept, kept.x_kept, kept.y_kept)
    if "svcca" in names:
        warn_about_accuracy(comparison.svcca_parts)
    if "linear_regression_r2" in names:
        warn_about_regression(comparison.regression_parts)
    return values
