"""The measures of a pair, on the backend to use."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from fastcca import _solvers_compiled, _solvers_numpy
from fastcca._parts import AxesParts, CcaParts, PlsParts, RegressionParts

__all__ = ["Solvers", "solvers_at"]


class Solvers(Protocol):
    """What a backend offers: see `fastcca._solvers_compiled`."""

    cca: Callable[..., CcaParts]
    pls: Callable[..., PlsParts]
    pca: Callable[..., AxesParts]
    cka: Callable[..., float]
    procrustes: Callable[..., float]
    linear_regression: Callable[..., RegressionParts]


def solvers_at(place: str) -> Solvers:
    """Return the module that solves every measure at a place that `resolve` has returned.

    The compiled one solves where the state of the pair is kept.
    """
    return _solvers_numpy if place == "numpy" else _solvers_compiled
