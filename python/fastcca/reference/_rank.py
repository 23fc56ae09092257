"""The rank rule: which units and directions of a block are data, and which are rounding.

A value stored with relative precision ``eps`` carries an error in proportion to its *uncentred*
size. Column j, with root mean square ``r_j`` (``r_j**2 = mean_j**2 + sd_j**2``), so holds rounding
noise of variance about ``eps**2 r_j**2``, and once the column is scaled to unit variance
``eps**2 (r_j / sd_j)**2``. The noise of different columns is independent: along a unit vector
``v`` it adds up to ``sum_j |v_j|**2 eps**2 r_j**2``, or ``sum_j |v_j|**2 eps**2 (r_j / sd_j)**2``
in the scaled space. A direction whose variance does not stand clearly above that is dropped.
(Stewart 1984, "Rank degeneracy", SIAM J. Sci. Stat. Comput. 5, argues for scaling so that the
errors are comparable before a rank is read from singular values.)
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

EPS = 2.0**-52
"""Relative spacing of float64, in which everything here is computed."""

NOISE_FACTOR = 3.0
"""How many roundings of the input a direction must stand above."""


def live_units(size: Array, deviation: Array, epsilon: float) -> NDArray[np.bool_]:
    """Units that vary by more than the rounding of what was stored.

    Parameters
    ----------
    size, deviation : (p,) float64
        Root mean square and standard deviation of each unit, in its own scale.
    epsilon : float
        Relative precision of the data, see `fastcca._inputs.dtypes.input_epsilon`.

    Returns
    -------
    (p,) bool
        False marks a dead unit.
    """
    live: NDArray[np.bool_] = deviation > NOISE_FACTOR * epsilon * size
    return live


def noise_deviation(directions: NDArray[Any], relative_size: Array, epsilon: float) -> Array:
    """Largest standard deviation along each direction that rounding of the input explains.

    Parameters
    ----------
    directions : (p, m) float64 or complex128
        Orthonormal columns.
    relative_size : (p,) float64
        Root mean square of each unit in the scale of that space: over its standard deviation
        where the units were scaled to unit variance, as it is where they were not.
    epsilon : float
        Relative precision of the data, see `fastcca._inputs.dtypes.input_epsilon`.

    Returns
    -------
    (m,) float64
        Deviations to be exceeded.
    """
    largest = relative_size.max(initial=0.0)
    if not largest > 0.0:
        return np.zeros(directions.shape[1])
    share = (relative_size / largest) ** 2 @ np.abs(directions) ** 2
    out: Array = NOISE_FACTOR * epsilon * largest * np.sqrt(share)
    return out


def deviation_from_scatter(scatter: NDArray[Any], degrees: float) -> Array:
    """Compute standard deviations from the diagonal of a scatter matrix.

    Parameters
    ----------
    scatter : (p, p) float64 or complex128
        Centred sums of outer products; only its diagonal is read, which is real.
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
    variance = np.real(np.diagonal(scatter)).astype(np.float64) / degrees
    if not np.isfinite(variance).all():
        first = int(np.flatnonzero(~np.isfinite(variance))[0])
        raise ValueError(
            f"the variance of feature {first} overflows float64; divide the data by a constant"
        )
    return np.sqrt(np.maximum(variance, 0.0))
