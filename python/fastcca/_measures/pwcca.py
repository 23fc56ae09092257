"""Projection weighted CCA."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from fastcca._inputs.layouts import LayoutOrPair, Size
from fastcca._measures.caveats import warn_about_solution
from fastcca._measures.options import check_options
from fastcca._measures.projection_weights import projection_weights, weighted_mean
from fastcca._solve import routes
from fastcca._solve.accuracy import error_bound_of
from fastcca._solve.options import CcaOptions
from fastcca._solve.pair import pair_of
from fastcca._states.moments import Moments

_VARIANTS = ("paper", "symmetric", "google")


@dataclass(frozen=True, eq=False, slots=True)
class PWCCAResult:
    """A weighted mean of canonical correlations.

    Attributes
    ----------
    value : float
        ``sum(weights * correlations)``, in [0, 1]; 0 where a block does not vary.
    weights : ndarray, (k,), float64
        Of each correlation, 0 or more, of sum 1.
    correlations : ndarray, (k,), float64
        Canonical correlations, descending, in [0, 1].
    variant : str
        As asked for.
    x_rank, y_rank, n_samples, condition, error_bound, method
        As in `CCAResult`.
    """

    value: float
    weights: npt.NDArray[np.float64]
    correlations: npt.NDArray[np.float64]
    variant: str
    x_rank: int
    y_rank: int
    n_samples: int
    condition: float
    error_bound: float
    method: str


def pwcca(
    x: npt.ArrayLike | Moments,
    y: npt.ArrayLike | None = None,
    *,
    variant: str = "paper",
    precision: str = "double",
    rank_tolerance: float = 0.0,
    layout: LayoutOrPair = None,
    spatial: str | None = None,
    size: Size = None,
    backend: str | None = None,
) -> PWCCAResult:
    """Projection weighted CCA (Morcos et al. 2018).

    The mean canonical correlation, each weighted by how much of `x` its variate accounts for:
    variate h_i has the weight ``sum_j |<h_i, x_j>|`` over the centred features x_j.

    Parameters
    ----------
    x, y : array_like, (n_samples, p) and (n_samples, q)
        As in `cca`, real. In place of both, a `Moments` of two blocks.
    variant : {"paper", "symmetric", "google"}
        "paper": weights from the first argument, so that the value changes when the two are
        swapped. "symmetric": the mean of both. "google": the number of google/svcca's
        ``compute_pwcca``, which leaves out the whitening, adds the means back, and projects
        uncentred features of the side with fewer dimensions.
        It adds means to directions whose signs the SVD leaves open, so another LAPACK may return
        another number.
    precision, rank_tolerance, layout, spatial, size, backend
        As in `cca`.

    Returns
    -------
    PWCCAResult

    Raises
    ------
    ValueError, TypeError
        As `cca`, and for an unknown variant.

    Warns
    -----
    RankWarning, AccuracyWarning
        As `cca`.

    Notes
    -----
    The weights are absolute column sums of the covariances between features and variates, so no
    second pass over the data is needed. Errors are those of `cca` with weights: the variates of
    close correlations are known less well than the correlations, by the inverse of their gap.

    Where correlations tie, which the paper does not speak of, any rotation of their variates would
    do, and the weights depend on it. Correlations closer than 1e-10 count as tied, and of their
    variates those are taken that explain the most variance of the side, one after the other: the
    singular vectors of its covariances with the variates.

    References
    ----------
    Morcos, Raghu, Bengio (2018), "Insights on representational similarity in neural networks
    with canonical correlation", arXiv:1806.05759.
    """
    if variant not in _VARIANTS:
        raise ValueError(f"variant={variant!r} is unknown; it must be one of {_VARIANTS}")
    check_options(rank_tolerance=rank_tolerance, precision=precision)
    pair = pair_of(
        x, y, layout=layout, spatial=spatial, size=size, precision=precision, backend=backend
    )
    solution = routes.cca(pair, CcaOptions(rank_tolerance=float(rank_tolerance)))
    warn_about_solution(solution)
    if variant == "google":
        correlations, weights = routes.google_weights(pair)
    else:
        correlations = solution.correlations
        weights = projection_weights(solution.x.loadings, correlations)
        if variant == "symmetric":
            weights = (weights + projection_weights(solution.y.loadings, correlations)) / 2
    return PWCCAResult(
        value=weighted_mean(weights, correlations),
        weights=weights,
        correlations=correlations,
        variant=variant,
        x_rank=solution.x.rank,
        y_rank=solution.y.rank,
        n_samples=solution.n_samples,
        condition=solution.condition,
        error_bound=error_bound_of(solution),
        method=solution.method,
    )
