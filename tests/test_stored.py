"""Data sets in files, read some rows at a time: the numbers of arrays, in little memory."""

import tracemalloc

import h5py
import numpy as np
import pytest
import zarr
from safetensors import safe_open
from safetensors.numpy import save_file

import fastcca
from cases import BACKENDS
from fastcca._inputs import files as _stored

ROWS = 3000
FEATURES = 6


@pytest.fixture
def blocks():
    rng = np.random.default_rng(5)
    x = rng.normal(size=(ROWS, FEATURES)) + 3.0
    return x, x[:, :4] + rng.normal(size=(ROWS, 4))


@pytest.fixture
def small_batches(monkeypatch):
    """Of about 200 rows of two such blocks."""
    monkeypatch.setattr(_stored, "BATCH_BYTES", 200 * (FEATURES + 4) * 8)


def in_hdf5(arrays, folder, chunks=(128,)):
    file = h5py.File(folder / "layers.h5", "w")
    return [
        file.create_dataset(
            f"layer{i}", data=a, chunks=None if chunks is None else chunks + a.shape[1:]
        )
        for i, a in enumerate(arrays)
    ]


def in_zarr(arrays, folder, chunks=(128,)):
    out = []
    for i, a in enumerate(arrays):
        stored = zarr.create_array(
            str(folder / f"layer{i}.zarr"),
            shape=a.shape,
            dtype=a.dtype,
            chunks=a.shape if chunks is None else chunks + a.shape[1:],
        )
        stored[:] = a
        out.append(stored)
    return out


def in_safetensors(arrays, folder, chunks=None):
    path = folder / "layers.safetensors"
    save_file({f"layer{i}": np.ascontiguousarray(a) for i, a in enumerate(arrays)}, path)
    file = safe_open(path, framework="numpy")
    return [file.get_slice(f"layer{i}") for i in range(len(arrays))]


STORES = {"hdf5": in_hdf5, "zarr": in_zarr, "safetensors": in_safetensors}


class Watched:
    """A data set that notes which rows are read."""

    def __init__(self, array, chunks):
        self.array, self.chunks, self.read = array, chunks, []
        self.shape, self.dtype = array.shape, array.dtype

    def __getitem__(self, index):
        rows = index[0] if isinstance(index, tuple) else index
        self.read.append((rows.start, rows.stop))
        return self.array[index]


# --- the numbers ------------------------------------------------------------------------------


@pytest.mark.parametrize("store", STORES)
def test_measures_are_those_of_arrays(store, blocks, small_batches, tmp_path):
    x, y = STORES[store](blocks, tmp_path)
    measures = ("cca", "r2_cca", "svcca", "pwcca", "cka", "procrustes", "linear_regression_r2")
    expected = fastcca.compare(*blocks, measures)
    got = fastcca.compare(x, y, measures)
    for name in measures:
        assert got[name] == pytest.approx(expected[name], abs=1e-13)
    np.testing.assert_allclose(
        fastcca.pls(x, y).singular_values, fastcca.pls(*blocks).singular_values, rtol=1e-13
    )
    np.testing.assert_allclose(
        fastcca.pca(x).explained_variance, fastcca.pca(blocks[0]).explained_variance, rtol=1e-13
    )
    assert fastcca.cka(x, y, debiased=True) == pytest.approx(
        fastcca.cka(*blocks, debiased=True), abs=1e-13
    )


@pytest.mark.parametrize("store", STORES)
@pytest.mark.parametrize("method", ["moments", "qr"])
def test_both_routes(store, method, blocks, small_batches, tmp_path):
    x, y = STORES[store](blocks, tmp_path)
    got = fastcca.cca(x, y, method=method)
    assert got.method == method
    expected = fastcca.cca(*blocks, method=method).correlations
    np.testing.assert_allclose(got.correlations, expected, atol=1e-13)


def test_ill_conditioned_data_are_read_again(blocks, small_batches, tmp_path):
    x = blocks[0].copy()
    x[:, 1] = x[:, 0] + 1e-6 * x[:, 1]
    got = fastcca.cca(*in_hdf5((x, blocks[1]), tmp_path))
    assert got.method == "qr"
    np.testing.assert_allclose(got.correlations, fastcca.cca(x, blocks[1]).correlations, atol=1e-9)


def test_a_file_beside_an_array(blocks, small_batches, tmp_path):
    (x,) = in_zarr(blocks[:1], tmp_path)
    expected = fastcca.cca(*blocks).correlations
    np.testing.assert_allclose(fastcca.cca(x, blocks[1]).correlations, expected, atol=1e-13)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("shape", [(200, 5, 4, 3), (40, 5, 4, 3)])
