"""Conv and token maps as samples and features."""

import math
import re
import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import ndimage

from fastcca._inputs import layouts as _layouts
from fastcca._inputs import spatial as _maps
from fastcca._inputs.layouts import lay_out

MIB = 2**20
SIZES = {"N": 11, "D": 3, "H": 6, "W": 5, "T": 7}


@pytest.fixture
def rng():
    return np.random.default_rng(7)


@pytest.fixture(params=["one block", "small blocks"])
def small_blocks(request, monkeypatch):
    if request.param == "small blocks":
        monkeypatch.setattr(_layouts, "BLOCK_BYTES", 2000)
        monkeypatch.setattr(_maps, "_PIECE_BYTES", 700)


def batches(x, y, *, layout, spatial, size=None):
    return lay_out({"x": x, "y": y}, layout=layout, spatial=spatial, size=size).batches()


# --- the plain construction -------------------------------------------------------------------


def samples_first(array, layout):
    """(N, positions in the order of the layout, C), float64."""
    positions = [letter for letter in layout if letter not in "NC"]
    order = [layout.index(letter) for letter in ["N", *positions, "C"]]
    return np.asarray(array, dtype=np.float64).transpose(order)


def interpolated(values, grid):
    """Linear interpolation of (N, positions, C), one hat function for each new centre."""
    for axis, new in enumerate(grid, start=1):
        old = values.shape[axis]
        weights = np.zeros((new, old))
        for k in range(new):
            centre = min(max((k + 0.5) * old / new - 0.5, 0.0), old - 1.0)
            for i in range(old):
                weights[k, i] = max(0.0, 1.0 - abs(centre - i))
        values = np.moveaxis(np.tensordot(weights, values, axes=(1, axis)), 0, axis)
    return values


def plain(array, layout, spatial, grid=()):
    """The whole two-dimensional array, float64."""
    values = samples_first(array, layout)
    if spatial == "pool":
        return values.mean(axis=tuple(range(1, values.ndim - 1))) if values.ndim > 2 else values
    if spatial == "flatten":
        return values.reshape(len(values), -1)
    if spatial == "resize":
        values = interpolated(values, grid)
    return values.reshape(-1, values.shape[-1])


def joined(blocks):
    """Concatenation of the batches of one array as (samples, features)."""
    for block in blocks:
        assert 2 <= block.ndim <= 4
    return np.concatenate([block.reshape(-1, block.shape[-1]) for block in blocks])


def both(x, y, **options):
    pairs = list(batches(x, y, **options))
    for x_block, y_block in pairs:
        assert math.prod(x_block.shape[:-1]) == math.prod(y_block.shape[:-1])
    return joined([x for x, _ in pairs]), joined([y for _, y in pairs]), pairs


# --- arrays -----------------------------------------------------------------------------------


def random_map(rng, layout, channels, dtype="float64", **sizes):
    shape = [channels if a == "C" else {**SIZES, **sizes}[a] for a in layout]
    if np.dtype(dtype).kind in "ui":
        return rng.integers(0, 256 if dtype == "uint8" else 100, size=shape).astype(dtype)
    return (rng.normal(size=shape) + 3.0).astype(dtype)


def _cropped(a):
    padded = np.full([n + 3 for n in a.shape], 77, dtype=a.dtype)
    inner = padded[tuple(slice(1, n + 1) for n in a.shape)]
    inner[...] = a
    return inner


def _read_only(a):
    a = a.copy()
    a.flags.writeable = False
    return a


GUISES = {
    "c": lambda a: np.ascontiguousarray(a),
    "fortran": lambda a: np.asfortranarray(a),
    "negative": lambda a: np.flip(np.flip(a).copy()),
    "cropped": _cropped,
    "read_only": _read_only,
    "byte_swapped": lambda a: a.astype(a.dtype.newbyteorder()),
}

LAYOUTS = ("NHWC", "NCHW", "NTC", "NCT", "NDHWC", "NCDHW", "CHWN", "HNCW", "NTHWDC")


def tolerance(spatial, *arrays):
    """For values up to about 10, or 255 where they are integers; copies are exact."""
    if spatial in ("fold", "flatten"):
        return 0.0
    single = spatial == "resize" and any(
        a.dtype.itemsize <= 4 and a.dtype.kind == "f" for a in arrays
    )
    return 5e-6 if single else 1e-12


