"""fastcca.dft_cca against the flattened layer, and against a loop over the full transform."""

import itertools
import tracemalloc

import numpy as np
import pytest

import fastcca
from cases import BACKENDS, COMPILED
from fastcca import reference

both_backends = pytest.mark.parametrize("backend", BACKENDS)
MIB = 2**20


@pytest.fixture
def rng():
    return np.random.default_rng(1706)


def maps(rng, n=50, x_grid=(4, 5), y_grid=(4, 5), p=2, q=3, dtype=np.float64):
    """Two layers that see the same images, channels last, with means."""
    height, width = (max(sizes) for sizes in zip(x_grid, y_grid, strict=True))
    images = rng.normal(size=(n, height, width, 3))

    def layer(grid, channels):
        cropped = images[:, : grid[0], : grid[1]]
        out = cropped @ rng.normal(size=(3, channels)) + rng.normal(size=(n, *grid, channels)) + 2.0
        if np.dtype(dtype).kind in "ui":
            return np.clip(12.0 * out + 60.0, 0, 255).astype(dtype)
        return out.astype(dtype)

    return layer(x_grid, p), layer(y_grid, q)


def frequencies_of(size):
    """All k in [-size/2, size/2)."""
    return [k for k in range(-size, size) if -size / 2 <= k < size / 2]


def by_loop(x, y):
    """Correlations at every common frequency: both transforms in full, complex CCA by QR."""
    transforms = [np.fft.fft2(a.astype(np.float64), axes=(1, 2)) for a in (x, y)]
    height, width = (min(a, b) for a, b in zip(x.shape[1:3], y.shape[1:3], strict=True))
    out = {}
    for i, j in itertools.product(frequencies_of(height), frequencies_of(width)):
        bases = []
        for t in transforms:
            values = t[:, i, j]  # negative indices are negative frequencies
            bases.append(np.linalg.qr(values - values.mean(axis=0))[0])
        out[i, j] = np.linalg.svd(bases[0].conj().T @ bases[1], compute_uv=False)
    return out


