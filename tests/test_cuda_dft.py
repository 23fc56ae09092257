"""fastcca.dft_cca of maps on CUDA devices: transformed, accumulated and solved there."""

import gc
import operator

import numpy as np
import pytest

import cuda_arrays
import fastcca
from cuda_arrays import ByDlpack, ByInterface
from dlpack_producer import BFLOAT
from fastcca._runtime import device_array as _device

pytestmark = pytest.mark.skipif(not cuda_arrays.IS_USABLE, reason="CUDA cannot be used here")
only_on_standin = pytest.mark.skipif(
    not cuda_arrays.IS_STANDIN, reason="failures on demand need the stand-in for CUDA"
)


@pytest.fixture(autouse=True)
def nothing_is_left_over(monkeypatch):
    """Every test gives back what it took; none copies values of maps to the host."""
    monkeypatch.delenv("FASTCCA_BACKEND", raising=False)

    def refuse(self):
        raise AssertionError(f"{self!r} was copied to the host")

    monkeypatch.setattr(_device.DeviceArray, "on_host", refuse)
    yield
    if cuda_arrays.IS_STANDIN:
        cuda_arrays.fail_nothing()
        gc.collect()
        assert cuda_arrays.live("fourier plans") == 0


def maps(x_grid=(4, 6), y_grid=(4, 6), n=60, dtype=np.float32):
    rng = np.random.default_rng(11)
    height, width = (max(sizes) for sizes in zip(x_grid, y_grid, strict=True))
    images = rng.normal(size=(n, height, width, 3)) * 3 + 1
    x = images[:, : x_grid[0], : x_grid[1]] + rng.normal(size=(n, *x_grid, 3))
    y = images[:, : y_grid[0], : y_grid[1], :2] + rng.normal(size=(n, *y_grid, 2))
    return x.astype(dtype), y.astype(dtype)


def assert_same(found, expected, atol):
    np.testing.assert_array_equal(found.frequencies, expected.frequencies)
    np.testing.assert_array_equal(found.ranks, expected.ranks)
    np.testing.assert_allclose(found.correlations, expected.correlations, rtol=0, atol=atol)


@pytest.mark.parametrize("of", [ByDlpack, ByInterface])
@pytest.mark.parametrize(
    ("dtype", "atol"),
    [(np.float16, 1e-5), (np.float32, 1e-5), (np.float64, 1e-11), (np.int8, 1e-11)],
)
def test_dtypes(of, dtype, atol):
    x, y = maps(dtype=dtype)
    assert_same(fastcca.dft_cca(of(x), of(y)), fastcca.dft_cca(x, y, backend="cpu"), atol)


def test_bfloat16():
    x, y = maps()
    bits = (x.view(np.uint32) >> 16).astype(np.uint16)
    rounded = (bits.astype(np.uint32) << 16).view(np.float32)
    found = fastcca.dft_cca(ByDlpack(bits, code=BFLOAT), ByDlpack(y))
    np.testing.assert_allclose(
        found.correlations, fastcca.dft_cca(rounded, y, backend="cpu").correlations, atol=1e-5
    )


# Where a grid is larger, some frequencies are stored as their mirror image alone.
GRIDS = [((6, 8), (4, 4)), ((4, 4), (7, 5)), ((5, 8), (6, 4)), ((4, 1), (6, 1)), ((1, 1), (3, 4))]


@pytest.mark.parametrize(("x_grid", "y_grid"), GRIDS, ids=str)
def test_grids_and_weights(x_grid, y_grid):
    x, y = maps(x_grid, y_grid, dtype=np.float64)
    found = fastcca.dft_cca(ByDlpack(x), ByDlpack(y), weights=True)
    expected = fastcca.dft_cca(x, y, weights=True, backend="cpu")
    assert_same(found, expected, 1e-11)
    np.testing.assert_allclose(np.abs(found.x_weights), np.abs(expected.x_weights), atol=1e-9)
    np.testing.assert_allclose(np.abs(found.y_weights), np.abs(expected.y_weights), atol=1e-9)


VIEWS = {
    "channels first": (lambda a: a.transpose(0, 3, 1, 2), lambda a: a, "NCHW"),
    "crop": (lambda a: a, lambda a: a[:, 1:4, 2:], "NHWC"),
    "reversed": (lambda a: a, lambda a: a[::-1, ::-1, ::-1, ::-1], "NHWC"),
    "channels in the middle": (lambda a: a.transpose(1, 3, 0, 2), lambda a: a, "HCNW"),
}