# --- every mode against the plain construction ------------------------------------------------


@pytest.mark.usefixtures("small_blocks")
@pytest.mark.parametrize("spatial", ["fold", "pool", "flatten", "resize"])
@pytest.mark.parametrize("guise", GUISES)
@pytest.mark.parametrize("layout", LAYOUTS)
def test_layouts_and_memory_orders(rng, layout, guise, spatial):
    positions = [letter for letter in layout if letter not in "NC"]
    other = {a: SIZES[a] - 2 for a in positions} if spatial == "resize" else {}
    x = GUISES[guise](random_map(rng, layout, 4, "float32"))
    y = GUISES[guise](random_map(rng, layout, 3, **other))
    before = x.copy(), y.copy()

    found_x, found_y, _ = both(x, y, layout=layout, spatial=spatial)

    grid = tuple(other.get(a, SIZES[a]) for a in positions)
    expected_x = plain(x, layout, spatial, grid)
    expected_y = plain(y, layout, spatial, grid)
    np.testing.assert_allclose(found_x, expected_x, rtol=0, atol=tolerance(spatial, x))
    np.testing.assert_allclose(found_y, expected_y, rtol=0, atol=tolerance(spatial, y))
    np.testing.assert_array_equal(x, before[0])
    np.testing.assert_array_equal(y, before[1])


RESULT_DTYPES = {
    # input: the dtype after pool, after resize; fold and flatten leave it alone
    "float16": ("float64", "float32"),
    "float32": ("float64", "float32"),
    "float64": ("float64", "float64"),
    "uint8": ("float64", "float64"),
    "int64": ("float64", "float64"),
    "bool": ("float64", "float64"),
}


@pytest.mark.parametrize("spatial", ["fold", "pool", "flatten", "resize"])
@pytest.mark.parametrize("dtype", RESULT_DTYPES)
def test_dtypes(rng, dtype, spatial):
    x = random_map(rng, "NCHW", 4, "float64" if dtype == "bool" else dtype)
    x = x > 3.0 if dtype == "bool" else x
    maps = lay_out(
        {"x": x}, layout="NCHW", spatial=spatial, size=(3, 8) if spatial == "resize" else None
    )
    [[block]] = maps.batches()
    after = dict(zip(("pool", "resize"), RESULT_DTYPES[dtype], strict=True))
    assert block.dtype == np.dtype(after.get(spatial, dtype))
    assert maps.dtypes == (np.dtype(dtype),)
    np.testing.assert_allclose(
        joined([block]), plain(x, "NCHW", spatial, (3, 8)), rtol=0, atol=tolerance(spatial, x) * 30
    )


@given(data=st.data())
def test_any_two_layouts(data):
    """The two sides in different orders of axes, positions paired by their letters."""
    letters = data.draw(st.lists(st.sampled_from("DHWT"), unique=True, max_size=3))
    spatial = data.draw(st.sampled_from(["fold", "pool", "flatten", "resize"]))
    x_layout, y_layout = (
        "".join(data.draw(st.permutations([*letters, "N", "C"]))) for _ in range(2)
    )
    extent = st.integers(1, 5)
    n = data.draw(extent)
    x_sizes = {a: data.draw(extent) for a in letters}
    y_sizes = x_sizes if spatial == "fold" else {a: data.draw(extent) for a in letters}
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32)))
    x = random_map(rng, x_layout, data.draw(extent), N=n, **x_sizes)
    y = random_map(rng, y_layout, data.draw(extent), N=n, **y_sizes)

    found_x, found_y, _ = both(x, y, layout=(x_layout, y_layout), spatial=spatial)

    order = [a for a in x_layout if a in letters]
    grid = tuple(min(x_sizes[a], y_sizes[a]) for a in order)
    if spatial in ("fold", "resize"):
        y = y.transpose([y_layout.index(a) for a in ["N", *order, "C"]])
        y_layout = "".join(["N", *order, "C"])
    np.testing.assert_allclose(found_x, plain(x, x_layout, spatial, grid), atol=1e-12)
    np.testing.assert_allclose(found_y, plain(y, y_layout, spatial, grid), atol=1e-12)


