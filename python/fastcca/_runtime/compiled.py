"""The compiled modules: what of them the other rooms use, and where their states are kept."""

from __future__ import annotations

import sys
from typing import Any

from fastcca import _core
from fastcca._core import Moments as CoreMoments
from fastcca._core import QrFactor as CoreFactor
from fastcca._core import ScaleError, __version__, from_dlpack, loses_digits
from fastcca._runtime import cuda

__all__ = [
    "CoreFactor",
    "CoreMoments",
    "ScaleError",
    "__version__",
    "device_at",
    "from_dlpack",
    "is_cuda",
    "loses_digits",
    "module_at",
    "module_of",
    "new_factor",
    "new_moments",
    "place_of",
]

# A place is "cpu", "numpy" (whose states are those of the CPU) or "cuda:0" and so on.
_CUDA = "cuda:"


def is_cuda(place: str) -> bool:
    """Whether a place is a CUDA device."""
    return place.startswith(_CUDA)


def module_at(place: str) -> Any:
    """Return the compiled module that works at a place; `_core` and `_cuda` offer the same."""
    return cuda.module() if is_cuda(place) else _core


def device_at(place: str) -> int:
    """Return the number of the device."""
    return int(place.removeprefix(_CUDA)) if is_cuda(place) else 0


def module_of(state: object) -> Any:
    """Return the compiled module that a state or another object comes from."""
    return sys.modules[type(state).__module__]


def place_of(state: CoreMoments | CoreFactor) -> str:
    """Return where a state is kept."""
    return "cpu" if module_of(state) is _core else f"{_CUDA}{state.device}"


def new_moments(place: str, *, single: bool = False) -> CoreMoments:
    """Return an empty state."""
    state: CoreMoments = module_at(place).Moments(single, device_at(place))
    return state


def new_factor(place: str) -> CoreFactor:
    """Return an empty factor."""
    factor: CoreFactor = module_at(place).QrFactor(device_at(place))
    return factor
