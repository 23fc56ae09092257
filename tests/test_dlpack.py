"""Tensors of other libraries, read where they lie."""

import gc
import pickle

import numpy as np
import pytest

import fastcca
from cases import small_integers
from dlpack_producer import BFLOAT, CUDA, Producer, bfloat16
from fastcca import _core
from fastcca._inputs.arrays import as_numbers, as_real
from fastcca._inputs.bfloat16 import BFLOAT16, with_numbers

DTYPES = [
    "float16",
    "float32",
    "float64",
    "int8",
    "int16",
    "int32",
    "int64",
    "uint8",
    "uint16",
    "uint32",
    "uint64",
    "bool",
]
KINDS = pytest.mark.parametrize("versioned", [True, False], ids=["versioned", "legacy"])


def values(shape=(30, 4)):
    return np.abs(small_integers(shape[0], shape[1], seed=1))


@KINDS
@pytest.mark.parametrize("dtype", [*DTYPES, "complex64", "complex128"])
def test_a_tensor_is_read_in_place_and_given_back_once(dtype, versioned):
    array = values().astype(dtype)
    producer = Producer(array, versioned=versioned)
    found = as_numbers(producer, "x")
    np.testing.assert_array_equal(found, array, strict=True)
    assert np.shares_memory(found, array)
    assert not found.flags.writeable
    used = "used_dltensor_versioned" if versioned else "used_dltensor"
    assert producer.names == [used]
    view = found[::2].T
    del found
    gc.collect()
    assert producer.deleted == 0  # the view needs it
    del view
    gc.collect()
    assert producer.deleted == 1


@KINDS
def test_bfloat16_is_carried(versioned):
    numbers = values().astype(np.float32)
    producer = bfloat16(numbers, versioned=versioned)
    found = as_real(producer, "x")
    assert found.dtype == BFLOAT16
    assert np.shares_memory(found, producer.array)
    np.testing.assert_array_equal(with_numbers(found), numbers)
    del found
    gc.collect()
    assert producer.deleted == 1


@KINDS
@pytest.mark.parametrize(
    "guise",
    [
        lambda a: a[::3, ::2],
        lambda a: a[::-1, ::-1],
        lambda a: a.T,
        lambda a: np.broadcast_to(a[:1], (5, 4)),
        lambda a: a[:0],
    ],
    ids=["sliced", "negative", "transposed", "repeated", "empty"],
)
def test_strides_are_in_elements(guise, versioned):
    array = guise(values().astype(np.float32))
    for offset in (0, 64):
        producer = Producer(array, versioned=versioned, byte_offset=offset)
        np.testing.assert_array_equal(_core.from_dlpack(producer, "x"), array, strict=True)
        gc.collect()
        assert producer.deleted == 1


@KINDS
def test_a_compact_tensor_needs_no_strides(versioned):
    array = values().reshape(5, 6, 4)
    producer = Producer(array, versioned=versioned, compact=True)
    np.testing.assert_array_equal(_core.from_dlpack(producer, "x"), array)


def test_a_read_only_tensor_is_read():
    producer = Producer(values(), flags=1)
    np.testing.assert_array_equal(as_real(producer, "x"), values())


BROKEN = {
    "another device in the tensor": ({"tensor_device": CUDA}, TypeError, "memory of the CPU"),
    "vectors": ({"lanes": 4}, TypeError, "4 lanes"),
    "bits": ({"bits": 24}, TypeError, "code 2, 24 bits"),
    "a float8": ({"code": 10, "bits": 8}, TypeError, "must be float16, bfloat16, float32"),
    "a bfloat of 32 bits": ({"code": BFLOAT, "bits": 32}, TypeError, "code 4"),
    "axes": ({"ndim": 65}, ValueError, "65 axes"),
    "no axes": ({"ndim": -1}, ValueError, "-1 axes"),
    "a negative size": ({"shape": (-3, 4)}, ValueError, "negative size"),
}


@KINDS
@pytest.mark.parametrize(("changes", "error", "message"), BROKEN.values(), ids=BROKEN)
def test_what_cannot_be_read_is_given_back_all_the_same(changes, error, message, versioned):
    producer = Producer(values(), versioned=versioned, **changes)
    with pytest.raises(error, match=message):
        _core.from_dlpack(producer, "x")
    gc.collect()
    assert producer.deleted == 1
    assert all(name.startswith("used_") for name in producer.names)


