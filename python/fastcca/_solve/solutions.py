"""What every way to solve a pair returns, in the same shapes whichever it is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from operator import itemgetter
from typing import Any, ClassVar, Self

import numpy as np
import numpy.typing as npt

from fastcca._inputs.arrays import AnyArray
from fastcca._runtime.device_array import on_host
from fastcca._runtime.output import matrix_at

Floats = npt.NDArray[np.float64]
Powers = npt.NDArray[np.intc]
"""Powers of 2 that the features of a block were multiplied by, (p,)."""


class OutOfRangeError(ArithmeticError):
    """A result in the caller's units does not fit into float64."""


@dataclass(slots=True, eq=False)
class Solution:
    """What all of them can do.

    Attributes
    ----------
    lost : bool
        Whether the route could not tell all digits or directions that the data may hold.
    """

    lost: ClassVar[Any] = False
    # Which powers of x and of y its fields go with. A field of block has one value for all
    # features, which then have the same power.
    _of_features: ClassVar[Mapping[str, tuple[int, int]]] = {}
    _of_blocks: ClassVar[Mapping[str, tuple[int, int]]] = {}
    _matrices: ClassVar[tuple[str, ...]] = ()

    def in_units(self, powers: list[Powers]) -> Self:
        """Return the solution for features that were not multiplied by powers of 2.

        Raises
        ------
        OutOfRangeError
            Where that leaves the range of float64.
        """
        per_block: list[Any] = [power.flat[0] for power in powers]
        changed = {}
        for names, scales in (
            (self._of_features, powers),
            (self._of_blocks, per_block),
        ):
            for name, exponents in names.items():
                used = [k * s for k, s in zip(exponents, scales, strict=False) if k]
                changed[name] = _times(getattr(self, name), sum(used[1:], used[0]))
        return replace(self, **changed)

    def at(self, place: str, prefix: str = "") -> Self:
        """Return the solution with all matrices on a device."""
        moved = {n: matrix_at(place, getattr(self, n), prefix + n) for n in self._matrices}
        return replace(self, **moved)


@dataclass(slots=True, eq=False)
class Side(Solution):
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

    _of_features: ClassVar = {"weights": (1, 0), "loadings": (-1, 0), "mean": (-1, 0)}
    _matrices = ("weights", "loadings")

    @classmethod
    def of(cls, solved: Mapping[str, Any], side: str) -> Self:
        """Take one side out of what the compiled core says of two."""
        return cls(*_SIDES[side](solved))


_SIDES = {side: itemgetter(*(f"{side}_{field.name}" for field in fields(Side))) for side in "xy"}


@dataclass(slots=True, eq=False)
class RegressionSolution(Solution):
    """A linear regression; `digits` and `undecided` as of `CcaSolution`."""

    r2: float
    condition: float
    digits: float | None = None
    undecided: int = 0

    @property
    def lost(self) -> bool:
        """Whether the route could not tell all digits or directions that the data may hold."""
        return self.digits is not None or self.undecided > 0


@dataclass(slots=True, eq=False)
class CcaSolution(Solution):
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
    def lost(self) -> bool:
        """Whether the route could not tell all digits or directions that the data may hold."""
        return self.digits is not None or self.undecided > 0

    @property
    def condition(self) -> float:
        """The larger of the two blocks' conditions."""
        return max(self.x.condition, self.y.condition)

    @property
    def is_complex(self) -> bool:
        """Whether a block holds complex numbers."""
        return "c" in (self.x.mean.dtype.kind, self.y.mean.dtype.kind)

    def swapped(self) -> CcaSolution:
        """Return the CCA of y and x."""
        return replace(self, x=self.y, y=self.x)

    def in_units(self, powers: list[Powers]) -> CcaSolution:
        """Return the solution for features that were not multiplied by powers of 2."""
        return replace(self, x=self.x.in_units(powers[:1]), y=self.y.in_units(powers[1:]))

    def at(self, place: str, prefix: str = "") -> CcaSolution:
        """Return the solution with all matrices on a device."""
        return replace(self, x=self.x.at(place, "x_"), y=self.y.at(place, "y_"))


@dataclass(slots=True, eq=False)
class PlsSolution(Solution):
    """Singular values (k,) of the cross-covariance, weights (p, k) and (q, k)."""

    singular_values: Floats
    x_weights: Floats
    y_weights: Floats
    x_mean: Floats
    y_mean: Floats
    n_samples: int

    _of_features: ClassVar = {"x_mean": (-1, 0), "y_mean": (0, -1)}
    _of_blocks: ClassVar = {"singular_values": (-1, -1)}
    _matrices = ("x_weights", "y_weights")


@dataclass(slots=True, eq=False)
class AxesSolution(Solution):
    """Descending variances (k,), axes (p, k), and how many are more than rounding."""

    variances: Floats
    axes: Floats
    rank: int
    mean: Floats
    n_samples: int

    _of_features: ClassVar = {"mean": (-1, 0)}
    _of_blocks: ClassVar = {"variances": (-2, 0)}
    _matrices = ("axes",)


@dataclass(slots=True, eq=False)
class NumberSolution(Solution):
    """A number without units."""

    value: float


def names_of(solution: type[Any]) -> tuple[str, ...]:
    """Return the names of the fields of a kind of solution, in their order."""
    return tuple(field.name for field in fields(solution))


def number_of(solve: Callable[[Any], float]) -> Callable[[Any], NumberSolution]:
    """Make a solution of the number that a function returns."""
    return lambda pair: NumberSolution(float(solve(pair)))


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


@dataclass(slots=True, eq=False)
class GoogleSolution:
    """CCA of google/svcca, of covariances over their largest entry.

    Attributes
    ----------
    cca : SymmetricSolution or None
        Over the neurons kept. None where a side keeps none, or does not vary.
    x_kept, y_kept : ndarray of bool, (p,) and (q,)
        Neurons whose variance, over the largest, is `epsilon` or more.
    """

    cca: SymmetricSolution | None
    x_kept: npt.NDArray[np.bool_]
    y_kept: npt.NDArray[np.bool_]


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
