"""Arrays in the memory of CUDA devices, read there by the CUDA backend."""

from __future__ import annotations

import operator
from typing import Any, cast

import numpy as np
import numpy.typing as npt
from numpy.lib.array_utils import byte_bounds

from fastcca._runtime import cuda

AnyArray = npt.NDArray[Any]

# Of DLPack: memory of a CUDA device, and such that its driver moves to where it is used.
_CUDA, _CUDA_MANAGED = 2, 13


class DeviceArray:
    """A matrix of a result in the memory of a CUDA device, whose values the host cannot read.

    ``torch.from_dlpack(a)``, ``cupy.from_dlpack(a)`` and ``jax.dlpack.from_dlpack(a)`` take it
    without a copy, on the consumer's stream, and keep its memory alive; so does what reads
    `__cuda_array_interface__`. `numpy` copies it to the host. It is sliced and transposed as numpy
    would, without a copy, and every function of fastcca takes it for samples. A pickle of it is one
    of its numpy array.

    Attributes
    ----------
    shape : tuple of int
    strides : tuple of int
        In bytes, as numpy's.
    dtype : dtype
        float64 or complex128.
    device : int
        The number of the CUDA device.
    """

    # Samples of other libraries are carried by it as well, of any dtype: what calculates with
    # values asks for them by `with_numbers` of `fastcca._inputs.bfloat16`, and anything else
    # raises. The view keeps the memory alive; its values must never be asked for.
    __slots__ = ("_name", "_to_host", "device", "view_on_device")

    # numpy's functions and operators leave it alone, and say so.
    __array_ufunc__ = None

    def __init__(
        self, view: AnyArray, device: int, name: str, to_host: str = "{}.cpu() in PyTorch"
    ) -> None:
        self.view_on_device = view
        self.device = device
        self._name = name
        self._to_host = to_host

    @property
    def shape(self) -> tuple[int, ...]:
        return self.view_on_device.shape

    @property
    def strides(self) -> tuple[int, ...]:
        return self.view_on_device.strides

    @property
    def dtype(self) -> np.dtype[Any]:
        return self.view_on_device.dtype

    @property
    def ndim(self) -> int:
        return self.view_on_device.ndim

    @property
    def size(self) -> int:
        return self.view_on_device.size

    @property
    def itemsize(self) -> int:
        return self.view_on_device.itemsize

    @property
    def nbytes(self) -> int:
        return self.view_on_device.nbytes

    @property
    def T(self) -> DeviceArray:  # noqa: N802
        return self._like(self.view_on_device.T)

    @property
    def real(self) -> DeviceArray:
        return self._like(self.view_on_device.real)

    @property
    def imag(self) -> DeviceArray:
        self._require_complex()
        return self._like(self.view_on_device.imag)

    def __neg__(self) -> DeviceArray:
        """Return the values with the other sign, (samples, features), in memory of their own."""
        if self.dtype.kind != "f" or self.ndim != 2:
            raise self._refusal()
        module = cuda.module()
        return self._like(module.negated(self, self._name, self.device))

    def __len__(self) -> int:
        return len(self.view_on_device)

    def __getitem__(self, key: Any) -> DeviceArray:
        keys = key if isinstance(key, tuple) else (key,)
        picked = [operator.index(k) for k in keys if not (isinstance(k, slice) or k is Ellipsis)]
        if len(picked) >= self.ndim:
            raise self._refusal()
        return self._like(self.view_on_device[key])

    def transpose(self, axes: Any) -> DeviceArray:
        return self._like(self.view_on_device.transpose(axes))

    def reshape(self, *shape: int) -> DeviceArray:
        """Return a view; ValueError where that needs a copy."""
        return self._like(np.reshape(self.view_on_device, shape, copy=False))

    # -- for others ------------------------------------------------------------------------------

    def numpy(self) -> AnyArray:
        """Copy the values to the host.

        Returns
        -------
        ndarray
        """
        return self.on_host()

    def __dlpack_device__(self) -> tuple[int, int]:
        return _CUDA, self.device

    def __dlpack__(
        self,
        *,
        stream: int | None = None,
        max_version: tuple[int, int] | None = None,
        dl_device: tuple[int, int] | None = None,
        copy: bool | None = None,
    ) -> Any:
        """Lend the memory by DLPack; work on `stream` waits for what is still to be written.

        Raises
        ------
        BufferError
            If a copy or another device is asked for.
        ValueError
            For stream 0, which the protocol forbids.
        """
        if copy or (dl_device is not None and tuple(dl_device) != self.__dlpack_device__()):
            raise BufferError(
                f"{self._name} is lent without a copy, and lies on CUDA device {self.device}; copy "
                f"it to the CPU with {self._name}.numpy()"
            )
        if stream == 0:
            raise ValueError(
                "stream=0 is forbidden by the protocol: it is 1 for the legacy default stream, 2 "
                "for the default stream of the thread"
            )
        ordered = None if stream == -1 else 1 if stream is None else stream
        versioned = max_version is not None and max_version[0] >= 1
        return cuda.module().to_dlpack(self.view_on_device, self.device, ordered, versioned)

    @property
    def __cuda_array_interface__(self) -> dict[str, Any]:
        address = self.view_on_device.__array_interface__["data"][0]
        return {
            "shape": self.shape,
            "typestr": self.dtype.str,
            "data": (address if self.size else 0, False),
            "strides": self.strides,
            "version": 3,
            "stream": cuda.module().stream(self.device),
        }

    def __reduce__(self) -> tuple[Any, ...]:
        return np.asarray, (self.on_host(),)

    def __repr__(self) -> str:
        return f"DeviceArray({self._name}, {self.shape}, {self.dtype}, CUDA device {self.device})"

    def __array__(self, dtype: Any = None, copy: Any = None) -> AnyArray:
        raise self._refusal()

    def on_host(self) -> AnyArray:
        """Copy the values to the host, all memory from the first to the last of them."""
        view = self.view_on_device
        if view.size == 0:
            return np.empty(view.shape, view.dtype)
        low, high = byte_bounds(view)
        memory = cuda.module().read_bytes(low, high - low, self.device)
        first = view.__array_interface__["data"][0]
        return np.ndarray(view.shape, view.dtype, memory, first - low, view.strides)

    def _like(self, view: AnyArray) -> DeviceArray:
        return DeviceArray(view, self.device, self._name, self._to_host)

    def _require_complex(self) -> None:
        if self.dtype.kind != "c":
            raise self._refusal()  # numpy would make zeros

    def _refusal(self) -> TypeError:
        return TypeError(
            f"{self._name} lies on CUDA device {self.device}, where this cannot read it; copy it "
            f"to the CPU first, with {self._to_host.format(self._name)}"
        )


