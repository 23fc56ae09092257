"""bfloat16, the upper half of a float32, which numpy does not have."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from fastcca._runtime.device_array import on_host

BFLOAT16 = np.dtype([("bfloat16_0", np.uint8), ("bfloat16_1", np.uint8)])
"""How the package carries them: two bytes in the machine's order.

An array of these can be sliced and transposed like any other, and numpy refuses to calculate with
it, so that the bits are never taken for integers."""

_BITS = np.uint32(16)


def is_bfloat16(dtype: np.dtype[Any]) -> bool:
    """Whether values of a dtype are bfloat16: `BFLOAT16`, or that of the package ml_dtypes."""
    # Numbers that numpy knows are asked about most, and a dtype's name is slow to make.
    return dtype.kind == "V" and (dtype == BFLOAT16 or dtype.name == "bfloat16")


def carried(array: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """View an array of bfloat16, of whatever package, as `BFLOAT16`; copy foreign byte order."""
    if not array.dtype.isnative:
        array = array.view(np.uint16).byteswap()
    return array.view(BFLOAT16)


def with_numbers(array: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return an array that numpy can calculate with, any other as it is.

    float32 from bfloat16, and a copy on the host of what lies on a device.
    """
    array = on_host(array)
    if not is_bfloat16(array.dtype):
        return array
    wide = array.view(np.uint16).astype(np.uint32)
    wide <<= _BITS
    return wide.view(np.float32)
