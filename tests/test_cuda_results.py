"""Matrices of results that stay on CUDA devices, and how other libraries get hold of them.

On a device, or on the stand-in for CUDA (CONTRIBUTING.md says how to start it).
"""

import gc
import pickle

import numpy as np
import pytest

import cuda_arrays
import fastcca
from cases import small_integers
from cuda_arrays import ByDlpack, ByInterface, Copies
from dlpack_consumer import Consumed
from dlpack_producer import BFLOAT, CUDA
from fastcca import DeviceArray
from fastcca._measures import projection as _linear_map

pytestmark = pytest.mark.skipif(not cuda_arrays.IS_USABLE, reason="CUDA cannot be used here")

N, P, Q = 300, 6, 4
X = small_integers(N, P, seed=1)
Y = np.tanh(X[:, :Q] / 40) * 30 + small_integers(N, Q, seed=2)
Z, W = X[:, ::2] + 1j * X[:, 1::2], Y[:, ::2] - 1j * Y[:, 1::2]
MATRICES = ("x_weights", "y_weights", "x_loadings", "y_loadings", "components")


@pytest.fixture(autouse=True)
def all_memory_is_given_back(monkeypatch):
    monkeypatch.delenv("FASTCCA_BACKEND", raising=False)
    if not cuda_arrays.IS_STANDIN:
        yield
        return
    fastcca.cca(X, Y, backend="cuda")  # makes the backend
    before = alive()
    yield
    assert alive() == before


def alive():
    gc.collect()
    cuda_arrays.synchronize()
    kinds = ("blocks", "streams", "events", "blas handles", "solver handles")
    return {kind: cuda_arrays.live(kind) for kind in kinds}


def state_of(*arrays):
    state = fastcca.Moments()
    state.update(*(ByDlpack(array) for array in arrays))
    return state


def factor_of(*arrays):
    factor = fastcca.QRFactor()
    factor.update(*(ByDlpack(array) for array in arrays))
    return factor


ILL = np.hstack([Z, Z[:, :1] + 1e-7 * W[:, :1]])
DEAD = np.hstack([X, np.full((N, 1), 3.0)])
CASES = {
    "moments": lambda o: fastcca.cca(ByDlpack(X), ByDlpack(Y), **o),
    "interface": lambda o: fastcca.cca(ByInterface(X), ByInterface(Y), **o),
    "host arrays": lambda o: fastcca.cca(X, Y, backend="cuda", **o),
    "qr": lambda o: fastcca.cca(ByDlpack(X), ByDlpack(Y), method="qr", **o),
    "state": lambda o: fastcca.cca(state_of(X, Y), **o),
    "factor": lambda o: fastcca.cca(factor_of(X, Y), **o),
    "complex": lambda o: fastcca.cca(ByDlpack(Z), ByDlpack(W), **o),
    "complex, by the reference": lambda o: fastcca.cca(ByDlpack(ILL), ByDlpack(W), **o),
    "out of range": lambda o: fastcca.cca(ByDlpack(X * 1e300), ByDlpack(Y), **o),
    "svcca": lambda o: fastcca.svcca(ByDlpack(X), ByDlpack(Y), keep=3, **o),
    "pls": lambda o: fastcca.pls(ByDlpack(X), ByDlpack(Y), **o),
    "pca": lambda o: fastcca.pca(ByDlpack(X), **o),
    "pca of a factor": lambda o: fastcca.pca(factor_of(X), **o),
    "pca with a dead feature": lambda o: fastcca.pca(ByDlpack(DEAD), **o),
    "wide": lambda o: fastcca.cca(ByDlpack(X[:5]), ByDlpack(Y[:5]), **o),
    "wide pls": lambda o: fastcca.pls(ByDlpack(X[:5]), ByDlpack(Y[:5]), **o),
    "wide pca": lambda o: fastcca.pca(ByDlpack(X[:5]), **o),
}


@pytest.mark.filterwarnings("ignore::fastcca.RankWarning")
@pytest.mark.parametrize("call", CASES.values(), ids=CASES)
def test_matrices_are_those_of_numpy(call):
    found, expected = call({"output": "device"}), call({})
    assert type(found) is type(expected)
    for name in type(expected).__dataclass_fields__:
        there, value = getattr(found, name), getattr(expected, name)
        if name not in MATRICES:
            assert type(there) is type(value)
            np.testing.assert_equal(there, value)
            continue
        assert type(value) is np.ndarray
        assert type(there) is DeviceArray
        assert (there.shape, there.dtype, there.device) == (value.shape, value.dtype, 0)
        assert type(there.numpy()) is np.ndarray
        np.testing.assert_allclose(there.numpy(), value, rtol=1e-9, atol=1e-12)


