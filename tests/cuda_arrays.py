"""Arrays in device memory, as other libraries make them, by the CUDA that the process has.

That is a real one, or the stand-in of tests/cuda_standin, which offers some functions more.
"""

import ctypes

import numpy as np

from dlpack_producer import CUDA, Producer
from fastcca._runtime import cuda as _cuda_module

IS_USABLE = not _cuda_module.unusable()
_loaded = ctypes.CDLL(None)
IS_STANDIN = hasattr(_loaded, "fastcca_standin_malloc")

if IS_USABLE:
    # The module has loaded it.
    _cuda = _loaded if hasattr(_loaded, "cudaMalloc") else ctypes.CDLL("libcudart.so.13")
    _cuda.cudaMalloc.argtypes = (ctypes.POINTER(ctypes.c_void_p), ctypes.c_size_t)
    _cuda.cudaFree.argtypes = (ctypes.c_void_p,)
    _cuda.cudaMemcpy.argtypes = (ctypes.c_void_p, ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int)
    _cuda.cudaMemcpyAsync.argtypes = (*_cuda.cudaMemcpy.argtypes, ctypes.c_void_p)
    _cuda.cudaMallocHost.argtypes = (ctypes.POINTER(ctypes.c_void_p), ctypes.c_size_t)
    _cuda.cudaFreeHost.argtypes = (ctypes.c_void_p,)
    _cuda.cudaStreamCreateWithFlags.argtypes = (ctypes.POINTER(ctypes.c_void_p), ctypes.c_uint)
    _cuda.cudaStreamSynchronize.argtypes = (ctypes.c_void_p,)
    _cuda.cudaStreamDestroy.argtypes = (ctypes.c_void_p,)
if IS_STANDIN:
    _loaded.fastcca_standin_count.restype = ctypes.c_size_t
    _loaded.fastcca_standin_count.argtypes = (ctypes.c_char_p,)
    _loaded.fastcca_standin_fail.argtypes = (ctypes.c_char_p, *(ctypes.c_int,) * 4)
    _loaded.fastcca_standin_set_memory.argtypes = (ctypes.c_size_t,)
_TO_DEVICE, _TO_HOST = 1, 2
_NON_BLOCKING = 1


def _call(name, *arguments):
    status = getattr(_cuda, name)(*arguments)
    if status != 0:
        raise RuntimeError(f"{name} returned {status}")


class Memory:
    """A block of memory of device 0 with the bytes of an array, freed with the last reference."""

    def __init__(self, array):
        pointer = ctypes.c_void_p()
        _call("cudaMalloc", ctypes.byref(pointer), max(array.nbytes, 1))
        self.address = pointer.value
        _call("cudaMemcpy", self.address, array.ctypes.data, array.nbytes, _TO_DEVICE)

    def __del__(self):
        _call("cudaFree", self.address)


class Copies:
    """Copies of device memory to the host, on a stream of another library."""

    def __init__(self):
        stream = ctypes.c_void_p()
        _call("cudaStreamCreateWithFlags", ctypes.byref(stream), _NON_BLOCKING)
        self.stream = stream.value
        self._pinned = []

    def begin(self, address, count):
        """Queue a copy of so many numbers; the array holds them when all is `finished`."""
        memory = ctypes.c_void_p()
        _call("cudaMallocHost", ctypes.byref(memory), 8 * count)
        self._pinned.append(memory)
        _call("cudaMemcpyAsync", memory, address, 8 * count, _TO_HOST, self.stream)
        return np.frombuffer((ctypes.c_double * count).from_address(memory.value))

    def finish(self):
        _call("cudaStreamSynchronize", self.stream)

    def close(self):
        """Arrays of copies must not be used any more."""
        _call("cudaStreamDestroy", self.stream)
        for memory in self._pinned:
            _call("cudaFreeHost", memory)


def synchronize():
    """Wait for all that was queued on the device."""
    _call("cudaDeviceSynchronize")


class ByDlpack:
    """An array on a device that offers `__dlpack__` alone, as JAX's do.

    Parameters
    ----------
    whole : ndarray
        What the device's block holds, in C order.
    view : callable
        Which part of it the array is.
    changes
        As of a `Producer`.
    """

    def __init__(self, whole, view=lambda a: a, **changes):
        whole = np.ascontiguousarray(whole)
        self.memory = Memory(whole)
        self.streams = []
        # The producer tells of host memory; only the address is another.
        offset = self.memory.address - whole.ctypes.data
        self.producer = Producer(view(whole), address_offset=offset, tensor_device=CUDA, **changes)

    @property
    def deleted(self):
        """How many tensors were given back."""
        return self.producer.deleted

    def __dlpack_device__(self):
        return (CUDA, 0)

    def __dlpack__(self, *, stream=None, **options):
        self.streams.append(stream)
        return self.producer.__dlpack__(**options)


class ByInterface:
    """An array on a device that offers `__cuda_array_interface__` alone, as Numba's do."""

    def __init__(self, whole, view=lambda a: a, **changes):
        whole = np.ascontiguousarray(whole)
        self.memory = Memory(whole)
        seen = view(whole)
        offset = seen.ctypes.data - whole.ctypes.data
        self.__cuda_array_interface__ = {
            "shape": seen.shape,
            "typestr": seen.dtype.str,
            "data": (self.memory.address + offset, False),
            "strides": seen.strides,
            "version": 3,
            "stream": 1,
            **changes,
        }


def live(kind):
    """How many of the stand-in's "blocks", "streams" and so on are alive."""
    return _loaded.fastcca_standin_count(kind.encode())


def limit_memory(size):
    """Give every device of the stand-in so many bytes."""
    _loaded.fastcca_standin_set_memory(size)


def fail(call, *, skip=0, count=1, status=0, info=0):
    """Make calls of a name fail in the stand-in."""
    _loaded.fastcca_standin_fail(call.encode(), skip, count, status, info)


def fail_nothing():
    """Let all calls of the stand-in succeed again."""
    _loaded.fastcca_standin_fail_nothing()
