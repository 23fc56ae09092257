"""Centring: the first step of every measure."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastcca._inputs.bfloat16 import with_numbers
from fastcca._inputs.dtypes import input_epsilon
from fastcca.reference._rank import Array, live_units

AnyArray = NDArray[Any]


@dataclass(frozen=True, slots=True, eq=False)
class Centred:
    """A block of samples without its means.

    Attributes
    ----------
    values : (n, p) float64 or complex128
        The samples minus their mean, unscaled.
    mean : (p,) float64 or complex128
    deviation : (p,) float64
        Standard deviations, divisor n - 1; of complex units sqrt(sum |z - mean|**2 / (n - 1)).
    """

    values: AnyArray
    mean: AnyArray
    deviation: Array

    @property
    def size(self) -> Array:
        """Root mean square (p,) of what was stored: its rounding is in proportion to that."""
        out: Array = np.hypot(np.abs(self.mean), self.deviation)
        return out


def centre_live(x: AnyArray) -> Centred:
    """Centre, and set to zero the units that do not vary beyond the rounding of what was stored."""
    centred = centre(x)
    centred.values[:, ~live_units(centred.size, centred.deviation, input_epsilon(x.dtype))] = 0.0
    return centred


def centre(x: AnyArray) -> Centred:
    """Subtract the means, in double precision.

    Parameters
    ----------
    x : (n, p) of real or complex numbers
        Finite, n >= 2. Never written to.

    Returns
    -------
    Centred

    Raises
    ------
    ValueError
        If a mean or standard deviation overflows float64.

    Notes
    -----
    Two passes, the second correcting the rounding of the first mean (Chan, Golub & LeVeque 1983,
    "Algorithms for computing the sample variance", Am. Stat. 37).
    """
    n, _ = x.shape
    with np.errstate(over="ignore", invalid="ignore"):
        values = with_numbers(x).astype(np.complex128 if x.dtype.kind == "c" else np.float64)
        mean = values.mean(axis=0)
        values -= mean
        correction = values.mean(axis=0)
        values -= correction
        mean += correction
        deviation = _column_norms(values) / np.sqrt(n - 1)
    overflowed = ~(np.isfinite(mean) & np.isfinite(deviation))
    if overflowed.any():
        raise ValueError(
            f"the mean or deviation of feature {int(np.flatnonzero(overflowed)[0])} overflows "
            "float64; divide the data by a constant"
        )
    return Centred(values, mean, deviation)


def _column_norms(a: AnyArray) -> Array:
    """Euclidean norms of the columns, without overflow or underflow of their squares."""
    largest = np.abs(a).max(axis=0)
    unit = np.where(largest > 0.0, largest, 1.0)
    norms: Array = unit * np.sqrt(np.sum(np.abs(a / unit) ** 2, axis=0))
    return norms
