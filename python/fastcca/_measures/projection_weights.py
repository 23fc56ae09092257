"""How much of a block each canonical variate accounts for: the weights of PWCCA."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

# Correlations are computed to about 1e-10, so what is closer cannot be told apart.
_TIE = 1e-10


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