@pytest.mark.parametrize("spatial", ["fold", "pool", "flatten", "resize"])
@pytest.mark.filterwarnings("ignore::fastcca.RankWarning")
def test_maps(spatial, shape, backend, monkeypatch, tmp_path):
    rng = np.random.default_rng(1)
    x = rng.normal(size=shape).astype(np.float32)  # NHWC
    y = np.moveaxis(x[..., :2], -1, 1) + rng.normal(size=(shape[0], 2, 5, 4)).astype(np.float32)
    monkeypatch.setattr(_stored, "BATCH_BYTES", 30_000)
    options = {"layout": ("NHWC", "NCHW"), "spatial": spatial, "backend": backend}
    if spatial == "resize":
        options["size"] = (2, 3)
    got = fastcca.cca(*in_hdf5((x, y), tmp_path, chunks=(16,)), **options)
    expected = fastcca.cca(x, y, **options)
    assert (got.n_samples, got.x_rank, got.y_rank) == (
        expected.n_samples,
        expected.x_rank,
        expected.y_rank,
    )
    np.testing.assert_allclose(got.correlations, expected.correlations, atol=1e-10)


def test_complex_numbers(blocks, small_batches, tmp_path):
    z = blocks[0] + 1j * np.roll(blocks[0], 7, axis=0)
    x, y = in_hdf5((z, blocks[1]), tmp_path)
    expected = fastcca.cca(z, blocks[1]).correlations
    np.testing.assert_allclose(fastcca.cca(x, y).correlations, expected, atol=1e-12)
    with pytest.raises(TypeError, match="x is complex"):
        fastcca.cka(x, y)


def test_fewer_samples_than_features(tmp_path):
    rng = np.random.default_rng(2)
    x, y = rng.normal(size=(30, 50)), rng.normal(size=(30, 4))
    with pytest.warns(fastcca.RankWarning):
        expected = fastcca.cca(x, y)
    with pytest.warns(fastcca.RankWarning):
        got = fastcca.cca(*in_hdf5((x, y), tmp_path, chunks=(8,)))
    np.testing.assert_allclose(got.correlations, expected.correlations, atol=1e-12)


@pytest.mark.parametrize("state", [fastcca.Moments, fastcca.QRFactor])
def test_update_of_states(state, blocks, small_batches, tmp_path):
    x, y = in_hdf5(blocks, tmp_path)
    of_files, of_arrays = state(), state()
    of_files.update(a=x, b=y)
    of_files.update(a=x, b=blocks[1])
    of_arrays.update(a=blocks[0], b=blocks[1])
    of_arrays.update(a=blocks[0], b=blocks[1])
    assert of_files.n_samples == 2 * ROWS
    np.testing.assert_allclose(
        fastcca.cca(of_files).correlations, fastcca.cca(of_arrays).correlations, atol=1e-13
    )


# --- what is read -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("x_chunk", "y_chunk", "step"),
    [
        (128, 128, 128),  # 200 rows fit
        (50, 100, 200),
        (30, 50, 150),
        (64, 100, 200),  # the common multiple, 1600, does not fit: whole chunks of the larger
        (1000, 7, 1000),  # one chunk does not fit
    ],
)
def test_batches_are_whole_chunks(x_chunk, y_chunk, step, blocks, small_batches):
    x, y = (Watched(b, (c, 4)) for b, c in zip(blocks, (x_chunk, y_chunk), strict=True))
    fastcca.cca(x, y, method="moments")
    expected = [(start, min(start + step, ROWS)) for start in range(0, ROWS, step)]
    assert x.read[1:] == expected  # the first sample was looked at before
    assert y.read[1:] == expected
    assert x.read[0] == (0, 1)


@pytest.mark.parametrize("store", ["hdf5", "zarr"])
def test_memory_does_not_hold_the_file(store, monkeypatch, tmp_path):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(100_000, 16))
    y = x[:, :8] + rng.normal(size=(100_000, 8))
    stored = STORES[store]((x, y), tmp_path, chunks=(1000,))
    size = x.nbytes + y.nbytes  # 18 MiB
    del x, y
    monkeypatch.setattr(_stored, "BATCH_BYTES", 2**20)
    peaks = {}
    for method in ("moments", "qr"):
        tracemalloc.start()
        fastcca.cca(*stored, method=method)
        peaks[method] = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert size > 18e6
    assert max(peaks.values()) < 2.5 * 2**20  # a batch, twice while zarr decodes it, and the state


# --- what is refused --------------------------------------------------------------------------


@pytest.mark.parametrize("state", [fastcca.Moments, fastcca.QRFactor])
def test_nan_in_the_middle(state, blocks, small_batches, tmp_path):
    x = blocks[0].copy()
    x[1500, 2] = np.nan
    stored = in_hdf5((x, blocks[1]), tmp_path, chunks=(100,))
    with pytest.raises(ValueError, match="x has 1 value that is not finite") as caught:
        fastcca.cca(*stored, method="moments")
    assert caught.value.__notes__ == ["in the batch that starts at sample 1400 of the file"]
    kept = state()
    kept.update(*blocks)
    with pytest.raises(ValueError, match="not finite"):
        kept.update(*stored)
    assert kept.n_samples == ROWS


