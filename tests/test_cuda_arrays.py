"""Arrays on CUDA devices, read where they lie and on the right stream.

On a device, or on the stand-in for CUDA (CONTRIBUTING.md says how to start it).
"""

import gc
import pickle
import signal
import warnings

import numpy as np
import pytest

import cuda_arrays
import fastcca
from cases import small_integers
from cuda_arrays import ByDlpack, ByInterface
from dlpack_producer import BFLOAT
from fastcca._runtime.device_array import DeviceArray

pytestmark = pytest.mark.skipif(not cuda_arrays.IS_USABLE, reason="CUDA cannot be used here")
only_on_standin = pytest.mark.skipif(
    not cuda_arrays.IS_STANDIN, reason="failures on demand need the stand-in for CUDA"
)

N = 300
X, Y = small_integers(N, 6, seed=1), small_integers(N, 4, seed=2)
both_protocols = pytest.mark.parametrize("of", [ByDlpack, ByInterface])


@pytest.fixture(autouse=True)
def nothing_is_left_over(monkeypatch):
    """Every test gives back what it took, but for what the backend itself keeps."""
    monkeypatch.delenv("FASTCCA_BACKEND", raising=False)
    if not cuda_arrays.IS_STANDIN:
        yield
        return
    fastcca.cca(X, Y, backend="cuda")  # makes the backend
    gc.collect()
    kinds = ("streams", "events", "blas handles", "solver handles")
    before = {kind: cuda_arrays.live(kind) for kind in kinds}
    yield
    cuda_arrays.fail_nothing()
    gc.collect()
    assert {kind: cuda_arrays.live(kind) for kind in kinds} == before


@both_protocols
@pytest.mark.parametrize(
    "dtype", ["float16", "float32", "float64", "int8", "int32", "int64", "uint8", "bool"]
)
def test_dtypes(of, dtype):
    x, y = np.abs(X).astype(dtype), np.abs(Y).astype(dtype)
    found = fastcca.cca(of(x), of(y))
    expected = fastcca.cca(x, y, backend="cpu")
    np.testing.assert_allclose(found.correlations, expected.correlations, atol=1e-12)
    np.testing.assert_allclose(found.x_mean, expected.x_mean, rtol=1e-14)
    assert type(found.correlations) is np.ndarray


@both_protocols
@pytest.mark.parametrize("dtype", ["complex64", "complex128"])
def test_complex_dtypes(of, dtype):
    x, y = (X[:, ::2] + 1j * X[:, 1::2]).astype(dtype), (Y[:, ::2] - 1j * Y[:, 1::2]).astype(dtype)
    found = fastcca.cca(of(x), of(y))
    expected = fastcca.cca(x, y, backend="cpu")
    np.testing.assert_allclose(found.correlations, expected.correlations, atol=1e-12)


def test_bfloat16():
    x = ByDlpack((X.astype(np.float32).view(np.uint32) >> 16).astype(np.uint16), code=BFLOAT)
    y = ByDlpack(Y)
    found = fastcca.cca(x, y)
    np.testing.assert_allclose(
        found.correlations, fastcca.cca(X, Y, backend="cpu").correlations, atol=1e-12
    )


VIEWS = {
    "sliced": lambda a: a[::3, ::2],
    "negative": lambda a: a[::-1, ::-1],
    "transposed": lambda a: a.reshape(-1, N).T[:, :4],
    "within": lambda a: a[7:, 1:],
    "repeated": lambda a: np.broadcast_to(a[:1], a.shape),
}


@both_protocols
@pytest.mark.parametrize("view", VIEWS.values(), ids=VIEWS)
def test_strides(of, view):
    state = fastcca.Moments()
    state.update(of(X.astype(np.float32), view))
    seen = view(X)
    np.testing.assert_allclose(state.mean("x"), seen.mean(axis=0), atol=1e-12)
    np.testing.assert_allclose(
        state.covariance("x", "x"), np.cov(seen.T), atol=1e-12 * np.square(X).max()
    )


MEASURES = {
    "svcca": lambda x, y, **o: fastcca.svcca(x, y, **o).correlations,
    "pwcca": lambda x, y, **o: fastcca.pwcca(x, y, **o).value,
    "pls": lambda x, y, **o: fastcca.pls(x, y, **o).singular_values,
    "pca": lambda x, y, **o: fastcca.pca(x, **o).explained_variance,
    "cka": fastcca.cka,
    "debiased cka": lambda x, y, **o: fastcca.cka(x, y, debiased=True, **o),
    "procrustes": fastcca.procrustes,
    "linear_regression_r2": fastcca.linear_regression_r2,
    "compare": lambda x, y, **o: list(fastcca.compare(x, y, **o).values()),
    "pairwise": lambda x, y, **o: fastcca.pairwise({"a": x}, {"b": y}, **o).values,
    "qr": lambda x, y, **o: fastcca.cca(x, y, method="qr", **o).correlations,
    "single": lambda x, y, **o: fastcca.cca(x, y, precision="single", **o).correlations,
}