def test_no_weights_and_no_variates():
    result = fastcca.cca(ByDlpack(X), ByDlpack(Y), weights=False, output="device")
    assert result.x_weights is None
    constant = np.ones((N, 2))
    with pytest.warns(fastcca.RankWarning):
        result = fastcca.cca(ByDlpack(constant), ByDlpack(Y), output="device")
    assert result.x_weights.shape == (2, 0)
    assert result.variates(ByDlpack(constant), ByDlpack(Y))[1].shape == (N, 0)
    assert result.x_weights.numpy().shape == (2, 0)
    tensor = Consumed(result.x_weights.__dlpack__())
    assert tensor.shape == (2, 0)
    tensor.give_back()


# --- samples --------------------------------------------------------------------------------------

SAMPLES = {
    "float64": (X, ByDlpack),
    "float16": (X.astype(np.float16), ByDlpack),
    "int8": (X.astype(np.int8), ByInterface),
    "strided": (X, lambda a: ByDlpack(np.repeat(a, 3, axis=0), lambda w: w[::3])),
    "transposed": (X, lambda a: ByInterface(a.T, lambda w: w.T)),
}


@pytest.mark.parametrize("output", ["numpy", "device"])
@pytest.mark.parametrize("weights", ["numpy", "device"])
@pytest.mark.parametrize(("samples", "of"), SAMPLES.values(), ids=SAMPLES)
def test_samples_are_multiplied_where_they_lie(samples, of, weights, output, monkeypatch):
    monkeypatch.setattr(_linear_map, "_NUMBERS_AT_A_TIME", 500)  # several parts
    result = fastcca.cca(of(samples), ByDlpack(Y), output=weights)
    expected = fastcca.cca(X, Y, backend="cpu")
    signs = np.sign(np.sum(expected.x_weights * _host(result.x_weights), axis=0))
    x, y = result.variates(of(samples), ByDlpack(Y), output=output)
    wanted_x, wanted_y = expected.variates(X, Y)
    for found, wanted in ((x, wanted_x * signs), (y, wanted_y * signs)):
        assert isinstance(found, DeviceArray if output == "device" else np.ndarray)
        np.testing.assert_allclose(_host(found), wanted, atol=1e-10)
    for k in (0, 2, Q):
        found = result.project(of(samples), k, output=output)
        np.testing.assert_allclose(_host(found), expected.project(X, k), atol=1e-9)
    pls = fastcca.pls(of(samples), ByDlpack(Y), output=weights)
    found = pls.project(ByDlpack(Y), 2, side="y", output=output)
    np.testing.assert_allclose(
        _host(found), fastcca.pls(X, Y, backend="cpu").project(Y, 2, side="y"), atol=1e-9
    )
    pca = fastcca.pca(of(samples), output=weights)
    found = pca.project(of(samples), 3, output=output)
    np.testing.assert_allclose(_host(found), fastcca.pca(X, backend="cpu").project(X, 3), atol=1e-9)


def _host(array):
    return array.numpy() if isinstance(array, DeviceArray) else array


def test_bfloat16():
    x = ByDlpack((X.astype(np.float32).view(np.uint32) >> 16).astype(np.uint16), code=BFLOAT)
    result = fastcca.cca(ByDlpack(X), ByDlpack(Y))
    np.testing.assert_allclose(result.variates(x, Y)[0], result.variates(X, Y)[0], atol=1e-12)


def test_large_means_lose_nothing():
    offset = 1e9
    result = fastcca.cca(ByDlpack(X + offset), ByDlpack(Y))
    found, _ = result.variates(ByDlpack(X + offset), ByDlpack(Y))
    np.testing.assert_allclose(found.std(axis=0, ddof=1), 1.0, rtol=1e-6)
    np.testing.assert_allclose(found.mean(axis=0), 0.0, atol=1e-6)


@pytest.mark.parametrize("output", ["numpy", "device"])
def test_complex_samples(output):
    result = fastcca.cca(ByDlpack(Z), ByDlpack(W), output=output)
    on_host = fastcca.cca(Z, W, backend="numpy")
    for samples in (Z + 3j, Z.real.copy()):  # real ones are complex ones too
        here, _ = fastcca.cca(ByDlpack(Z), ByDlpack(W)).variates(samples, W)
        there, _ = result.variates(ByDlpack(samples), ByDlpack(W), output=output)
        assert there.dtype == np.complex128
        np.testing.assert_allclose(_host(there), here, atol=1e-12)
        projected = result.project(ByDlpack(samples), 1, output=output)
        np.testing.assert_allclose(_host(projected), on_host.project(samples, 1), atol=1e-9)


# --- other libraries ------------------------------------------------------------------------------