def test_another_major_version_is_given_back():
    producer = Producer(values(), version=(2, 0))
    with pytest.raises(TypeError, match="speaks DLPack 2"):
        as_real(producer, "x")
    assert producer.deleted == 1


def test_another_device_is_never_asked_for_its_tensor():
    rocm = 10
    producer = Producer(values(), device=rocm)
    with pytest.raises(TypeError, match=r"x is not in the memory of the CPU .* x\.cpu\(\)"):
        fastcca.cca(producer, values())
    assert producer.capsules == []


def test_a_capsule_is_consumed_once():
    producer = Producer(values())
    capsule = producer.__dlpack__()

    class Again:
        def __dlpack_device__(self):
            return (1, 0)

        def __dlpack__(self, **_):
            return capsule

    first = as_real(Again(), "x")
    with pytest.raises(TypeError, match="no unused DLPack capsule"):
        as_real(Again(), "x")
    del first
    gc.collect()
    assert producer.deleted == 1


class Refusing:
    """A producer that does not export, with or without another way."""

    def __init__(self, error):
        self.error = error

    def __dlpack_device__(self):
        return (1, 0)

    def __dlpack__(self, **_):
        raise self.error


def test_a_refusal_of_the_producer_comes_through():
    for error in (BufferError("no export"), TypeError("no export"), KeyError("no export")):
        with pytest.raises(type(error), match="no export"):
            as_real(Refusing(error), "x")


def test_another_way_is_taken_where_there_is_one():
    class WithArray(Refusing):
        def __array__(self, dtype=None, copy=None):
            return values()

    np.testing.assert_array_equal(as_real(WithArray(BufferError()), "x"), values())


@pytest.mark.parametrize("attribute", ["requires_grad", "is_conj", "is_neg"])
def test_tensors_that_are_more_than_their_memory(attribute):
    producer = Producer(values())
    setattr(producer, attribute, True if attribute == "requires_grad" else lambda: True)
    with pytest.raises(TypeError, match=r"x is a tensor whose values .* pass x\.\w+\(\)"):
        as_real(producer, "x")
    assert producer.capsules == []


def test_no_tensor_outlives_its_use():
    x, y = (bfloat16(values().astype(np.float32)) for _ in range(2))
    state = fastcca.Moments()
    state.update(x, y)
    fastcca.cca(x, y)
    with pytest.raises(ValueError, match="samples"):
        fastcca.cca(x, values()[:-1])
    gc.collect()
    assert (x.deleted, y.deleted) == (3, 2)
    assert pickle.loads(pickle.dumps(state)).n_samples == 30


# --- PyTorch --------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def torch():
    return pytest.importorskip("torch", reason="PyTorch is not installed")


@pytest.mark.parametrize("dtype", ["bfloat16", *DTYPES])
def test_tensors_of_pytorch(torch, dtype):
    x = torch.from_numpy(values()).to(getattr(torch, dtype))
    y = torch.from_numpy(small_integers(30, 3, seed=2)).to(getattr(torch, dtype))
    found = fastcca.cca(x, y)
    expected = fastcca.cca(x.double().numpy(), y.double().numpy())
    np.testing.assert_allclose(found.correlations, expected.correlations, atol=1e-12)


def test_a_tensor_of_pytorch_is_not_copied(torch):
    x = torch.arange(60).reshape(20, 3).to(torch.bfloat16)
    found = as_real(x[::2, 1:], "x")
    x[2, 1] = 7.0
    assert with_numbers(found)[1, 0] == 7.0
    del x
    gc.collect()
    assert with_numbers(found)[1, 0] == 7.0


def test_tensors_of_pytorch_that_are_more_than_their_memory(torch):
    x = torch.ones(5, 3, requires_grad=True)
    with pytest.raises(TypeError, match=r"x\.detach\(\)"):
        fastcca.cca(x, x)
    z = torch.ones(5, 3, dtype=torch.complex64)
    with pytest.raises(TypeError, match=r"x\.resolve_conj\(\)"):
        fastcca.cca(z.conj(), z)
    with pytest.raises(TypeError, match=r"x\.resolve_neg\(\)"):
        fastcca.cca(z.conj().imag, z)
    with pytest.raises(TypeError, match="to_dense"):
        fastcca.cca(torch.ones(5, 3).to_sparse(), z)
    with pytest.raises(TypeError, match=r"\.cpu\(\)"):
        fastcca.cca(torch.ones(5, 3, device="meta"), z)
