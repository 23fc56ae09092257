"""A producer of DLPack tensors in ctypes, which counts what its consumers do."""

import ctypes

import numpy as np

CPU, CUDA = 1, 2
_CODES = {"i": 0, "u": 1, "f": 2, "c": 5, "b": 6}
BFLOAT = 4


class _Device(ctypes.Structure):
    _fields_ = (("type", ctypes.c_int32), ("id", ctypes.c_int32))


class _DataType(ctypes.Structure):
    _fields_ = (("code", ctypes.c_uint8), ("bits", ctypes.c_uint8), ("lanes", ctypes.c_uint16))


class _Tensor(ctypes.Structure):
    _fields_ = (
        ("data", ctypes.c_void_p),
        ("device", _Device),
        ("ndim", ctypes.c_int32),
        ("dtype", _DataType),
        ("shape", ctypes.POINTER(ctypes.c_int64)),
        ("strides", ctypes.POINTER(ctypes.c_int64)),
        ("byte_offset", ctypes.c_uint64),
    )


class _Managed(ctypes.Structure):
    _fields_ = (
        ("tensor", _Tensor),
        ("context", ctypes.c_void_p),
        ("deleter", ctypes.c_void_p),
    )


class _Versioned(ctypes.Structure):
    _fields_ = (
        ("major", ctypes.c_uint32),
        ("minor", ctypes.c_uint32),
        ("context", ctypes.c_void_p),
        ("deleter", ctypes.c_void_p),
        ("flags", ctypes.c_uint64),
        ("tensor", _Tensor),
    )


_DELETER = ctypes.CFUNCTYPE(None, ctypes.c_void_p)
_api = ctypes.pythonapi
_api.PyCapsule_New.restype = ctypes.py_object
_api.PyCapsule_New.argtypes = (ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p)
_api.PyCapsule_GetName.restype = ctypes.c_char_p
_api.PyCapsule_GetName.argtypes = (ctypes.py_object,)


class Producer:
    """Shows memory of a numpy array as a tensor.

    Parameters
    ----------
    array : ndarray
        What the tensor holds; uint16 stands for bfloat16 where `code` says so.
    versioned : bool
        Whether it knows the versions of DLPack. One that does not takes no ``max_version``.
    changes : dict
        Fields of the tensor that are not what the array says.
    """

    def __init__(self, array, *, versioned=True, **changes):
        self.array, self.versioned, self.changes = array, versioned, changes
        self.deleted = 0
        self.capsules = []
        self._alive = []

    def __dlpack_device__(self):
        return (self.changes.get("device", CPU), 0)

    def __dlpack__(self, **options):
        if not self.versioned and options:
            raise TypeError(f"unexpected keyword arguments {options}")
        ndim = self.array.ndim
        shape = (ctypes.c_int64 * ndim)(*self.changes.get("shape", self.array.shape))
        strides = (ctypes.c_int64 * ndim)(*(s // self.array.itemsize for s in self.array.strides))
        offset = self.changes.get("byte_offset", 0)
        code = self.changes.get("code", _CODES[self.array.dtype.kind])
        bits = self.changes.get("bits", 8 * self.array.itemsize)
        tensor = _Tensor(
            data=self.array.ctypes.data - offset + self.changes.get("address_offset", 0),
            device=_Device(self.changes.get("tensor_device", CPU), 0),
            ndim=self.changes.get("ndim", ndim),
            dtype=_DataType(code, bits, self.changes.get("lanes", 1)),
            shape=shape,
            strides=None if self.changes.get("compact") else strides,
            byte_offset=offset,
        )
        deleter = _DELETER(self._delete)
        pointer = ctypes.cast(deleter, ctypes.c_void_p)
        if self.versioned:
            version = self.changes.get("version", (1, 0))
            managed = _Versioned(*version, None, pointer, self.changes.get("flags", 0), tensor)
            name = b"dltensor_versioned"
        else:
            managed = _Managed(tensor, None, pointer)
            name = b"dltensor"
        self._alive += [shape, strides, deleter, managed, name]
        capsule = _api.PyCapsule_New(ctypes.addressof(managed), name, None)
        self.capsules.append(capsule)
        return capsule

    def _delete(self, _):
        self.deleted += 1

    @property
    def names(self):
        """What the capsules are called now."""
        return [_api.PyCapsule_GetName(capsule).decode() for capsule in self.capsules]


def bfloat16(array, **changes):
    """Return a producer of bfloat16, from float32 numbers that are some."""
    bits = array.view(np.uint32) >> 16
    return Producer(bits.astype(np.uint16), code=BFLOAT, **changes)
