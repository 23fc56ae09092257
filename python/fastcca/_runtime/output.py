"""Where the matrices of a result go: to numpy, or nowhere, where they are on a GPU already."""

from __future__ import annotations

from typing import Any

import numpy as np

from fastcca._runtime.compiled import device_at, is_cuda
from fastcca._runtime.device_array import AnyArray, DeviceArray, of_result, to_device

_OUTPUTS = ("numpy", "device")


def stays_on_device(output: str, place: str) -> bool:
    """Check `output` of a measure that is computed at a place; whether it is "device".

    Raises
    ------
    ValueError
        If it is unknown, or the place is no CUDA device.
    """
    _check_known(output)
    if output == "device" and not is_cuda(place):
        raise ValueError(
            "output='device' leaves matrices on a GPU, but this is computed by "
            f"backend={place!r}: pass arrays that lie on a GPU, or backend='cuda', or leave output "
            "out"
        )
    return output == "device"


def check_output_of_samples(output: str, samples: AnyArray, name: str) -> None:
    """Check `output` of what is computed where the samples lie.

    Raises
    ------
    ValueError
        If it is unknown, or "device" and the samples lie on none.
    """
    _check_known(output)
    if output == "device" and not isinstance(samples, DeviceArray):
        raise ValueError(
            f"output='device' leaves the result on a GPU, but {name} lies in the memory of the "
            f"CPU: move it there first, with {name}.cuda() in PyTorch, or leave output out"
        )


def _check_known(output: str) -> None:
    if output not in _OUTPUTS:
        raise ValueError(f"output={output!r} is unknown; it must be one of {_OUTPUTS}")


def left_there(solved: dict[str, Any], place: str) -> dict[str, Any]:
    """Wrap the matrices that a compiled solver has left on its device."""
    device = device_at(place)
    return {
        name: of_result(value, device, name) if _is_matrix(value) else value
        for name, value in solved.items()
    }


def matrix_at(place: str, matrix: Any, name: str) -> Any:
    """Copy a matrix that was computed on the host to a device; None stays None."""
    return to_device(matrix, device_at(place), name) if _is_matrix(matrix) else matrix


def _is_matrix(value: object) -> bool:
    return isinstance(value, np.ndarray) and value.ndim == 2
