"""What can be asked of a CCA."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from fastcca._solve.kept_components import Keep


@dataclass(slots=True, eq=False)
class CcaOptions:
    """Options of a CCA, checked; as of `fastcca.cca`.

    Attributes
    ----------
    keep : pair of Keep, optional
        What SVCCA keeps of x and of y.
    in_place : bool
        Whether matrices stay on the device that computes them, where that is one.
    """

    method: str = "auto"
    weights: bool = True
    ridge: float = 0.0
    keep: tuple[Keep, Keep] | None = None
    rank_tolerance: float = 0.0
    in_place: bool = False

    def for_core(self) -> tuple[Any, ...]:
        """Return the arguments that every solver of the compiled core takes, in their order."""
        x_keep, y_keep = (None, None) if self.keep is None else [k.as_core() for k in self.keep]
        return self.ridge, self.weights, x_keep, y_keep, self.rank_tolerance, self.in_place