def test_plain_arrays(rng):
    x, y = rng.normal(size=(20, 3)), rng.normal(size=(20, 2))
    for options in (
        {"layout": None, "spatial": None},
        {"layout": "NC", "spatial": None},
        *({"layout": "NC", "spatial": s} for s in ("fold", "pool", "flatten", "resize")),
        {"layout": (None, "NC"), "spatial": "fold"},
    ):
        [(x_block, y_block)] = batches(x, y, **options)
        assert np.shares_memory(x_block, x)
        np.testing.assert_array_equal(x_block, x)
        np.testing.assert_array_equal(y_block, y)
    [(x_block, _)] = batches(x.T, y.T, layout="CN", spatial=None)
    np.testing.assert_array_equal(x_block, x)


@pytest.mark.usefixtures("small_blocks")
@pytest.mark.parametrize("spatial", ["pool", "flatten"])
@pytest.mark.parametrize("plain_layout", ["NC", None])
def test_one_plain_side(rng, spatial, plain_layout):
    x, y = random_map(rng, "NCHW", 4), random_map(rng, "NC", 6)
    found_x, found_y, _ = both(x, y, layout=("NCHW", plain_layout), spatial=spatial)
    np.testing.assert_allclose(found_x, plain(x, "NCHW", spatial), rtol=1e-14)
    np.testing.assert_array_equal(found_y, y)


def test_spatial_none_folds(rng):
    x = random_map(rng, "NHWC", 4)
    [(block, _)] = batches(x, x, layout="NHWC", spatial=None)
    assert block.shape == x.shape


# --- fold -------------------------------------------------------------------------------------


@pytest.mark.parametrize("guise", GUISES)
@pytest.mark.parametrize("layout", ["NHWC", "NCHW", "NTC", "NCT", "CHWN"])
def test_fold_is_one_pair_of_views(rng, layout, guise, monkeypatch):
    monkeypatch.setattr(_layouts, "BLOCK_BYTES", 1)
    x = GUISES[guise](random_map(rng, layout, 4))
    [(x_block, y_block)] = batches(x, x, layout=layout, spatial="fold")
    assert np.shares_memory(x_block, x)
    assert np.shares_memory(y_block, x)
    assert x_block.ndim == x.ndim
    assert x_block.shape[-1] == 4


@pytest.mark.parametrize("layout", ["NDHWC", "NCDHW", "NTDHWC"])
def test_fold_merges_axes_where_strides_allow(rng, layout):
    x, y = random_map(rng, layout, 4), random_map(rng, layout, 2)
    # Cropped along one axis of positions, other axes can still be merged.
    for part in (slice(None), (slice(None),) * 3 + (slice(1, -1),)):
        [(x_block, y_block)] = batches(x[part], y[part], layout=layout, spatial="fold")
        assert np.shares_memory(x_block, x)
        assert np.shares_memory(y_block, y)
        np.testing.assert_array_equal(joined([x_block]), plain(x[part], layout, "fold"))


@pytest.mark.parametrize("limit", [1, 10_000])
def test_fold_of_volumes_with_gaps(rng, monkeypatch, limit):
    """No strides for the whole: several volumes are copied, one is a view."""
    monkeypatch.setattr(_layouts, "BLOCK_BYTES", limit)
    x, y = _cropped(random_map(rng, "NDHWC", 4)), random_map(rng, "NDHWC", 2)
    found_x, found_y, pairs = both(x, y, layout="NDHWC", spatial="fold")
    np.testing.assert_array_equal(found_x, plain(x, "NDHWC", "fold"))
    np.testing.assert_array_equal(found_y, plain(y, "NDHWC", "fold"))
    assert len(pairs) > 1
    single = limit == 1
    assert (len(pairs) == len(x)) == single
    assert all(np.shares_memory(x_block, x) == single for x_block, _ in pairs)
    assert all(np.shares_memory(y_block, y) for _, y_block in pairs)


# --- flatten ----------------------------------------------------------------------------------


def test_flatten_has_one_order_of_features(rng):
    nhwc = random_map(rng, "NHWC", 4)
    nchw = np.ascontiguousarray(nhwc.transpose(0, 3, 1, 2))
    found, same, _ = both(nhwc, nchw, layout=("NHWC", "NCHW"), spatial="flatten")
    np.testing.assert_array_equal(found, same)
    _, width, channels = nhwc.shape[1:]
    for h, w, c in ((0, 0, 1), (0, 1, 0), (1, 0, 0), (5, 4, 3)):
        np.testing.assert_array_equal(found[:, (h * width + w) * channels + c], nhwc[:, h, w, c])


