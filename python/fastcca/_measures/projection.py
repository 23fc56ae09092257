"""Samples less their means, times a matrix: on the device where they lie on one."""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

import numpy as np
import numpy.typing as npt
from numpy.lib.stride_tricks import as_strided

from fastcca._inputs.arrays import AnyArray, as_samples, float64_rows
from fastcca._inputs.bfloat16 import with_numbers
from fastcca._runtime import cuda
from fastcca._runtime.device_array import DeviceArray, of_result, on_host, to_device
from fastcca._runtime.output import check_output_of_samples
from fastcca._states.blocks import real_blocks

# Numbers of a result that are copied from a device at a time.
_NUMBERS_AT_A_TIME = 2**23


def mapped(
    samples: AnyArray, mean: AnyArray, weights: AnyArray, *, output: str, name: str
) -> AnyArray:
    """Return ``(samples - mean) @ weights``.

    Parameters
    ----------
    samples : ndarray, (n_samples, p)
        Checked, on the host or a device.
    mean : ndarray, (p,)
    weights : ndarray, (p, k)
        On the host or a device.
    output : {"numpy", "device"}
    name : str
        What errors call the samples.

    Returns
    -------
    ndarray, (n_samples, k), float64 or complex128, or with "device" a `DeviceArray`
    """
    check_output_of_samples(output, samples, name)
    if isinstance(samples, DeviceArray):
        is_complex = "c" in (samples.dtype.kind, weights.dtype.kind)
        there = _OnDevice(samples.device, is_complex, mean, weights)
        return _gathered(there, samples, weights.shape[1], output)
    weights = on_host(weights)
    out = np.empty((samples.shape[0], weights.shape[1]), dtype=weights.dtype)
    for rows in float64_rows(samples):
        np.matmul(with_numbers(samples[rows]) - mean, weights, out=out[rows])
    return out


def projected(
    samples: AnyArray, mean: AnyArray, weights: AnyArray, back: AnyArray, *, output: str, name: str
) -> AnyArray:
    """Return ``(samples - mean) @ weights @ back + mean``.

    Parameters are those of `mapped`; `back`, (k, p), is on the host.

    Returns
    -------
    ndarray, (n_samples, p), float64 or complex128, or with "device" a `DeviceArray`
    """
    check_output_of_samples(output, samples, name)
    if isinstance(samples, DeviceArray):
        is_complex = "c" in (samples.dtype.kind, weights.dtype.kind)
        first = _OnDevice(samples.device, is_complex, mean, weights)
        second = _OnDevice(samples.device, is_complex, np.zeros(len(back)), back, offset=mean)
        return _gathered(lambda part: second(first(part)), samples, mean.size, output)
    weights = on_host(weights)
    out = np.empty(samples.shape, dtype=np.result_type(back, mean, np.float64))
    for rows in float64_rows(samples):
        out[rows] = (with_numbers(samples[rows]) - mean) @ weights @ back + mean
    return out


def project_onto(
    x: npt.ArrayLike, directions: AnyArray, mean: AnyArray, k: int, output: str = "numpy"
) -> AnyArray:
    """Project samples orthogonally on the first k of orthonormal directions through their mean.

    Parameters
    ----------
    x : array_like, (n_samples, p)
    directions : ndarray, (p, most)
        On the host or a device.
    mean : ndarray, (p,)
    k : int
        From 0 to `most`.
    output : {"numpy", "device"}

    Returns
    -------
    ndarray, (n_samples, p), float64, or with "device" a `DeviceArray`
    """
    samples = as_samples(x, "x")
    if not 0 <= k <= directions.shape[1]:
        raise ValueError(
            f"k={k} must lie between 0 and {directions.shape[1]}, the number of directions"
        )
    if samples.shape[1] != mean.size:
        raise ValueError(f"x has {samples.shape[1]} features, but {mean.size} in the analysis")
    top = directions[:, :k]
    return projected(samples, mean, top, on_host(top).T, output=output, name="x")


def _gathered(
    apply: Callable[[DeviceArray], DeviceArray], samples: DeviceArray, width: int, output: str
) -> AnyArray:
    """Apply to all samples: at once where the result stays, or part by part into numpy's memory."""
    if output == "device":
        return cast(AnyArray, apply(samples))
    n = samples.shape[0]
    step = max(1, _NUMBERS_AT_A_TIME // max(width, 1))
    out = None
    for row in range(0, n, step):
        part = apply(samples[row : row + step])
        if out is None:
            out = np.empty((n, width), part.dtype)
        out[row : row + step] = part.numpy()
    assert out is not None  # there is a sample
    return out


class _OnDevice:
    """``(x - mean) @ weights + offset`` of samples on one device.

    Complex numbers are pairs of real ones: real and imaginary parts of samples are blocks side by
    side, and those of the result alternate, as complex numbers in memory do. The offset is the
    weight of one feature more, which is 1.

    Parameters
    ----------
    device : int
    is_complex : bool
        Of the samples or the weights.
    mean : ndarray, (p,)
    weights : ndarray, (p, k)
        On the host or a device.
    offset : ndarray, (k,), optional
    """

    def __init__(
        self,
        device: int,
        is_complex: bool,
        mean: AnyArray,
        weights: AnyArray,
        offset: AnyArray | None = None,
    ) -> None:
        self._device, self._is_complex = device, is_complex
        if is_complex:
            mean = np.concatenate([mean.real, mean.imag])
            weights = _pairs_of_real(on_host(weights))
            offset = None if offset is None else np.stack([offset.real, offset.imag], 1).ravel()
        self._ones: DeviceArray | None = None
        if offset is not None:
            mean = np.append(mean, 0.0)
            weights = np.vstack([on_host(weights), offset])
            self._ones = self._constant(1.0)
        self._zeros = self._constant(0.0) if is_complex else None
        self._mean = mean
        self._weights = self._here(weights)

    def __call__(self, samples: DeviceArray) -> DeviceArray:
        n, p = samples.shape
        blocks = cast("list[DeviceArray]", real_blocks({"x": cast(AnyArray, samples)})[1])
        if self._zeros is not None and len(blocks) == 1:
            blocks.append(_repeated(self._zeros, (n, p)))
        if self._ones is not None:
            blocks.append(_repeated(self._ones, (n, 1)))
        found = cuda.module().multiply_samples(blocks, self._mean, self._weights, self._device)
        rows = found.T.view(np.complex128) if self._is_complex else found.T
        return cast(DeviceArray, of_result(rows, self._device, "result"))

    def _constant(self, value: float) -> DeviceArray:
        return cast(DeviceArray, to_device(np.full((1, 1), value), self._device, "constant"))

    def _here(self, weights: AnyArray) -> AnyArray:
        if isinstance(weights, DeviceArray) and weights.device == self._device:
            return weights
        return to_device(on_host(weights), self._device, "weights")


def _pairs_of_real(weights: AnyArray) -> npt.NDArray[np.float64]:
    """Real weights, (2 p, 2 k), of real parts above those of imaginary parts."""
    p, k = weights.shape
    out = np.empty((2, p, k, 2))
    out[0, ..., 0], out[0, ..., 1] = weights.real, weights.imag
    out[1, ..., 0], out[1, ..., 1] = -weights.imag, weights.real
    return out.reshape(2 * p, 2 * k)


def _repeated(one: DeviceArray, shape: tuple[int, int]) -> DeviceArray:
    view = as_strided(one.view_on_device, shape, (0, 0), writeable=False)
    return cast(DeviceArray, of_result(view, one.device, "constant"))