def weights_there():
    return fastcca.cca(ByDlpack(X), ByDlpack(Y), output="device").x_weights


@pytest.mark.parametrize("max_version", [None, (0, 8), (1, 0), (2, 3)])
def test_dlpack(max_version):
    weights = weights_there()
    expected, shape, strides = weights.numpy(), weights.shape, (1, P)
    assert weights.__dlpack_device__() == (CUDA, 0)
    copies = Copies()
    tensor = Consumed(weights.__dlpack__(stream=copies.stream, max_version=max_version))
    versioned = max_version is not None and max_version >= (1,)
    assert tensor.name == ("dltensor_versioned" if versioned else "dltensor")
    assert tensor.version == ((1, 0) if versioned else None)
    assert (tensor.device, tensor.dtype, tensor.flags) == ((CUDA, 0), (2, 64, 1), 0)
    assert (tensor.shape, tensor.strides) == (shape, strides)
    del weights  # the consumer keeps the memory
    gc.collect()
    found = copies.begin(tensor.address, expected.size)
    copies.finish()
    np.testing.assert_array_equal(found.reshape(shape, order="F"), expected)
    tensor.give_back()
    copies.close()


def test_the_consumers_stream_waits_and_so_does_giving_back():
    expected = fastcca.cca(X, Y, backend="cuda").x_weights
    result = fastcca.cca(X, Y, backend="cuda", output="device")
    copies = Copies()
    tensor = Consumed(result.x_weights.__dlpack__(stream=copies.stream))
    found = copies.begin(tensor.address, expected.size)
    del result
    tensor.give_back()  # while the copy may not have begun
    fastcca.cca(X, Y, backend="cuda")  # may take the memory for something else
    copies.finish()
    np.testing.assert_allclose(found.reshape(P, Q, order="F"), expected, rtol=1e-9)
    copies.close()


def test_parts_of_it():
    weights = weights_there()
    expected = weights.numpy()
    for key in (np.s_[1:, ::2], np.s_[0], np.s_[::-1, 1]):
        part = weights[key]
        np.testing.assert_array_equal(part.numpy(), expected[key])
        tensor = Consumed(part.__dlpack__())
        assert tensor.shape == expected[key].shape
        assert tensor.strides == tuple(s // 8 for s in part.strides)
        tensor.give_back()
    np.testing.assert_array_equal(weights.T.numpy(), expected.T)


def test_capsules_that_nobody_takes_give_back():
    weights = weights_there()
    weights.__dlpack__()
    weights.__dlpack__(max_version=(1, 0), stream=-1)


def test_cuda_array_interface():
    weights = weights_there()
    interface = weights.__cuda_array_interface__
    tensor = Consumed(weights.__dlpack__())
    assert interface["data"] == (tensor.address, False)
    assert interface["strides"] == (8, 8 * P)
    assert interface["stream"] > 2
    tensor.give_back()

    class Other:
        __cuda_array_interface__ = interface

    state = fastcca.Moments()
    state.update(Other())
    np.testing.assert_allclose(state.mean("x"), weights.numpy().mean(axis=0), rtol=1e-12)


def test_every_function_takes_it_for_samples():
    result = fastcca.cca(ByDlpack(X), ByDlpack(Y), output="device")
    x, y = result.variates(ByDlpack(X), ByDlpack(Y), output="device")
    again = fastcca.cca(x, y)
    np.testing.assert_allclose(again.correlations, result.correlations, rtol=1e-9)


def test_a_pickle_is_one_of_numpy():
    weights = weights_there()
    fresh = pickle.loads(pickle.dumps(weights))
    assert type(fresh) is np.ndarray
    np.testing.assert_array_equal(fresh, weights.numpy())


def test_what_cannot_be_had():
    weights = weights_there()
    with pytest.raises(TypeError, match=r"x_weights lies on CUDA device 0.*x_weights\.numpy\(\)"):
        np.asarray(weights)
    with pytest.raises(TypeError):
        X @ weights
    with pytest.raises(BufferError, match=r"without a copy.*x_weights\.numpy\(\)"):
        weights.__dlpack__(copy=True)
    with pytest.raises(BufferError, match="lies on CUDA device 0"):
        weights.__dlpack__(dl_device=(1, 0))
    with pytest.raises(ValueError, match="stream=0 is forbidden"):
        weights.__dlpack__(stream=0)
    result = fastcca.cca(ByDlpack(X), ByDlpack(Y), output="device")
    with pytest.raises(ValueError, match=r"output='device'.* x lies in the memory of the CPU"):
        result.variates(X, Y, output="device")
    with pytest.raises(ValueError, match=r"x has 4 features, but 6"):
        result.variates(ByDlpack(Y), ByDlpack(Y), output="device")