def test_flatten_is_a_view_where_strides_allow(rng):
    x = random_map(rng, "NHWC", 4)
    for part in (x, x[1:-1], x[::2], x[::-1], x[:, 1:3]):
        [(block, _)] = batches(part, part, layout="NHWC", spatial="flatten")
        assert np.shares_memory(block, x)


@pytest.mark.usefixtures("small_blocks")
def test_flatten_of_a_view_beside_a_copy(rng):
    x, y = random_map(rng, "NHWC", 4), random_map(rng, "NCHW", 2)
    found_x, found_y, pairs = both(x, y, layout=("NHWC", "NCHW"), spatial="flatten")
    np.testing.assert_array_equal(found_x, plain(x, "NHWC", "flatten"))
    np.testing.assert_array_equal(found_y, plain(y, "NCHW", "flatten"))
    assert all(np.shares_memory(x_block, x) for x_block, _ in pairs)


# --- pool -------------------------------------------------------------------------------------


def test_pool_sums_in_float64():
    """A float16 sum would overflow, a float32 sum would stall, and int8 wrap around."""
    x = np.full((3, 200, 200, 2), 60000.0, dtype=np.float16)
    y = np.full((3, 200, 200, 2), 127, dtype=np.int8)
    x[0, 0, 0] = 0.0
    [(x_block, y_block)] = batches(x, y, layout="NHWC", spatial="pool")
    exact = float(x[1, 0, 0, 0])
    np.testing.assert_allclose(x_block[0], exact * (1 - 1 / 200**2), rtol=1e-14)
    np.testing.assert_array_equal(x_block[1:], exact)
    np.testing.assert_array_equal(y_block, 127.0)


def test_pool_pairs_any_positions(rng):
    x, y = random_map(rng, "NCHW", 4), random_map(rng, "NTC", 3)
    found_x, found_y, _ = both(x, y, layout=("NCHW", "NTC"), spatial="pool")
    np.testing.assert_allclose(found_x, plain(x, "NCHW", "pool"), rtol=1e-14)
    np.testing.assert_allclose(found_y, plain(y, "NTC", "pool"), rtol=1e-14)


def test_pool_overflow():
    x = np.full((3, 4, 4, 1), 1e308)
    with pytest.raises(ValueError, match=r"sum over the positions of x overflows float64"):
        list(batches(x, x, layout="NHWC", spatial="pool"))


# --- resize -----------------------------------------------------------------------------------


def resized(values, layout, size):
    [[block]] = lay_out({"x": values}, layout=layout, spatial="resize", size=size).batches()
    return joined([block])


def test_resize_published_example():
    """torch.nn.Upsample(scale_factor=2, mode="bilinear"), the example of its documentation."""
    values = np.array([[1.0, 2.0], [3.0, 4.0]])[np.newaxis, :, :, np.newaxis]
    expected = [
        [1.00, 1.25, 1.75, 2.00],
        [1.50, 1.75, 2.25, 2.50],
        [2.50, 2.75, 3.25, 3.50],
        [3.00, 3.25, 3.75, 4.00],
    ]
    np.testing.assert_array_equal(resized(values, "NHWC", (4, 4)).reshape(4, 4), expected)


@pytest.mark.parametrize("old", [1, 2, 5, 8])
@pytest.mark.parametrize("new", [1, 2, 3, 7, 8, 16])
def test_resize_against_scipy(rng, old, new):
    x = rng.normal(size=(3, old, 6, 2))
    zoomed = ndimage.zoom(
        x, (1, new / old, 9 / 6, 1), order=1, mode="nearest", grid_mode=True, prefilter=False
    )
    assert zoomed.shape == (3, new, 9, 2)
    np.testing.assert_allclose(
        resized(x, "NHWC", (new, 9)), zoomed.reshape(-1, 2), rtol=0, atol=1e-12
    )


