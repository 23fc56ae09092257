"""A consumer of DLPack capsules in ctypes, which owns a tensor as other libraries do."""

import ctypes

from dlpack_producer import _DELETER, _api, _Managed, _Versioned

_api.PyCapsule_GetPointer.restype = ctypes.c_void_p
_api.PyCapsule_GetPointer.argtypes = (ctypes.py_object, ctypes.c_char_p)
_api.PyCapsule_SetName.argtypes = (ctypes.py_object, ctypes.c_char_p)
# Capsules do not copy their names.
_KINDS = {
    b"dltensor": (_Managed, b"used_dltensor"),
    b"dltensor_versioned": (_Versioned, b"used_dltensor_versioned"),
}


class Consumed:
    """The tensor of a capsule.

    Attributes
    ----------
    name : str
        What the capsule was called.
    address : int
    device : tuple of int
    dtype : tuple of int
        Code, bits, lanes.
    shape, strides : tuple of int
    version : tuple of int, or None
    flags : int
    """

    def __init__(self, capsule):
        name = _api.PyCapsule_GetName(capsule)
        kind, used_name = _KINDS[name]
        self._managed = kind.from_address(_api.PyCapsule_GetPointer(capsule, name))
        assert _api.PyCapsule_SetName(capsule, used_name) == 0
        managed, tensor = self._managed, self._managed.tensor
        self.name = name.decode()
        self.address = tensor.data + tensor.byte_offset
        self.device = (tensor.device.type, tensor.device.id)
        self.dtype = (tensor.dtype.code, tensor.dtype.bits, tensor.dtype.lanes)
        self.shape = tuple(tensor.shape[: tensor.ndim])
        self.strides = tuple(tensor.strides[: tensor.ndim])
        self.version = (managed.major, managed.minor) if kind is _Versioned else None
        self.flags = managed.flags if kind is _Versioned else 0

    def give_back(self):
        _DELETER(self._managed.deleter)(ctypes.addressof(self._managed))
