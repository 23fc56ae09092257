"""The rank rule: which units and directions of a block are data, and which are rounding.

A value stored with relative precision ``eps`` carries an error in proportion to its *uncentred*
size. Column j, with mean ``m_j`` and standard deviation ``sd_j``, so holds rounding noise of
variance about ``eps**2 (m_j**2 + sd_j**2)``, and once the column is scaled to unit variance
``eps**2 (1 + (m_j / sd_j)**2)``. The noise of different columns is independent: along a unit
vector ``v`` of the scaled space it adds up to ``sum_j v_j**2 eps**2 (1 + (m_j / sd_j)**2)``.
A direction whose variance does not stand clearly above that is dropped. (Stewart 1984, "Rank
degeneracy", SIAM J. Sci. Stat. Comput. 5, argues for scaling so that the errors are comparable
before a rank is read from singular values.)
"""

from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

Array = NDArray[np.float64]

EPS = 2.0**-52
"""Relative spacing of float64, in which everything here is computed."""

NOISE_FACTOR = 3.0
"""How many roundings of the input a direction must stand above."""


def input_epsilon(dtype: DTypeLike) -> float:
    """Relative spacing of the values that an array of this dtype can hold.

    Parameters
    ----------
    dtype : dtype
        Of the data as the caller stores them. Integers and bools enter as float64.

    Returns
    -------
    float
        2**-10 for float16, 2**-23 for float32, 2**-52 for everything else.
    """
    kept = np.dtype(dtype)
    if kept.kind != "f":
        return EPS
    return max(float(np.finfo(kept).eps), EPS)


def live_units(mean: Array, deviation: Array, epsilon: float) -> NDArray[np.bool_]:
    """Units that vary by more than the rounding of their mean.

    Parameters
    ----------
    mean, deviation : (p,) float64
        Mean and standard deviation of each unit, in its own scale.
    epsilon : float
        Relative precision of the data, see `input_epsilon`.

    Returns
    -------
    (p,) bool
        False marks a dead unit.
    """
    live: NDArray[np.bool_] = deviation > NOISE_FACTOR * epsilon * np.abs(mean)
    return live


def noise_variance(directions: Array, mean: Array, deviation: Array, epsilon: float) -> Array:
    """Largest variance along each direction that rounding of the input explains.

    Parameters
    ----------
    directions : (p, m) float64
        Orthonormal columns, in the space of the units scaled to unit variance.
    mean, deviation : (p,) float64
        Mean and standard deviation of each live unit, in its own scale.
    epsilon : float
        Relative precision of the data, see `input_epsilon`.

    Returns
    -------
    (m,) float64
        Variances to be exceeded, in the scaled space.
    """
    per_unit = (NOISE_FACTOR * epsilon) ** 2 * (1.0 + (mean / deviation) ** 2)
    along: Array = per_unit @ directions**2
    return along


def deviation_from_scatter(scatter: NDArray[Any], degrees: float) -> Array:
    """Compute standard deviations from the diagonal of a scatter matrix.

    Parameters
    ----------
    scatter : (p, p) float64
        Centred sums of outer products.
    degrees : float
        What divides them to give a covariance: n_samples - 1, or 1 for a covariance.

    Returns
    -------
    (p,) float64

    Raises
    ------
    ValueError
        If a variance is infinite: the squares have overflowed float64.
    """
    variance = np.diagonal(scatter).astype(np.float64) / degrees
    if not np.isfinite(variance).all():
        first = int(np.flatnonzero(~np.isfinite(variance))[0])
        raise ValueError(
            f"the variance of feature {first} overflows float64; divide the data by a constant"
        )
    return np.sqrt(np.maximum(variance, 0.0))
