"""What every way to solve a pair returns, in the same shapes whichever it is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from fastcca._inputs.arrays import AnyArray
from fastcca._runtime.device_array import on_host
from fastcca._runtime.output import matrix_at

__all__ = [
    "AxesSolution",
    "CcaSolution",
    "OutOfRangeError",
    "PlsSolution",
    "RegressionSolution",
    "Side",
    "SymmetricSolution",
]

Floats = npt.NDArray[np.float64]
Powers = npt.NDArray[np.intc]
"""Powers of 2 that the features of a block were multiplied by, (p,)."""


class OutOfRangeError(ArithmeticError):
    """A result in the caller's units does not fit into float64."""


@dataclass(slots=True, eq=False)
class Side:
    """What a CCA says of one block; shapes as in `fastcca.CCAResult`.

    Attributes
    ----------
    kept : int
        Dimensions that were compared: fewer than `rank` only where a truncation says so.
    """

    weights: AnyArray | None
    loadings: AnyArray | None
    mean: AnyArray
    rank: int
    kept: int
    condition: float
    dead: npt.NDArray[np.intp]

    @classmethod
    def of(cls, solved: Mapping[str, Any], side: str) -> Self:
        """Take one side out of what the compiled core says of two."""
        return cls(
            solved[side + "_weights"],
            solved[side + "_loadings"],
            solved[side + "_mean"],
            solved[side + "_rank"],
            solved[side + "_kept"],
            solved[side + "_condition"],
            solved[side + "_dead"],
        )

    def in_units(self, power: Powers) -> Side:
        """Return the side for features that were not multiplied."""
        return replace(
            self,
            weights=_times(self.weights, power),
            loadings=_times(self.loadings, -power),
            mean=_times(self.mean, -power),
        )

    def at(self, place: str, name: str) -> Side:
        """Return the side with its matrices on a device."""
        return replace(
            self,
            weights=matrix_at(place, self.weights, f"{name}_weights"),
            loadings=matrix_at(place, self.loadings, f"{name}_loadings"),
        )


@dataclass(slots=True, eq=False)
class CcaSolution:
    """A CCA.

    Attributes
    ----------
    correlations : ndarray, (k,)
    x, y : Side
    n_samples : int
    method : str
        The route, "moments" or "qr".
    single : bool
        Whether products were computed in single precision.
    digits : float or None
        How many the correlations still have, where the route could not give what the data hold.
    undecided : int
        Directions that the route left out because it could not tell them from rounding.
    """

    correlations: Floats
    x: Side
    y: Side
    n_samples: int
    method: str
    single: bool = False
    digits: float | None = None
    undecided: int = 0

    @property
    def condition(self) -> float:
        """The larger of the two blocks' conditions."""
        return max(self.x.condition, self.y.condition)

    @property
    def lost(self) -> bool:
        """Whether the route could not tell all digits or directions that the data may hold."""
        return self.digits is not None or self.undecided > 0

    @property
    def is_complex(self) -> bool:
        """Whether a block holds complex numbers."""
        return "c" in (self.x.mean.dtype.kind, self.y.mean.dtype.kind)

    def swapped(self) -> CcaSolution:
        """Return the CCA of y and x."""
        return replace(self, x=self.y, y=self.x)

    def in_units(self, powers: list[Powers]) -> CcaSolution:
        """Return the solution for features that were not multiplied."""
        return replace(self, x=self.x.in_units(powers[0]), y=self.y.in_units(powers[1]))

    def at(self, place: str) -> CcaSolution:
        """Return the solution with all matrices on a device."""
        return replace(self, x=self.x.at(place, "x"), y=self.y.at(place, "y"))


@dataclass(slots=True, eq=False)
class RegressionSolution:
    """A linear regression; `digits` and `undecided` as of `CcaSolution`."""

    r2: float
    condition: float
    digits: float | None = None
    undecided: int = 0

    @property
    def lost(self) -> bool:
        """Whether the route could not tell all digits or directions that the data may hold."""
        return self.digits is not None or self.undecided > 0

    def in_units(self, powers: list[Powers]) -> RegressionSolution:
        """Return the solution, which has no units."""
        return self


@dataclass(slots=True, eq=False)
class PlsSolution:
    """Singular values (k,) of the cross-covariance, weights (p, k) and (q, k)."""

    singular_values: Floats
    x_weights: Floats
    y_weights: Floats
    x_mean: Floats
    y_mean: Floats
    n_samples: int

    lost = False

    def in_units(self, powers: list[Powers]) -> PlsSolution:
        """Return the solution for features that were not multiplied, all of a block alike."""
        both = powers[0].flat[0] + powers[1].flat[0]
        return replace(
            self,
            singular_values=_times(self.singular_values, -both),
            x_mean=_times(self.x_mean, -powers[0]),
            y_mean=_times(self.y_mean, -powers[1]),
        )

    def at(self, place: str) -> PlsSolution:
        """Return the solution with all matrices on a device."""
        return replace(
            self,
            x_weights=matrix_at(place, self.x_weights, "x_weights"),
            y_weights=matrix_at(place, self.y_weights, "y_weights"),
        )


@dataclass(slots=True, eq=False)
class AxesSolution:
    """Descending variances (k,), axes (p, k), and how many are more than rounding."""

    variances: Floats
    axes: Floats
    rank: int
    mean: Floats
    n_samples: int

    lost = False

    def in_units(self, powers: list[Powers]) -> AxesSolution:
        """Return the solution for features that were not multiplied, all alike."""
        return replace(
            self,
            variances=_times(self.variances, -2 * powers[0].flat[0]),
            mean=_times(self.mean, -powers[0]),
        )

    def at(self, place: str) -> AxesSolution:
        """Return the solution with all matrices on a device."""
        return replace(self, axes=matrix_at(place, self.axes, "axes"))


@dataclass(slots=True, eq=False)
class SymmetricSolution:
    """CCA by symmetric inverse square roots: ``u (p, p)``, ``vt (q, q)``, roots alike."""

    u: AnyArray
    correlations: Floats
    vt: AnyArray
    x_inverse_sqrt: AnyArray
    y_inverse_sqrt: AnyArray
    x_rank: int
    y_rank: int


def _times(value: Any, power: Any) -> Any:
    """Multiply by powers of 2: every row of a matrix by one of its own."""
    if value is None:
        return None
    value = on_host(value)
    if value.ndim > 1:
        power = power[:, np.newaxis]
    with np.errstate(over="ignore", under="ignore"):
        if np.iscomplexobj(value):
            out = np.ldexp(value.real, power) + 1j * np.ldexp(value.imag, power)
        else:
            out = np.ldexp(value, power)
    largest = np.abs(out).max(initial=0.0)
    vanished = largest < np.finfo(np.float64).tiny and value.any()
    if not np.isfinite(out).all() or vanished:
        raise OutOfRangeError
    return out