def test_halving_averages(rng):
    x = rng.normal(size=(3, 8, 6, 2))
    expected = x.reshape(3, 4, 2, 3, 2, 2).mean(axis=(2, 4)).reshape(-1, 2)
    np.testing.assert_allclose(resized(x, "NHWC", (4, 3)), expected, rtol=0, atol=1e-15)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_resize_keeps_constants_and_extremes(dtype):
    largest = np.finfo(dtype).max / 2
    x = np.full((2, 5, 7, 1), largest, dtype=dtype)
    np.testing.assert_allclose(resized(x, "NHWC", (3, 9)), largest, rtol=2 * np.finfo(dtype).eps)


@pytest.mark.usefixtures("small_blocks")
def test_resize_leaves_a_map_of_the_right_size_alone(rng):
    x, y = random_map(rng, "NCHW", 4, H=4, W=3), random_map(rng, "NHWC", 2)
    found_x, _, pairs = both(x, y, layout=("NCHW", "NHWC"), spatial="resize")
    np.testing.assert_array_equal(found_x, plain(x, "NCHW", "fold"))
    assert all(np.shares_memory(x_block, x) for x_block, _ in pairs)


def test_resize_of_equal_maps_is_fold(rng):
    x = random_map(rng, "NHWC", 4)
    for size in (None, (6, 5), [np.int64(6), 5]):
        [(x_block, _)] = batches(x, x, layout="NHWC", spatial="resize", size=size)
        assert np.shares_memory(x_block, x)


def test_size_is_in_the_order_of_the_first_layout(rng):
    x, y = random_map(rng, "NWHC", 4), random_map(rng, "NHWC", 2)
    maps = lay_out({"x": x, "y": y}, layout=("NWHC", "NHWC"), spatial="resize", size=(2, 4))
    assert maps.grid == (2, 4)
    x_found, y_found = (joined(blocks) for blocks in zip(*maps.batches(), strict=True))
    np.testing.assert_allclose(x_found, plain(x, "NWHC", "resize", (2, 4)), atol=1e-12)
    y = y.transpose(0, 2, 1, 3)
    np.testing.assert_allclose(y_found, plain(y, "NWHC", "resize", (2, 4)), atol=1e-12)


def test_default_size_takes_the_fewest_along_each_axis(rng):
    x, y = random_map(rng, "NHWC", 4, H=8, W=3), random_map(rng, "NHWC", 2, H=4, W=9)
    assert lay_out({"x": x, "y": y}, layout="NHWC", spatial="resize").grid == (4, 3)


# --- several arrays, second passes, other array types -----------------------------------------


def test_counts_and_passes(rng):
    arrays = {"a": random_map(rng, "NCHW", 4), "b": random_map(rng, "NHWC", 2)}
    arrays["c"] = random_map(rng, "NHWC", 3, H=4)
    layouts = ("NCHW", "NHWC", "NHWC")
    for spatial, samples, features in (
        ("pool", 11, (4, 2, 3)),
        ("flatten", 11, (120, 60, 60)),
        ("resize", 11 * 4 * 5, (4, 2, 3)),
    ):
        maps = lay_out(arrays, layout=layouts, spatial=spatial)
        assert (maps.n_samples, maps.feature_counts) == (samples, features)
        for _ in range(2):
            found = [joined(blocks) for blocks in zip(*maps.batches(), strict=True)]
            assert [f.shape for f in found] == [(samples, p) for p in features]
            for f, array, layout in zip(found, arrays.values(), layouts, strict=True):
                np.testing.assert_allclose(
                    f, plain(array, layout, spatial, maps.grid), rtol=0, atol=1e-12
                )
    assert lay_out({"a": arrays["a"]}, layout="NCHW", spatial="fold").n_samples == 11 * 6 * 5


class Exporter:
    def __init__(self, array):
        self.array = array

    def __array__(self, dtype=None, copy=None):
        return self.array


def test_array_likes(rng):
    x = random_map(rng, "NTC", 3)
    [(found, also)] = batches(Exporter(x), x.tolist(), layout="NTC", spatial="fold")
    assert np.shares_memory(found, x)
    np.testing.assert_array_equal(also, x)


# --- memory -----------------------------------------------------------------------------------


def repeated(n, *shape, dtype=np.float32):
    """A map of n samples that takes the memory of one."""
    one = np.random.default_rng(0).normal(size=shape).astype(dtype)
    return np.broadcast_to(one, (n, *shape))


