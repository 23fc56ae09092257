"""Projection weighted CCA."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from fastcca._inputs.layouts import LayoutOrPair, Size
from fastcca._measures.caveats import check_options, warn_about_accuracy, warn_about_rank
from fastcca._measures.cca_result import CCAResult, result_fields
from fastcca._measures.google_svcca import google_weights
from fastcca._runtime import backend as _backend
from fastcca._solve.pair_of import pair_of
from fastcca._solve.routes import solvers_at
from fastcca._states.moments import Moments

__all__ = ["PWCCAResult", "projection_weights", "pwcca", "weighted_mean"]

_VARIANTS = ("paper", "symmetric", "google")
# Correlations are computed to about 1e-10, so what is closer cannot be told apart.
_TIE = 1e-10


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
    place = _backend.resolve(backend, x=x, y=y)
    pair = pair_of(
        x, y, layout=layout, spatial=spatial, size=size, precision=precision, place=place
    )
    solvers = solvers_at(place)
    pair.require_real()
    parts = solvers.cca(pair, weights=True, method="auto", rank_tolerance=float(rank_tolerance))
    result = CCAResult(**result_fields(parts))
    warn_about_rank(result, result.x_rank, result.y_rank, result.x_mean.size, result.y_mean.size)
    warn_about_accuracy(parts)
    if variant == "google":
        correlations, weights = google_weights(pair, solvers)
    else:
        correlations = result.correlations
        weights = projection_weights(result.x_loadings, correlations)
        if variant == "symmetric":
            weights = (weights + projection_weights(result.y_loadings, correlations)) / 2
    return PWCCAResult(
        value=weighted_mean(weights, correlations),
        weights=weights,
        correlations=correlations,
        variant=variant,
        x_rank=result.x_rank,
        y_rank=result.y_rank,
        n_samples=result.n_samples,
        condition=result.condition,
        error_bound=result.error_bound,
        method=result.method,
    )


def weighted_mean(weights: npt.NDArray[np.float64], correlations: npt.NDArray[np.float64]) -> float:
    """Mean of the correlations with shares as weights; at most 1 whatever these round to."""
    return min(float(np.sum(weights * correlations)), 1.0)


def projection_weights(
    loadings: npt.NDArray[np.float64] | None, correlations: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    """Shares, (k,), of the absolute column sums of the loadings (p, k)."""
    assert loadings is not None  # the weights were asked for
    loadings = _untied(loadings, correlations)
    with np.errstate(over="ignore"):
        sums: npt.NDArray[np.float64] = np.abs(loadings).sum(axis=0)
    if not np.isfinite(sums).all():
        sums = np.abs(loadings / np.abs(loadings).max()).sum(axis=0)
    return sums / sums.sum() if sums.size else sums


def _untied(
    loadings: npt.NDArray[np.float64], correlations: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    """Turn the variates of tied correlations into one basis that does not depend on the route."""
    if correlations.size < 2:
        return loadings
    ends = np.flatnonzero(-np.diff(correlations, append=-1.0) > _TIE) + 1
    starts = np.append(0, ends[:-1])
    groups = [slice(a, b) for a, b in zip(starts, ends, strict=True) if b - a > 1]
    if not groups:
        return loadings
    out = loadings.copy()
    for tied in groups:
        left, singular, _ = np.linalg.svd(loadings[:, tied], full_matrices=False)
        out[:, tied] = 0.0  # there can be fewer features than variates of numbers that vanish
        out[:, tied][:, : singular.size] = left * singular
    return out