@pytest.mark.parametrize(("stored", "view", "layout"), VIEWS.values(), ids=VIEWS)
def test_strides(stored, view, layout):
    x, y = (np.ascontiguousarray(stored(a)) for a in maps())
    found = fastcca.dft_cca(ByDlpack(x, view), ByDlpack(y, view), layout=layout)
    assert_same(found, fastcca.dft_cca(view(x), view(y), layout=layout, backend="cpu"), 1e-5)


def test_division_into_blocks_changes_nothing(monkeypatch):
    x, y = maps(y_grid=(6, 4), dtype=np.float64)
    expected = fastcca.dft_cca(x, y, backend="cuda")
    monkeypatch.setattr("fastcca._fourier.spectra._DEVICE_BLOCK_BYTES", 20_000)  # some maps
    for pair in ((x, y), (ByDlpack(x), ByDlpack(y))):
        assert_same(fastcca.dft_cca(*pair, backend="cuda"), expected, 1e-12)


def test_values_that_are_not_finite(monkeypatch):
    monkeypatch.undo()  # the place is looked for on the host
    x, y = maps()
    y[37, 1, 2, 1] = np.inf
    with pytest.raises(ValueError, match=r"y has 1 value .* is inf at y\[37, 1, 2, 1\] \(NHWC\)"):
        fastcca.dft_cca(ByDlpack(x), ByDlpack(y))


@only_on_standin
def test_memory_does_not_grow_with_the_samples(monkeypatch):
    x, y = maps((2, 3), (2, 3), n=20_000)
    little = fastcca.dft_cca(x[:50], y[:50], backend="cuda")
    cuda_arrays.limit_memory(cuda_arrays.live("bytes") + 3 * x.nbytes)
    try:
        with pytest.raises(MemoryError):
            fastcca.dft_cca(x, y, backend="cuda")
        monkeypatch.setattr("fastcca._fourier.spectra._DEVICE_BLOCK_BYTES", 2_000_000)
        found = fastcca.dft_cca(x, y, backend="cuda")
    finally:
        cuda_arrays.limit_memory(4 * 2**30)
    assert found.n_samples == len(x)
    np.testing.assert_array_equal(found.frequencies, little.frequencies)


@only_on_standin
def test_wherever_memory_runs_out_nothing_is_left_over():
    x, y = (ByDlpack(a) for a in maps((2, 2), (2, 2)))
    expected = fastcca.dft_cca(x, y).correlations
    gc.collect()
    before = cuda_arrays.live("blocks")
    out_of_memory, failed = 2, 0
    for skip in range(0, 4000, 41):
        cuda_arrays.fail("allocation", skip=skip, count=-1, status=out_of_memory)
        try:
            found = fastcca.dft_cca(x, y).correlations
            break
        except MemoryError:
            failed += 1
        finally:
            cuda_arrays.fail_nothing()
            gc.collect()
            assert cuda_arrays.live("blocks") == before
            assert cuda_arrays.live("fourier plans") == 0
    assert failed > 3
    np.testing.assert_array_equal(found, expected)


@only_on_standin
@pytest.mark.parametrize(
    ("call", "status", "error", "text"),
    [
        ("cufftCreate", 7, RuntimeError, "cufftCreate failed: CUFFT_SETUP_FAILED.*(7)"),
        ("cufftMakePlanMany64", 2, MemoryError, "cufftMakePlanMany64"),
        ("cufftMakePlanMany64", 8, RuntimeError, "CUFFT_INVALID_SIZE, the size .*(8)"),
        ("cufftSetStream", 1, RuntimeError, "cufftSetStream failed: CUFFT_INVALID_PLAN"),
        ("cufftSetWorkArea", 4, RuntimeError, "cufftSetWorkArea failed: CUFFT_INVALID_VALUE"),
        ("cufftExecR2C", 6, RuntimeError, "cufftExecR2C failed: CUFFT_EXEC_FAILED"),
    ],
)
def test_statuses(call, status, error, text):
    cuda_arrays.fail(call, status=status)
    with pytest.raises(error, match=text):
        fastcca.dft_cca(*maps(), backend="cuda")


@pytest.mark.parametrize("values", ["x", "integers"])
def test_only_the_sign_of_numbers_is_changed(values):
    x, _ = maps()
    on_device = _device.on_device(ByDlpack(x if values == "x" else x.astype(np.int32)), "x")
    with pytest.raises(TypeError, match="x lies on CUDA device 0"):
        operator.neg(on_device if values == "x" else on_device[:, 0, 0])