def peak(x, y, **options):
    tracemalloc.start()
    try:
        for x_block, y_block in batches(x, y, **options):
            assert len(x_block) == len(y_block)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    ("spatial", "size"), [("pool", None), ("flatten", None), ("resize", None), ("resize", (28, 28))]
)
@pytest.mark.parametrize("layout", ["NHWC", "NCHW"])
def test_memory(layout, spatial, size):
    shapes = ((28, 28, 64), (14, 14, 128)) if layout == "NHWC" else ((64, 28, 28), (128, 14, 14))
    half, whole = (
        peak(*(repeated(n, *shape) for shape in shapes), layout=layout, spatial=spatial, size=size)
        for n in (1000, 2000)
    )
    assert whole < 48 * MIB
    assert whole < half + 4 * MIB


def test_memory_of_folds():
    maps = repeated(2000, 28, 28, 64), repeated(2000, 28, 28, 32)
    assert peak(*maps, layout="NHWC", spatial="fold") < MIB
    padded = repeated(500, 10, 18, 18, 64)[:, 1:-1, 1:-1, 1:-1]
    assert peak(padded, padded, layout="NDHWC", spatial="fold") < 48 * MIB


# --- values that are not finite ---------------------------------------------------------------


@pytest.mark.usefixtures("small_blocks")
@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
@pytest.mark.parametrize(
    ("layout", "spatial", "place"),
    [
        ("NCHW", "pool", "9, 1, 4, 3"),
        ("NHWC", "pool", "9, 4, 3, 1"),
        ("NCHW", "flatten", "9, 1, 4, 3"),
        ("NHWC", "resize", "9, 4, 3, 1"),
        ("CWHN", "resize", "1, 3, 4, 9"),
    ],
)
def test_not_finite_is_found_in_the_callers_array(rng, layout, spatial, place, dtype):
    y = random_map(rng, layout, 4, dtype)
    y[tuple(int(i) for i in place.split(","))] = np.nan
    x = random_map(rng, layout, 2, H=2, W=1)
    message = (
        f"y has 1 value that is not finite; the first is nan at y[{place}] ({layout}); remove "
        "those samples or replace the values"
    )
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        list(batches(x, y, layout=layout, spatial=spatial))


@pytest.mark.parametrize("which", ["x", "y"])
def test_not_finite_beside_a_computed_block(rng, which, monkeypatch):
    """Views are looked through when they are handed out in parts."""
    monkeypatch.setattr(_layouts, "BLOCK_BYTES", 2000)
    arrays = {
        "x": _cropped(random_map(rng, "NDHWC", 4)),
        "y": random_map(rng, "NDHWC", 2),
    }
    arrays[which][7, 2, 5, 4, 1] = -np.inf
    arrays[which][9, 0, 0, 0, 0] = np.inf
    place = f"{which}[7, 2, 5, 4, 1]"
    message = f"{which} has 2 values that are not finite; the first is -inf at {place} (NDHWC)"
    with pytest.raises(ValueError, match=re.escape(message)):
        list(batches(**arrays, layout="NDHWC", spatial="fold"))


# --- errors -----------------------------------------------------------------------------------

IMAGES = np.zeros((10, 8, 6, 3))
SMALL = np.zeros((10, 4, 3, 3))
TOKENS = np.zeros((10, 7, 3))
PLAIN = np.zeros((10, 3))


NHWC_FOLD = {"layout": "NHWC", "spatial": "fold"}
NO_LAYOUT = {"layout": None, "spatial": None}


def fails(x, y, message, error=ValueError, **options):
    return pytest.param(x, y, {**NHWC_FOLD, **options}, error, message, id=message)


