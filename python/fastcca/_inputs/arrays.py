"""What counts as a block of samples, and the checks that every entry point shares."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from fastcca._inputs.bfloat16 import carried, is_bfloat16, with_numbers
from fastcca._runtime.compiled import from_dlpack
from fastcca._runtime.device_array import on_device

AnyArray = npt.NDArray[Any]

_FLOAT_BYTES = (2, 4, 8)
_ROWS_PER_BLOCK = 8192
# Of PyTorch's tensors: what the memory alone does not say.
_LAZY = {
    "requires_grad": "take part in differentiation; pass {0}.detach()",
    "is_conj": "are yet to be conjugated; pass {0}.resolve_conj()",
    "is_neg": "are yet to be negated; pass {0}.resolve_neg()",
}


def as_samples(value: object, name: str, axes: str = "(n_samples, features)") -> AnyArray:
    """View `value` as a two-dimensional array of real numbers, without a copy of array data.

    Parameters
    ----------
    value : array_like, (n_samples, features)
        Anything with ``__dlpack__``, ``__array__`` or ``__array_interface__``, or nested lists.
    name : str
        What the caller calls it; errors use this name.
    axes : str
        What its two axes are, for errors.

    Returns
    -------
    ndarray, (n_samples, features)
        float16, float32, float64, integer, bool or `BFLOAT16`, in any memory order.

    Raises
    ------
    TypeError
        If it is no array of real numbers.
    ValueError
        If it has not two dimensions, no sample or no feature.
    """
    return _two_dimensional(as_real(value, name), name, axes)


def as_numbers(value: object, name: str, axes: str = "(n_samples, features)") -> AnyArray:
    """`as_samples` that takes complex64 and complex128 as well."""
    array = _as_array(value, name)
    if array.dtype.kind != "c":
        return _two_dimensional(_real(array, name), name, axes)
    if array.dtype.itemsize > 16:
        raise TypeError(f"{name} has dtype {array.dtype}; complex64 and complex128 can be used")
    return _two_dimensional(array, name, axes)


def _two_dimensional(array: AnyArray, name: str, axes: str) -> AnyArray:
    if array.ndim != 2:
        raise ValueError(f"{name} has shape {array.shape}, but must be {axes}: {_advice(array)}")
    if array.size == 0:
        raise ValueError(f"{name} has shape {array.shape}: {axes} must both be at least 1")
    return array


def as_real(value: object, name: str) -> AnyArray:
    """View `value` as an array of real numbers, of any shape, without a copy of array data.

    Parameters
    ----------
    value : array_like
        Anything with ``__dlpack__``, ``__array__`` or ``__array_interface__``, or nested lists.
    name : str
        What the caller calls it; errors use this name.

    Returns
    -------
    ndarray
        float16, float32, float64, integer, bool or `BFLOAT16`, in any memory order.

    Raises
    ------
    TypeError
        If it is no array of real numbers.
    """
    return _real(_as_array(value, name), name)


def _real(array: AnyArray, name: str) -> AnyArray:
    if is_bfloat16(array.dtype):
        return array
    kind, size = array.dtype.kind, array.dtype.itemsize
    if kind == "c":
        raise TypeError(f"{name} has dtype {array.dtype}, but must hold real numbers here")
    if kind not in "biu" and not (kind == "f" and size in _FLOAT_BYTES):
        raise TypeError(
            f"{name} has dtype {array.dtype}; it must be float16, bfloat16, float32, "
            f"float64, an integer or bool: convert it with {name}.astype(numpy.float64)"
        )
    return array


def _as_array(value: object, name: str) -> AnyArray:
    if type(value) is np.ndarray:
        array: AnyArray = value
    else:
        _check_not_lazy(value, name)
        elsewhere = on_device(value, name)
        if elsewhere is not None:
            return elsewhere
        tensor = _from_dlpack(value, name)
        array = _converted(value, name) if tensor is None else tensor
    return carried(array) if is_bfloat16(array.dtype) else array


def _from_dlpack(value: object, name: str) -> AnyArray | None:
    """Read a tensor of another library where it lies, or None where that is not the way."""
    if isinstance(value, np.ndarray | type) or not hasattr(value, "__dlpack_device__"):
        return None
    try:
        return from_dlpack(value, name)
    except (BufferError, RuntimeError, ValueError):
        # Its library does not export it, and may know another way.
        if not hasattr(value, "__array__"):
            raise
    return None


def _check_not_lazy(value: object, name: str) -> None:
    if isinstance(value, np.ndarray | type) or not hasattr(value, "__dlpack_device__"):
        return
    for attribute, remedy in _LAZY.items():
        lazy = getattr(value, attribute, False)
        if (lazy() if callable(lazy) else lazy) is True:
            raise TypeError(f"{name} is a tensor whose values {remedy.format(name)}")


def _converted(value: object, name: str) -> AnyArray:
    if np.ma.isMaskedArray(value) and np.ma.is_masked(value):
        raise TypeError(
            f"{name} is a masked array with masked values; drop or fill those samples first"
        )
    if hasattr(value, "toarray") and hasattr(value, "nnz"):
        raise TypeError(f"{name} is a sparse matrix; pass {name}.toarray()")
    return np.asarray(value)


def _advice(array: AnyArray) -> str:
    if array.ndim < 2:
        return "a single feature is a column, reshape(-1, 1)"
    return (
        "say what its axes are with layout=, such as layout='NHWC' for (samples, height, width, "
        "channels), or fold them yourself with reshape(-1, channels)"
    )


def check_finite(array: AnyArray, name: str) -> None:
    """Raise ValueError naming the first value that is not finite."""
    array = with_numbers(array)
    if array.dtype.kind not in "fc":
        return
    bad = ~np.isfinite(array)
    if bad.any():
        row, col = (int(i) for i in np.argwhere(bad)[0])
        count = int(bad.sum())
        raise ValueError(
            f"{name} has {count} {'value that is' if count == 1 else 'values that are'} not "
            f"finite; the first is {array[row, col]} at sample {row}, feature {col}; remove those "
            "samples or replace the values"
        )


def check_all_finite(array: AnyArray, name: str) -> None:
    """Raise ValueError where an array of any shape holds NaN or infinity."""
    array = with_numbers(array)
    if array.dtype.kind in "fc" and not np.isfinite(array).all():
        where = tuple(int(i) for i in np.argwhere(~np.isfinite(array))[0])
        raise ValueError(
            f"{name} has values that are not finite; the first is {array[where]} at index {where}"
        )


def float64_rows(array: AnyArray) -> list[slice]:
    """Slices of rows in which a float64 copy of `array` stays small."""
    n = array.shape[0]
    return [slice(i, min(i + _ROWS_PER_BLOCK, n)) for i in range(0, n, _ROWS_PER_BLOCK)]
