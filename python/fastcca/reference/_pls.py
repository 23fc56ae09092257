"""Partial least squares by singular value decomposition."""

from dataclasses import dataclass

import numpy as np

from fastcca.reference._centre import AnyArray, centre_live
from fastcca.reference._rank import Array


@dataclass(frozen=True, slots=True, eq=False)
class PlsSolution:
    """Pairs of directions of largest covariance, k = min(n_samples, p, q).

    Attributes
    ----------
    singular_values : (k,) float64
        Covariances of the pairs of scores, divisor n_samples - 1, descending, in units of x times
        units of y.
    x_weights, y_weights : (p, k) and (q, k) float64
        Orthonormal columns: ``(x - mean) @ x_weights`` are the scores. Each pair of columns is
        determined up to a common sign, and up to rotation where singular values tie.
    """

    singular_values: Array
    x_weights: Array
    y_weights: Array


def pls(x: AnyArray, y: AnyArray) -> PlsSolution:
    """Directions of x and y whose scores have the largest covariance.

    Parameters
    ----------
    x : (n, p) float16, float32, float64, integer or bool
    y : (n, q) of the same kinds
        Finite, n >= 2, checked by the caller. Never written to.

    Returns
    -------
    PlsSolution

    Raises
    ------
    ValueError
        If a mean, deviation or covariance overflows float64.

    Notes
    -----
    Singular value decomposition of the cross-covariance ``Xc' Yc / (n - 1)``, also called PLS-SVD
    or PLS correlation (Bookstein 1994; Wegelin 2000, "A survey of partial least squares methods",
    section 2.2). Only the first pair is that of PLS regression, which deflates between pairs.

    The absolute error of every singular value is about n eps ||Xc|| ||Yc|| / (n - 1), with
    eps = 2.2e-16: small ones have no relative accuracy, and the directions of those beyond the
    smaller rank are arbitrary.
    """
    x_centred, y_centred = centre_live(x).values, centre_live(y).values
    with np.errstate(over="ignore", invalid="ignore"):
        covariance = x_centred.T @ y_centred / (x.shape[0] - 1)
    if not np.isfinite(covariance).all():
        i, j = (int(index) for index in np.argwhere(~np.isfinite(covariance))[0])
        raise ValueError(
            f"the covariance of feature {i} of x and feature {j} of y overflows float64; "
            "divide the data by a constant"
        )
    u, singular, vt = np.linalg.svd(covariance, full_matrices=False)
    k = min(x.shape[0], singular.size)  # beyond n - 1 there is nothing but rounding
    return PlsSolution(singular[:k], u[:, :k], vt[:k].T)
