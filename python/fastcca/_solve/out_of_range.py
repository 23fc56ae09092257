"""Data whose squares leave the range of float64, brought back by exact powers of two."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol, Self, TypeVar

import numpy as np

from fastcca._inputs.arrays import AnyArray
from fastcca._runtime.compiled import ScaleError
from fastcca._solve.pair import Pair
from fastcca._solve.solutions import OutOfRangeError, Powers


class HasUnits(Protocol):
    """A solution of scaled samples that can be brought back to the caller's units."""

    def in_units(self, powers: list[Powers]) -> Self:
        """Return the solution for features that were not multiplied by powers of 2."""
        ...


Solution = TypeVar("Solution", bound=HasUnits)


def in_range(
    solve: Callable[..., Solution], pair: Pair, *args: Any, each_feature: bool = False
) -> Solution:
    """Call ``solve(pair, *args)``, and where squares leave the range of float64 scale the samples.

    Numbers and correlations are what they are in any scale; what has units is brought back to
    those of the caller.

    Parameters
    ----------
    solve : callable
    pair : Pair
    each_feature : bool
        Whether the measure allows every feature a scale of its own. Otherwise features that are
        1e150 times smaller than the largest of their block count as dead.

    Raises
    ------
    ScaleError
        A ValueError, where the samples are not there, or the result itself is out of range.
    """
    try:
        return solve(pair, *args)
    except ScaleError:
        scaled = [_scaled(array, each_feature) for array in (pair.samples() or ())]
        if not any(power.any() for _, power in scaled):
            raise
        found = solve(pair.of_arrays([array for array, _ in scaled]), *args)
        try:
            return found.in_units([power for _, power in scaled])
        except OutOfRangeError:
            pass
        raise


def _scaled(array: AnyArray, each_feature: bool) -> tuple[AnyArray, Powers]:
    """Multiply by powers of two that bring the largest values near 1; also their exponents."""
    if array.dtype.kind not in "fc" or array.dtype.itemsize < 8:
        return array, np.zeros(array.shape[1], dtype=np.intc)
    largest = np.maximum(np.abs(array.real).max(axis=0), np.abs(array.imag).max(axis=0))
    if not each_feature:
        largest[:] = largest.max()
    powers = -np.frexp(largest)[1]
    powers[~np.isfinite(largest)] = 0
    scaled = np.ldexp(array.real, powers)
    if array.dtype.kind == "c":
        scaled = scaled + 1j * np.ldexp(array.imag, powers)
    return scaled, powers