@pytest.mark.parametrize(
    ("x", "y", "options", "error", "message"),
    [
        # layout
        fails(IMAGES, IMAGES, "'NHWX' has an unknown axis 'X'", layout="NHWX"),
        fails(IMAGES, IMAGES, "unknown axis 'n'.*letters are capitals", layout="nhwc"),
        fails(IMAGES, IMAGES, r"'HWTC' has no axis 'N' \(samples\)", layout="HWTC"),
        fails(IMAGES, IMAGES, r"'NHWT' has no axis 'C' \(channels", layout="NHWT"),
        fails(IMAGES, IMAGES, "'' has no axis 'N'", layout=""),
        fails(IMAGES, IMAGES, "'NHHC' names the axis 'H' twice", layout="NHHC"),
        fails(IMAGES, IMAGES, r"1 entries for 2 arrays \(x, y\)", layout=("NHWC",)),
        fails(IMAGES, IMAGES, "'NHWC', not 3", TypeError, layout=("NHWC", 3)),
        fails(IMAGES, IMAGES, "layout=3 must be a string", TypeError, layout=3),
        # shapes
        fails(
            TOKENS, TOKENS, r"x has 3 axes \(shape \(10, 7, 3\)\), but its layout 'NHWC' names 4"
        ),
        fails(IMAGES, PLAIN, r"y has 2 axes.*a plain \(n_samples, features\).*the layout 'NC'"),
        fails(IMAGES, IMAGES, r"y has shape \(10, 8, 6, 3\), but must", layout=("NHWC", None)),
        fails(PLAIN, IMAGES, r"y has shape \(10, 8, 6, 3\), but must be", **NO_LAYOUT),
        fails(IMAGES, IMAGES[:9], r"x has 10 samples and y has 9 \(shapes .* and \(9, 8, 6, 3\)"),
        fails(PLAIN, PLAIN[:9], "x has 10 samples and y has 9", **NO_LAYOUT),
        fails(
            IMAGES, IMAGES[:, :0], r"y has shape \(10, 0, 6, 3\) .*every axis must be at least 1"
        ),
        fails(PLAIN[:0], PLAIN, r"x has shape \(0, 3\)", **NO_LAYOUT),
        # positions that do not pair
        fails(
            IMAGES,
            SMALL,
            "x has maps of 8 x 6 and y of 4 x 3: use spatial='resize', 'pool' or dft_cca$",
        ),
        fails(
            TOKENS,
            TOKENS[:, :4],
            "x has maps of 7 positions and y of 4 positions: use spatial='resize' or 'pool'$",
            layout="NTC",
        ),
        fails(
            IMAGES,
            TOKENS,
            "x has positions along H, W and y along T .*use spatial='pool' or 'flatten', or resh",
            layout=("NHWC", "NTC"),
        ),
        fails(
            IMAGES,
            PLAIN,
            "y has no positions to pair with the maps of 8 x 6 in x, as spatial='fold' needs: "
            "use spatial='pool' or 'flatten'$",
            layout=("NHWC", "NC"),
        ),
        fails(PLAIN, TOKENS, "x has no positions .* in y", layout=("NC", "NTC"), spatial="resize"),
        # options
        fails(IMAGES, IMAGES, "spatial='mean' is unknown.*'pool'", spatial="mean"),
        fails(IMAGES, IMAGES, r"spatial=\['fold'\] is unknown", spatial=["fold"]),
        fails(PLAIN, PLAIN, "spatial='pool' needs a layout", layout=None, spatial="pool"),
        fails(PLAIN, PLAIN, r"size=\(2, 2\) needs a layout", size=(2, 2), **NO_LAYOUT),
        fails(IMAGES, SMALL, r"size=\(2, 2\).*spatial='resize' only, not 'fold'", size=(2, 2)),
        *(
            fails(IMAGES, SMALL, message, error, spatial="resize", size=size)
            for size, error, message in (
                ((2,), ValueError, r"size=\(2,\) must hold one whole number.*axes H, W"),
                ((2, 0), ValueError, r"size=\(2, 0\) must hold one whole number, 1 or more"),
                ((2, 2.5), TypeError, r"size=\(2, 2.5\) must hold one whole number"),
                (2, TypeError, "size=2 must hold one whole number"),
                ("14", TypeError, "size='14' must hold one whole number"),
            )
        ),
        fails(PLAIN, PLAIN, "there are none", layout="NC", spatial="resize", size=(2,)),
        # dtypes
        fails(IMAGES.astype(complex), IMAGES, "x has dtype complex128", TypeError),
        fails(IMAGES, IMAGES.astype(str), "y has dtype <U.*float64", TypeError),
        fails(PLAIN, PLAIN.astype(object), "y has dtype object", TypeError, **NO_LAYOUT),
    ],
)
def test_errors(x, y, options, error, message):
    # Raised by the call: nobody has to ask for the first batch.
    with pytest.raises(error, match=message):
        batches(x, y, **options)
