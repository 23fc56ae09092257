"""Maps in Fourier space, transformed where their moments are accumulated."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import numpy as np
import numpy.typing as npt
import scipy.fft

from fastcca._inputs.arrays import AnyArray
from fastcca._inputs.bfloat16 import is_bfloat16, with_numbers
from fastcca._runtime.compiled import device_at, is_cuda, module_at
from fastcca._runtime.device_array import DeviceArray
from fastcca._runtime.threads import get_num_threads

Transform = Callable[[AnyArray, str], tuple[AnyArray, npt.NDArray[np.float64]]]
"""From maps (n, height, width, channels), and what errors call them, to their half spectrum (n,
height, width // 2 + 1, channels), complex, and the sum of squares of every channel."""

# What transformed samples take at a time: on the CPU, and on a device, where every frequency of a
# block costs some launches, however few samples it has.
_BLOCK_BYTES = 32 * 2**20
_DEVICE_BLOCK_BYTES = 256 * 2**20


def transform_at(place: str) -> Transform:
    """Return the transform whose results lie at a place."""
    if not is_cuda(place):
        return _on_cpu
    module, device = module_at(place), device_at(place)

    def on_device(maps: AnyArray, name: str) -> tuple[AnyArray, npt.NDArray[np.float64]]:
        spectrum, energies = module.spectra(maps, name, device)
        return cast(AnyArray, DeviceArray(spectrum, device, name)), energies

    return on_device


def _on_cpu(maps: AnyArray, _: str) -> tuple[AnyArray, npt.NDArray[np.float64]]:
    block = np.ascontiguousarray(with_numbers(maps), dtype=_real_type(maps.dtype))
    energies = np.einsum("nhwc,nhwc->c", block, block, dtype=np.float64)
    return scipy.fft.rfft2(block, axes=(1, 2), workers=get_num_threads()), energies


def block_bytes(place: str) -> int:
    """Return how much the transformed samples of a block may take at a place."""
    return _DEVICE_BLOCK_BYTES if is_cuda(place) else _BLOCK_BYTES


def complex_type(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """Return the dtype of the transform of maps."""
    return np.result_type(_real_type(dtype), np.complex64)


def _real_type(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """Return the precision in which maps are transformed: their own, at least float32."""
    single = is_bfloat16(dtype) or dtype in (np.float16, np.float32)
    return np.dtype(np.float32 if single else np.float64)