@both_protocols
@pytest.mark.parametrize("measure", MEASURES.values(), ids=MEASURES)
def test_measures(of, measure):
    rng = np.random.default_rng(5)
    y = (X[:, :4] + rng.normal(size=Y.shape) * 20).astype(np.float32)
    tolerance = 1e-5 if measure is MEASURES["single"] else 1e-11
    expected = measure(X, y, backend="cpu")
    np.testing.assert_allclose(measure(of(X), of(y)), expected, rtol=tolerance, atol=tolerance)
    np.testing.assert_allclose(
        measure(X, y, backend="cuda"), expected, rtol=tolerance, atol=tolerance
    )


@both_protocols
@pytest.mark.parametrize("spatial", ["fold", "pool", "flatten", "resize"])
@pytest.mark.parametrize("layout", ["NHWC", "NCHW"])
def test_maps(of, spatial, layout):
    maps = np.random.default_rng(3).normal(size=(400, 3, 4, 2)).astype(np.float32)
    axes = [0, 1, 2, 3] if layout == "NHWC" else [0, 3, 1, 2]
    x, y = maps.transpose(axes), np.tanh(maps[..., ::-1] * 2 + maps).transpose(axes)
    options = {"layout": layout, "spatial": spatial}
    found = fastcca.cca(of(x), of(y), **options)
    expected = fastcca.cca(x, y, backend="cpu", **options)
    np.testing.assert_allclose(found.correlations, expected.correlations, atol=1e-6)
    if spatial == "fold":
        found = fastcca.dft_cca(of(x), of(y), layout=layout)
        expected = fastcca.dft_cca(x, y, layout=layout, backend="cpu")
        np.testing.assert_allclose(found.correlations, expected.correlations, atol=1e-5)


@both_protocols
@pytest.mark.parametrize(
    "measure",
    ["cca", "svcca", "pwcca", "pls", "pca", "cka", "procrustes", "linear_regression_r2"],
)
def test_few_samples_stay_on_the_device(of, measure, monkeypatch):
    """More features than samples, on one side or both; nothing copies the samples to the host."""
    rng = np.random.default_rng(5)
    x, y = rng.normal(size=(20, 70)).astype("f4"), rng.normal(size=(20, 7))
    calculate = getattr(fastcca, measure)
    options = {"keep": 4} if measure == "svcca" else {}
    args = (x,) if measure == "pca" else (x, y)
    monkeypatch.setattr(DeviceArray, "on_host", lambda _: pytest.fail("copied to the host"))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", fastcca.RankWarning)
        found = calculate(*(of(a) for a in args), **options)
        expected = calculate(*args, **options, backend="cpu")
    for name in ("correlations", "singular_values", "value"):
        if hasattr(expected, name):
            found, expected = getattr(found, name), getattr(expected, name)
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-10)


@both_protocols
def test_what_needs_the_samples_copies_them(of):
    result = fastcca.cca(of(X), of(Y))
    np.testing.assert_allclose(result.project(of(X), 2), result.project(X, 2))
    test = fastcca.permutation_test(of(X), of(Y), n_permutations=19, seed=1)
    expected = fastcca.permutation_test(X, Y, n_permutations=19, seed=1, backend="cpu")
    np.testing.assert_allclose(test.null, expected.null, atol=1e-10)
    huge = fastcca.cca(of(X * 1e300), of(Y))
    np.testing.assert_allclose(huge.correlations, result.correlations, atol=1e-12)


# --- where states live ----------------------------------------------------------------------------


@both_protocols
def test_a_state_follows_its_first_batch(of):
    for state in (fastcca.Moments(), fastcca.QRFactor()):
        state.update(of(X), of(Y))
        assert state._place == "cuda:0"
        state.update(X, Y)  # of the host, to a state on the device
        assert state.n_samples == 2 * N
        fresh = pickle.loads(pickle.dumps(state))
        assert fresh._place == "cpu"
        fresh.merge(state)
        state.merge(fresh)
        assert state.n_samples == 6 * N
        np.testing.assert_allclose(
            fastcca.cca(state).correlations, fastcca.cca(X, Y, backend="cpu").correlations
        )
        np.testing.assert_allclose(
            fastcca.cca(state, backend="cpu").correlations, fastcca.cca(fresh).correlations
        )
        np.testing.assert_allclose(
            fastcca.cca(state.pair("y", "x"), backend="numpy").correlations,
            fastcca.cca(fresh, backend="cuda").correlations,
        )


