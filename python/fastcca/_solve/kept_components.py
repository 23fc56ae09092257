"""How many principal components SVCCA keeps of a block."""

from __future__ import annotations

import math
import operator
from dataclasses import dataclass
from numbers import Integral, Real

_CRITERIA = ("variance", "singular_values")


@dataclass(frozen=True, slots=True)
class Keep:
    """A share of summed variances or singular values, or a count of components."""

    value: float | int
    criterion: str

    def as_core(self) -> tuple[str, float]:
        """Return the pair that the compiled core takes."""
        if isinstance(self.value, int):
            return "count", float(self.value)
        return self.criterion, self.value


def keep_of(keep: object, criterion: str) -> tuple[Keep, Keep]:
    """Check the arguments of `svcca`: one value for both sides, or a pair."""
    if criterion not in _CRITERIA:
        raise ValueError(f"criterion={criterion!r} is unknown; it must be one of {_CRITERIA}")
    if isinstance(keep, tuple | list):
        if len(keep) != 2:
            raise ValueError(f"keep={keep!r} must be one value, or a pair for x and y")
        return _one(keep[0], criterion), _one(keep[1], criterion)
    one = _one(keep, criterion)
    return one, one


def _one(value: object, criterion: str) -> Keep:
    if isinstance(value, Integral) and not isinstance(value, bool):
        count = operator.index(value)
        if count < 1:
            raise ValueError(f"keep={count} must keep at least 1 component")
        return Keep(count, criterion)
    if isinstance(value, Real) and not isinstance(value, bool):
        share = float(value)
        if not (math.isfinite(share) and 0.0 < share <= 1.0):
            raise ValueError(
                f"keep={share} must be a share above 0 and at most 1, or a whole number of "
                "components"
            )
        return Keep(share, criterion)
    raise TypeError(f"keep={value!r} must be a share, a whole number, or a pair of these")