def mirror(frequency, grid):
    """The same frequency backwards, as the smaller grid names it."""
    return tuple(
        (-k + size // 2) % size - size // 2 for k, size in zip(frequency, grid, strict=True)
    )


def assert_stands_for(found, expected, grid, atol):
    """Every common frequency is there once, itself or by its mirror image, with its numbers."""
    covered = []
    for f, rho, times in zip(
        found.frequencies.tolist(), found.correlations, found.multiplicity, strict=True
    ):
        names = [tuple(f), mirror(f, grid)][:times]
        assert len(set(names)) == times
        for name in names:
            np.testing.assert_allclose(rho, expected[name], rtol=0, atol=atol, err_msg=str(name))
        covered += names
    assert sorted(covered) == sorted(expected)
    every = np.concatenate(list(expected.values()))
    assert found.mean == pytest.approx(float(np.mean(every)), abs=atol)


# --- theorem 1 ----------------------------------------------------------------------------------


def all_shifts(images):
    height, width = images.shape[1:3]
    shifts = itertools.product(range(height), range(width))
    return np.concatenate([np.roll(images, shift, axis=(1, 2)) for shift in shifts])


def circular_layer(images, channels, rng):
    """A random 3 x 3 circular convolution and a rectifier."""
    kernel = rng.normal(size=(3, 3, images.shape[3], channels))
    out = np.zeros((*images.shape[:3], channels))
    for i, j in itertools.product(range(3), range(3)):
        out += np.roll(images, (i, j), axis=(1, 2)) @ kernel[i, j]
    return np.maximum(out + 0.3, 0.0)


@both_backends
@pytest.mark.parametrize("grid", [(4, 4), (3, 5), (4, 6), (6, 3)], ids=str)
def test_translated_images_give_the_correlations_of_the_flattened_layers(rng, backend, grid):
    images = all_shifts(rng.normal(size=(15, *grid, 3)))
    x, y = circular_layer(images, 2, rng), circular_layer(images, 3, rng)
    flat = fastcca.cca(x, y, layout="NHWC", spatial="flatten", weights=False, backend="numpy")
    assert (flat.x_rank, flat.y_rank) == (2 * grid[0] * grid[1], 3 * grid[0] * grid[1])

    found = fastcca.dft_cca(x, y, backend=backend)

    assert found.multiplicity.sum() == grid[0] * grid[1]
    together = np.repeat(found.correlations, found.multiplicity, axis=0).ravel()
    assert np.ptp(together) > 0.4
    np.testing.assert_allclose(np.sort(together)[::-1], flat.correlations, rtol=0, atol=1e-9)
    assert found.mean == pytest.approx(flat.mean, abs=1e-9)

    some = slice(0, len(x) * 2 // 3)  # not closed under translation any more
    with pytest.warns(fastcca.RankWarning):
        flat = fastcca.cca(x[some], y[some], layout="NHWC", spatial="flatten")
    found = fastcca.dft_cca(x[some], y[some], backend=backend)
    together = np.sort(np.repeat(found.correlations, found.multiplicity, axis=0).ravel())[::-1]
    assert np.abs(together - flat.correlations).max() > 0.02


# --- a loop over all frequencies ----------------------------------------------------------------

GRIDS = [
    ((4, 4), (4, 4)), ((5, 5), (5, 5)), ((4, 5), (4, 5)), ((3, 6), (3, 6)), ((1, 4), (1, 4)),
    ((6, 6), (4, 4)), ((4, 4), (7, 7)), ((7, 5), (3, 3)), ((8, 4), (4, 4)), ((4, 8), (4, 4)),
    ((5, 8), (6, 4)), ((2, 9), (8, 6)), ((3, 3), (4, 2)), ((1, 1), (4, 4)), ((2, 2), (5, 1)),
]  # fmt: skip


@both_backends
@pytest.mark.parametrize(("x_grid", "y_grid"), GRIDS, ids=str)
def test_every_common_frequency(rng, backend, x_grid, y_grid):
    x, y = maps(rng, 40, x_grid, y_grid)
    smaller = tuple(min(a, b) for a, b in zip(x_grid, y_grid, strict=True))

    found = fastcca.dft_cca(x, y, backend=backend)

    assert_stands_for(found, by_loop(x, y), smaller, 1e-12)
    count = len(found.multiplicity)
    assert found.correlations.shape == (count, 2)
    assert found.ranks.tolist() == [[2, 3]] * count
    assert found.frequencies.shape == (count, 2)
    assert set(found.multiplicity) <= {1, 2}
    assert found.multiplicity.sum() == smaller[0] * smaller[1]
    assert (found.n_samples, found.x_weights, found.y_weights) == (40, None, None)
    np.testing.assert_allclose(found.mean_by_frequency, found.correlations.mean(axis=1))
    if x_grid == y_grid:  # the half spectrum, and no more
        assert count == smaller[0] * (smaller[1] // 2 + 1)


@pytest.mark.parametrize(
    ("dtype", "atol"), [(np.float16, 1e-6), (np.float32, 1e-6), (np.uint8, 1e-12), (bool, 1e-12)]
)
@both_backends
def test_dtypes(rng, backend, dtype, atol):
    x, y = maps(rng, 60, (4, 6), (5, 4))
    x, y = (x > 2.0, y > 2.0) if dtype is bool else (x.astype(dtype), (y * 30).astype(dtype))
    found = fastcca.dft_cca(x, y, backend=backend)
    assert_stands_for(found, by_loop(x, y), (4, 4), atol)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_agrees_with_the_reference(rng, dtype):
    x, y = maps(rng, 400, (6, 8), (6, 8), 20, 12, dtype)
    expected = reference.dft_cca(x, y)
    at = dict(zip(map(tuple, expected.frequencies.tolist()), expected.correlations, strict=True))
    found = fastcca.dft_cca(x, y)
    assert_stands_for(found, at, (6, 8), 1e-6 if dtype == np.float32 else 1e-11)


def test_division_into_blocks_changes_nothing(rng, monkeypatch):
    x, y = maps(rng, 60, (4, 6), (6, 4))
    expected = fastcca.dft_cca(x, y, weights=True)
    monkeypatch.setattr("fastcca._fourier.spectra._BLOCK_BYTES", 5000)  # a few maps
    found = fastcca.dft_cca(x, y, weights=True)
    np.testing.assert_allclose(found.correlations, expected.correlations, rtol=0, atol=1e-12)
    np.testing.assert_allclose(np.abs(found.x_weights), np.abs(expected.x_weights), atol=1e-10)


# --- layouts ------------------------------------------------------------------------------------


@both_backends
@pytest.mark.parametrize("layout", ["NCHW", "CNWH", "HWNC", ("NHWC", "NCHW"), ("NWHC", "NHCW")])
def test_layouts(rng, backend, layout):
    x, y = maps(rng, 50, (4, 6), (3, 4))
    expected = fastcca.dft_cca(x, y, backend=backend)
    pair = (layout, layout) if isinstance(layout, str) else layout
    given = [a.transpose(["NHWC".index(axis) for axis in axes]) for a, axes in zip((x, y), pair)]  # noqa: B905

    found = fastcca.dft_cca(*given, layout=layout, backend=backend)

    # The order of the axes in the layout of x names the frequencies.
    turned = pair[0].index("W") < pair[0].index("H")
    assert found.mean == pytest.approx(expected.mean, abs=1e-12)
    values = by_loop(x, y)
    names = [tuple(f)[::-1] if turned else tuple(f) for f in found.frequencies.tolist()]
    for name, rho in zip(names, found.correlations, strict=True):
        np.testing.assert_allclose(rho, values[name], rtol=0, atol=1e-12)


@both_backends
@pytest.mark.parametrize("x_length", [7, 8])
@pytest.mark.parametrize("layout", ["NTC", "NCT", ("NTC", "NCT")])
def test_one_axis_of_positions(rng, backend, x_length, layout):
    x, y = maps(rng, 50, (x_length, 1), (6, 1))
    expected = by_loop(x, y)
    pair = (layout, layout) if isinstance(layout, str) else layout
    given = [
        a[:, :, 0] if axes == "NTC" else a[:, :, 0].swapaxes(1, 2)
        for a, axes in zip((x, y), pair, strict=True)
    ]
    found = fastcca.dft_cca(*given, layout=layout, backend=backend)
    assert_stands_for(found, expected, (6, 1), 1e-12)
    assert set(found.frequencies[:, 1]) == {0}


@both_backends
@pytest.mark.parametrize("swap", [False, True])
def test_a_vector_is_compared_with_the_zero_frequency(rng, backend, swap):
    x, y = maps(rng, 60)
    logits = y.mean(axis=(1, 2)) + 0.2 * rng.normal(size=(60, 3))
    expected = fastcca.cca(x.sum(axis=(1, 2)), logits, backend="numpy")

    if swap:
        found = fastcca.dft_cca(logits, x, layout=("NC", "NHWC"), weights=True, backend=backend)
    else:
        found = fastcca.dft_cca(x, logits, layout=("NHWC", "NC"), weights=True, backend=backend)

    np.testing.assert_array_equal(found.frequencies, [[0, 0]])
    np.testing.assert_array_equal(found.multiplicity, [1])
    np.testing.assert_allclose(found.correlations[0], expected.correlations, rtol=0, atol=1e-12)
    weights = found.y_weights[0] if swap else found.x_weights[0]
    np.testing.assert_allclose(np.abs(weights), np.abs(expected.x_weights), rtol=0, atol=1e-10)
    one = fastcca.dft_cca(x, logits[:, :1], layout=("NHWC", "NC"), backend=backend)
    assert one.correlations.shape == (1, 1)


@both_backends
def test_crops_and_read_only_maps_are_not_written_to(rng, backend):
    x, y = maps(rng, 50)
    expected = fastcca.dft_cca(x, y, backend=backend).correlations
    wide = np.full((50, 7, 8, 4), 77.0)
    wide[:, 1:5, 2:7, 1:3] = x
    before = wide.copy()
    found = fastcca.dft_cca(wide[:, 1:5, 2:7, 1:3], y[::-1][::-1], backend=backend)
    np.testing.assert_allclose(found.correlations, expected, rtol=0, atol=1e-13)
    np.testing.assert_array_equal(wide, before)
    for dtype in (np.float32, np.float64):
        given = x.astype(dtype), y.astype(dtype)
        kept = [a.copy() for a in given]
        fastcca.dft_cca(*given, backend=backend)
        for a, b in zip(given, kept, strict=True):
            np.testing.assert_array_equal(a, b)
            a.flags.writeable = False
        fastcca.dft_cca(*given, backend=backend)


# --- weights and ranks --------------------------------------------------------------------------


@both_backends
@pytest.mark.parametrize(("x_grid", "y_grid"), [((4, 5), (4, 5)), ((6, 6), (4, 3))])
def test_variates_have_unit_variance_and_the_correlations(rng, backend, x_grid, y_grid):
    x, y = maps(rng, 60, x_grid, y_grid)
    found = fastcca.dft_cca(x, y, weights=True, backend=backend)
    count = len(found.multiplicity)
    assert found.x_weights.shape == (count, 2, 2)
    assert found.y_weights.shape == (count, 3, 2)
    transforms = [np.fft.fft2(a, axes=(1, 2)) for a in (x, y)]
    for f, (i, j) in enumerate(found.frequencies):
        bins = [t[:, i, j] - t[:, i, j].mean(axis=0) for t in transforms]
        u, v = bins[0] @ found.x_weights[f], bins[1] @ found.y_weights[f]
        np.testing.assert_allclose(u.conj().T @ u / 59, np.eye(2), atol=1e-11)
        np.testing.assert_allclose(v.conj().T @ v / 59, np.eye(2), atol=1e-11)
        np.testing.assert_allclose(u.conj().T @ v / 59, np.diag(found.correlations[f]), atol=1e-11)


@both_backends
@pytest.mark.parametrize("offset", [0.0, 30.0, 1000.0])
def test_rounding_is_in_proportion_to_the_whole_map(rng, backend, offset):
    a, b, c = rng.normal(size=(3, 200, 4, 4))
    x = (np.stack([a, b, a + b], axis=-1) + offset).astype(np.float32)
    y = np.stack([a + c, b], axis=-1).astype(np.float32)

    found = fastcca.dft_cca(x, y, weights=True, backend=backend)

    np.testing.assert_array_equal(found.ranks, np.full((12, 2), 2))
    plain = by_loop(x[..., :2] - np.float32(offset), y)
    tolerance = 1e-5 * (1 + offset)
    for f, rho in zip(found.frequencies.tolist(), found.correlations, strict=True):
        np.testing.assert_allclose(rho, plain[tuple(f)], rtol=0, atol=tolerance)


@both_backends
def test_what_stands_above_the_rounding_is_kept(rng, backend):
    a, b, c, d = rng.normal(size=(4, 2000, 2, 4))
    small = 60 * np.finfo(np.float32).eps
    x = np.stack([a, b, a + b + small * c], axis=-1).astype(np.float32)
    found = fastcca.dft_cca(x, np.stack([c, d], axis=-1), backend=backend)
    np.testing.assert_array_equal(found.ranks[:, 0], 3)
    assert found.correlations[:, 0].min() > 0.99


@both_backends
def test_bins_and_channels_without_variation(rng, backend):
    _, y = maps(rng, 50, (2, 4), (2, 4))
    flat = np.broadcast_to(rng.normal(size=(50, 1, 1, 2)), (50, 2, 4, 2))
    x = np.concatenate([flat, np.full((50, 2, 4, 1), 0.1)], axis=3)

    found = fastcca.dft_cca(x, y, weights=True, backend=backend)

    expected = [[2, 3] if f == [0, 0] else [0, 3] for f in found.frequencies.tolist()]
    assert found.ranks.tolist() == expected
    assert found.correlations.shape == (len(expected), 3)
    dc = fastcca.cca(flat[:, 0, 0], y.sum(axis=(1, 2)), backend="numpy").correlations
    np.testing.assert_allclose(found.correlations[0, :2], dc, rtol=0, atol=1e-12)
    np.testing.assert_array_equal(found.correlations[0, 2:], 0.0)
    np.testing.assert_array_equal(found.correlations[1:], 0.0)
    np.testing.assert_array_equal(found.x_weights[1:], 0.0)
    np.testing.assert_array_equal(found.x_weights[0, 2], 0.0)
    # Zeros beyond the ranks are no correlations.
    assert found.mean == pytest.approx(float(dc.mean()), abs=1e-12)
    np.testing.assert_allclose(found.mean_by_frequency[0], dc.mean(), atol=1e-12)
    np.testing.assert_array_equal(found.mean_by_frequency[1:], 0.0)


@both_backends
@pytest.mark.parametrize(
    ("dtype", "scale"), [(np.float32, 1e25), (np.float32, 1e-25), (np.float64, 1e100)]
)
def test_extreme_units(rng, backend, dtype, scale):
    x, y = (a.astype(dtype) for a in maps(rng))
    expected = fastcca.dft_cca(x, y, backend=backend)
    found = fastcca.dft_cca(x * dtype(scale), y, backend=backend)
    np.testing.assert_array_equal(found.ranks, expected.ranks)
    np.testing.assert_allclose(found.correlations, expected.correlations, rtol=0, atol=1e-6)


# --- memory -------------------------------------------------------------------------------------


@pytest.mark.cpu_only("blocks on a device lie in its own memory")
@pytest.mark.parametrize("layout", ["NHWC", "NCHW"])
@pytest.mark.parametrize("dtype", [np.float16, np.float32])
def test_memory_does_not_grow_with_the_samples(monkeypatch, layout, dtype):
    monkeypatch.setattr("fastcca._fourier.spectra._BLOCK_BYTES", MIB)
    shape = [{"N": 1, "H": 8, "W": 8, "C": 8}[axis] for axis in layout]
    x = np.random.default_rng(0).normal(size=(6000, *shape[1:])).astype(dtype)
    y = np.roll(x, 1, axis=layout.index("C"))
    peaks = []
    for n in (1500, 6000):
        tracemalloc.start()
        fastcca.dft_cca(x[:n], y[:n], layout=layout, backend=COMPILED)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert x.nbytes > 5 * MIB
    assert max(peaks) < 3 * MIB
    assert abs(peaks[1] - peaks[0]) < MIB / 2


# --- warnings and errors ------------------------------------------------------------------------


@both_backends
def test_few_maps_warn_at_the_caller(rng, backend):
    x, y = maps(rng, 14, p=2, q=3)
    with pytest.warns(fastcca.RankWarning, match="14 maps for 3 channels.*0.23") as caught:
        fastcca.dft_cca(x, y, backend=backend)
    assert caught[0].filename == __file__


@both_backends
@pytest.mark.parametrize("side", ["x", "y"])
def test_a_side_that_does_not_vary(rng, backend, side):
    pair = dict(zip("xy", maps(rng), strict=True))
    pair[side] = np.full((50, 4, 5, 2), 0.1, dtype=np.float32)
    with pytest.warns(fastcca.RankWarning, match=f"no channel of {side} varies"):
        found = fastcca.dft_cca(pair["x"], pair["y"], backend=backend)
    assert found.mean == 0.0
    np.testing.assert_array_equal(found.correlations, 0.0)


@both_backends
@pytest.mark.parametrize("side", ["x", "y"])
@pytest.mark.parametrize("bad", [np.nan, np.inf])
@pytest.mark.parametrize("layout", ["NHWC", "NCHW"])
def test_values_that_are_not_finite(rng, backend, side, bad, layout, monkeypatch):
    monkeypatch.setattr(
        "fastcca._fourier.spectra._BLOCK_BYTES", 4000
    )  # the place is that in the whole array
    pair = {name: a.astype(np.float32) for name, a in zip("xy", maps(rng), strict=True)}
    pair[side][37, 1, 2, 1] = pair[side][41, 0, 0, 0] = bad
    order = ["NHWC".index(axis) for axis in layout]
    place = ", ".join(str((37, 1, 2, 1)[axis]) for axis in order)
    message = rf"{side} has 2 values .*the first is {bad} at {side}\[{place}\] \({layout}\)"
    with pytest.raises(ValueError, match=message):
        fastcca.dft_cca(
            *(a.transpose(order) for a in pair.values()), layout=layout, backend=backend
        )


@both_backends
def test_arguments_that_do_not_fit(rng, backend):
    x, y = maps(rng)
    for args, options, message in (
        ((x[:40], y), {}, "x has 40 samples and y has 50"),
        ((x[:1], y[:1]), {}, "at least 2 samples"),
        ((x, y[:, 0]), {}, "y has 3 axes"),
        ((x, y[:, 0]), {"layout": ("NHWC", "NTC")}, "x has positions along H, W and y along T"),
        ((x, y[:, 0]), {"layout": ("NHWC", "NWC")}, "x has positions along H, W and y along W"),
        ((x[:, None], y[:, None]), {"layout": "NDHWC"}, "x has 3 axes of positions.*one or two"),
        ((x, y), {"layout": "NHWQ"}, "unknown axis 'Q'"),
        ((x, y), {"layout": None}, "dft_cca needs a layout"),
        ((x, y), {"backend": "gpu"}, "'gpu' is unknown"),
    ):
        with pytest.raises(ValueError, match=message):
            fastcca.dft_cca(*args, **{"backend": backend, **options})
    with pytest.raises(TypeError, match="x has dtype complex128"):
        fastcca.dft_cca(x * 1j, y, backend=backend)
    with pytest.raises(TypeError, match="y has dtype object"):
        fastcca.dft_cca(x, y.astype(object), backend=backend)


def test_results_are_frozen(rng):
    found = fastcca.dft_cca(*maps(rng))
    with pytest.raises(AttributeError):
        found.n_samples = 3