@both_protocols
def test_a_state_of_the_cpu_reads_no_device(of):
    state = fastcca.Moments(backend="cpu")
    with pytest.raises(TypeError, match=r'x lies on CUDA device 0.*backend="cuda".*x\.cpu\(\)'):
        state.update(of(X), of(Y))
    assert state.n_samples == 0
    state = fastcca.Moments()
    state.update(X, Y)
    with pytest.raises(TypeError, match="x lies on CUDA device 0"):
        state.update(of(X), of(Y))
    assert state.n_samples == N


@both_protocols
@pytest.mark.parametrize("backend", ["cpu", "numpy"])
def test_other_backends_read_no_device(of, backend):
    with pytest.raises(TypeError, match=rf"x lies on CUDA device 0.*backend='{backend}'.*x\.cpu"):
        fastcca.cca(of(X), of(Y), backend=backend)


@both_protocols
def test_arrays_in_different_places(of):
    state = fastcca.Moments()
    for call in (fastcca.cca, fastcca.compare, fastcca.cka, state.update):
        with pytest.raises(TypeError, match=r"x on CUDA device 0, y in the memory of the CPU"):
            call(of(X), Y)
    with pytest.raises(TypeError, match="different places"):
        fastcca.pairwise({"a": of(X)}, {"b": Y})
    with pytest.raises(TypeError, match="y on CUDA device 0"):
        fastcca.cca(X, of(Y), backend="cuda")


def test_there_is_one_device():
    with pytest.raises(ValueError, match=r"backend='cuda:7' is no CUDA device; there .* cuda:0"):
        fastcca.cca(X, Y, backend="cuda:7")
    config = fastcca.build_config()["cuda"]
    assert config["built"]
    assert config["usable"]
    assert config["devices"]
    assert config["runtime"] >= 13000
    assert fastcca.backends()[0] == "cuda"


# --- the protocols --------------------------------------------------------------------------------


def test_a_tensor_is_asked_for_on_our_stream_and_given_back():
    x, y = ByDlpack(X), ByDlpack(Y, versioned=False)
    fastcca.cca(x, y)
    gc.collect()
    assert (x.deleted, y.deleted) == (1, 1)
    assert len({*x.streams, *y.streams}) == 1
    assert x.streams[0] > 2  # a stream of our own, not a default one


@pytest.mark.parametrize("stream", [None, 1, 2])
def test_streams_of_the_array_interface(stream):
    x = ByInterface(X, stream=stream)
    state = fastcca.Moments()
    state.update(x)
    np.testing.assert_allclose(state.mean("x"), X.mean(axis=0), atol=1e-12)


def test_an_array_interface_that_breaks_the_protocol():
    with pytest.raises(ValueError, match=r"x\.__cuda_array_interface__ names stream 0"):
        fastcca.Moments().update(ByInterface(X, stream=0))
    with pytest.raises(TypeError, match="x is a masked array"):
        fastcca.Moments().update(ByInterface(X, mask=ByInterface(X > 0)))
    with pytest.raises(TypeError, match="its memory is on none"):
        fastcca.Moments().update(ByInterface(X, data=(X.ctypes.data, False)))
    with pytest.raises(TypeError, match="x has dtype"):
        fastcca.pca(ByInterface(X.astype(np.longdouble)))


@both_protocols
def test_values_that_are_not_finite(of):
    spoiled = X.copy()
    spoiled[7, 2] = np.nan
    state = fastcca.Moments()
    with pytest.raises(ValueError, match=r"x has 1 value that is not finite.*sample 7, feature 2"):
        state.update(of(spoiled), of(Y))
    assert state.n_samples == 0


def test_a_handler_of_a_signal_may_use_the_device_amid_a_call():
    large, other = small_integers(20_000, 60), small_integers(5000, 90)

    def covariance():
        state = fastcca.Moments(backend="cuda")
        state.update(large)
        return state.covariance("x", "x")

    def handler(*_):
        handled.append(fastcca.pca(other, backend="cuda").rank)
        signal.setitimer(signal.ITIMER_REAL, 0.005)

    expected, handled = covariance(), []
    before = signal.signal(signal.SIGALRM, handler)
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.005)
        while len(handled) < 5:
            np.testing.assert_array_equal(covariance(), expected)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert set(handled) == {90}


@only_on_standin
@both_protocols
def test_out_of_memory_leaves_a_usable_state(of):
    state = fastcca.Moments()
    state.update(of(X), of(Y))
    x, y = of(X), of(Y)
    out_of_memory = 2
    cuda_arrays.fail("allocation", count=-1, status=out_of_memory)
    with pytest.raises(MemoryError, match="bytes"):
        state.update(x, y)
    cuda_arrays.fail_nothing()
    assert state.n_samples == N
    fresh = fastcca.Moments()
    for _ in range(state.n_samples // N):
        fresh.update(x, y)
    np.testing.assert_array_equal(state.covariance("x", "y"), fresh.covariance("x", "y"))