def test_shapes(blocks, tmp_path):
    x, y, short, flat, maps = in_hdf5(
        (*blocks, blocks[1][:10], blocks[1][:, 0], np.zeros((ROWS, 2, 2, 3))), tmp_path, chunks=None
    )
    with pytest.raises(ValueError, match="x has 3000 samples and y has 10"):
        fastcca.cca(x, short)
    with pytest.raises(ValueError, match=r"y has shape \(3000,\)"):
        fastcca.cca(x, flat)
    with pytest.raises(ValueError, match="layout="):
        fastcca.cca(x, maps)
    with pytest.raises(ValueError, match="letter for each axis"):
        fastcca.cca(x, maps, layout=("NC", "NHC"))
    with pytest.raises(TypeError, match="y is missing"):
        fastcca.cca(x)
    with pytest.raises(TypeError, match="convert it with"):
        fastcca.cca(Watched(np.array([["a"], ["b"]]), (1, 1)), y[:2])


def test_bfloat16(tmp_path):
    torch = pytest.importorskip("torch")
    save = pytest.importorskip("safetensors.torch").save_file
    x = torch.randn(500, 4, generator=torch.Generator().manual_seed(0)).to(torch.bfloat16)
    y = (x[:, :2] + torch.flip(x[:, 2:], (0,))).to(torch.bfloat16)
    path = tmp_path / "b.safetensors"
    save({"x": x, "y": y}, path)
    file = safe_open(path, framework="pt")
    got = fastcca.cca(file.get_slice("x"), file.get_slice("y"))
    np.testing.assert_allclose(got.correlations, fastcca.cca(x, y).correlations, atol=1e-13)


class Bfloat16Slice:
    """As numpy gets it from safetensors, unless ml_dtypes was imported."""

    def get_shape(self):
        return [500, 4]

    def get_dtype(self):
        return "BF16"

    def __getitem__(self, index):
        raise TypeError("data type 'bfloat16' not understood")


def test_bfloat16_for_numpy():
    with pytest.raises(TypeError, match=r"x is bfloat16, .*framework='pt'"):
        fastcca.cca(Bfloat16Slice(), Bfloat16Slice())


def test_what_counts_as_a_data_set(blocks, tmp_path):
    x = blocks[0]
    assert all(_stored.is_stored(s) for store in STORES.values() for s in store([x], tmp_path))
    mapped = np.lib.format.open_memmap(tmp_path / "x.npy", "w+", x.dtype, x.shape)
    for other in (x, mapped, x.tolist(), None, fastcca.Moments(), "abc"):
        assert not _stored.is_stored(other)


def test_features_first(blocks, small_batches, tmp_path):
    turned = in_hdf5([b.T for b in blocks], tmp_path, chunks=(2,))
    got = fastcca.cca(*turned, layout="CN").correlations
    np.testing.assert_allclose(got, fastcca.cca(*blocks).correlations, atol=1e-13)


@pytest.mark.parametrize("spatial", ["fold", "pool", "flatten", "resize"])
@pytest.mark.parametrize("measure", ["svcca", "cka"])
def test_pairwise_reads_maps_in_blocks(measure, spatial, monkeypatch, tmp_path):
    rng = np.random.default_rng(1)
    x = rng.normal(size=(300, 4, 3, 2)).astype(np.float32)  # NHWC
    y = np.moveaxis(x, -1, 1) + rng.normal(size=(300, 2, 4, 3)).astype(np.float32)
    z = x[..., :1] + rng.normal(size=(300, 4, 3, 1)).astype(np.float32)
    monkeypatch.setattr(_stored, "BATCH_BYTES", 30_000)
    longest = 0

    def watched(self, rows, read=_stored.Files._read):
        nonlocal longest
        longest = max(longest, rows.stop - rows.start)
        return read(self, rows)

    monkeypatch.setattr(_stored.Files, "_read", watched)
    options = {"layout": ("NHWC", "NCHW", "NHWC"), "spatial": spatial, "measure": measure}
    if spatial == "resize":
        options["size"] = (2, 3)
    expected = fastcca.pairwise([x, y, z], **options).values
    assert longest == 0
    a, b = in_hdf5((x, y), tmp_path, chunks=(16,))

    found = fastcca.pairwise([a, b, z], **options).values
    across = fastcca.pairwise([a], [b, z], **options).values

    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-10)
    np.testing.assert_allclose(across, expected[:1, 1:], rtol=0, atol=1e-10)
    assert 0 < longest < 300


def test_pairwise_of_maps_in_files_that_do_not_fit(tmp_path):
    x, y = np.ones((20, 4, 3, 2)), np.ones((20, 2, 3, 2))
    a, b = in_hdf5((x, y), tmp_path, chunks=(8,))
    with pytest.raises(ValueError, match=r"xs\['a'\]: 4 x 3; xs\['b'\]: 2 x 3.*pool.*resize"):
        fastcca.pairwise({"a": a, "b": b}, layout="NHWC")
    with pytest.raises(ValueError, match=r"xs\['b'\] has 4 axes"):
        fastcca.pairwise({"a": a, "b": b}, layout=("NHWC", "NTC"))