def of_result(view: AnyArray, device: int, name: str) -> AnyArray:
    """Stand for a matrix that a compiled solver left on its device, typed as that matrix."""
    return cast(AnyArray, DeviceArray(view, device, name, "{}.numpy()"))


def to_device(array: AnyArray, device: int, name: str) -> AnyArray:
    """Copy a matrix to a device: float64, or complex128 where it is complex."""
    kind = np.complex128 if np.iscomplexobj(array) else np.float64
    there = cuda.module().to_device(np.asfortranarray(array, dtype=kind), device)
    return of_result(there, device, name)


def on_host(array: AnyArray) -> AnyArray:
    """Copy to the host what lies on a device; any other array as it is."""
    return array.on_host() if isinstance(array, DeviceArray) else array


def device_of(value: object, name: str) -> int | None:
    """Return the CUDA device that an array lies on, or None where it lies on none.

    Raises
    ------
    TypeError
        If it does, and does not say on which, and CUDA cannot be used here.
    """
    if isinstance(value, DeviceArray):
        return value.device
    if isinstance(value, np.ndarray | type):
        return None
    if hasattr(value, "__dlpack_device__"):
        try:
            kind, device = value.__dlpack_device__()
        except Exception:  # it is for the reading to say why it cannot be read
            return None
        return int(device) if kind in (_CUDA, _CUDA_MANAGED) else None
    if _cuda_interface(value) is not None:
        return cast(DeviceArray, on_device(value, name)).device
    return None


def on_device(value: object, name: str) -> AnyArray | None:
    """View an array of another library that lies on a CUDA device, None where it lies on none.

    Returns
    -------
    DeviceArray or None
        Typed as the array that it stands for.

    Raises
    ------
    TypeError
        If it lies there and CUDA cannot be used here.
    """
    if isinstance(value, DeviceArray):
        return cast(AnyArray, value)
    has_dlpack = hasattr(value, "__dlpack_device__")
    device = device_of(value, name) if has_dlpack else None
    interface = None if has_dlpack and device is None else _cuda_interface(value)
    if device is None and interface is None:
        return None
    if reason := cuda.unusable():
        raise TypeError(
            f"{name} is not in the memory of the CPU (it lies on a CUDA device), and CUDA cannot "
            f"be used: {reason}. Or copy it to the CPU first, with {name}.cpu() in PyTorch, "
            f"jax.device_get({name}) or cupy.asnumpy({name})"
        )
    module = cuda.module()
    if device is not None:
        try:
            view = module.from_dlpack(value, name)
            return cast(AnyArray, DeviceArray(view, device, name))
        except (BufferError, RuntimeError, ValueError):
            # Its library does not export it, and may know another way.
            if interface is None:
                raise
    assert interface is not None
    return cast(AnyArray, _of_interface(value, interface, name))


def _cuda_interface(value: object) -> dict[str, Any] | None:
    """Return what an array tells by `__cuda_array_interface__`, if it is one."""
    if isinstance(value, np.ndarray | type):
        return None
    interface = getattr(value, "__cuda_array_interface__", None)
    return interface if isinstance(interface, dict) else None


class _OverDevice:
    """What numpy takes for an array's memory; keeps the producer alive."""

    def __init__(self, interface: dict[str, Any], producer: object) -> None:
        self.__array_interface__ = interface
        self.producer = producer


def _of_interface(value: object, interface: dict[str, Any], name: str) -> DeviceArray:
    if interface.get("mask") is not None:
        raise TypeError(f"{name} is a masked array; drop or fill those samples first")
    shape, typestr = tuple(interface["shape"]), interface["typestr"]
    address, _ = interface["data"]
    if np.dtype(typestr).hasobject:
        raise TypeError(f"{name} has dtype {typestr}, which is none of numbers")
    stream = interface.get("stream")
    if stream == 0:
        raise ValueError(
            f"{name}.__cuda_array_interface__ names stream 0, which the protocol forbids: it is "
            "1 for the legacy default stream, 2 for the default stream of the thread"
        )
    if 0 in shape or not address:
        return DeviceArray(np.empty(shape, typestr), 0, name)
    device = cuda.module().device_of_address(address, stream, name)
    memory = _OverDevice(
        {
            "version": 3,
            "shape": shape,
            "typestr": typestr,
            "data": (address, True),
            "strides": interface.get("strides"),
        },
        value,
    )
    return DeviceArray(np.asarray(memory), device, name)
