"""Data whose squares leave the range of float64, brought back by exact powers of two."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from fastcca._inputs.arrays import AnyArray
from fastcca._runtime.compiled import ScaleError
from fastcca._runtime.device_array import on_host
from fastcca._solve.pair import Pair

__all__ = ["in_range"]

Result = TypeVar("Result")
Powers = npt.NDArray[np.intc]

# Powers of 2 that the parts of a result go with, of x and of y, where they depend on the scale: a
# weight is as much larger as its feature was made smaller.
_POWERS = {
    "x_weights": (1, 0),
    "y_weights": (0, 1),
    "x_loadings": (-1, 0),
    "y_loadings": (0, -1),
    "x_mean": (-1, 0),
    "y_mean": (0, -1),
    "mean": (-1, 0),
    "variances": (-2, 0),
    "singular_values": (-1, -1),
}
# Of a PLS the weights are directions.
_DIRECTIONS = ("x_weights", "y_weights")


def in_range(
    solve: Callable[[Pair], Result],
    pair: Pair,
    *,
    each_feature: bool = False,
    directions_only: bool = False,
) -> Result:
    """Call `solve`, and where squares leave the range of float64 once more on scaled samples.

    Numbers and correlations are what they are in any scale; what has units is brought back to
    those of the caller.

    Parameters
    ----------
    solve : callable
    pair : Pair
    each_feature : bool
        Whether the measure allows every feature a scale of its own. Otherwise features that are
        1e150 times smaller than the largest of their block count as dead.
    directions_only : bool
        Whether weights have no units.

    Raises
    ------
    ScaleError
        A ValueError, where the samples are not there, or the result itself is out of range.
    """
    try:
        return solve(pair)
    except ScaleError:
        scaled = [_scaled(array, each_feature) for array in (pair.samples() or ())]
        if not any(power.any() for _, power in scaled):
            raise
        found = solve(pair.of_arrays([array for array, _ in scaled]))
        powers = [power for _, power in scaled]
        if isinstance(found, dict) and not _bring_back(found, powers, directions_only):
            raise
        return found


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


def _vanished(scaled: AnyArray, value: AnyArray) -> bool:
    largest = np.abs(value).max(initial=0.0)
    return bool(largest < np.finfo(np.float64).tiny and scaled.any())


def _bring_back(found: dict[str, Any], powers: list[Powers], directions_only: bool) -> bool:
    """Change what has units; whether all of it stayed in range."""
    for name, exponents in _POWERS.items():
        if found.get(name) is None or (directions_only and name in _DIRECTIONS):
            continue
        value = on_host(found[name])
        used = [k * power for k, power in zip(exponents, powers, strict=False) if k]
        if name in ("variances", "singular_values"):  # one scale for all features
            power = np.sum([u[0] for u in used])
        else:
            (power,) = used
            power = power if value.ndim == 1 else power[:, np.newaxis]
        with np.errstate(over="ignore", under="ignore"):
            if np.iscomplexobj(value):
                found[name] = np.ldexp(value.real, power) + 1j * np.ldexp(value.imag, power)
            else:
                found[name] = np.ldexp(value, power)
        if not np.isfinite(found[name]).all() or _vanished(value, found[name]):
            return False
    return True
