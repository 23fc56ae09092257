"""Every measure of maps equals the measure of plain (samples, features) arrays built by hand."""

import pickle
import warnings

import numpy as np
import pytest

import fastcca
from cases import BACKENDS
from fastcca._solve.pair import pair_of, single_of

both_backends = pytest.mark.parametrize("backend", BACKENDS)

MEASURES = {
    "cca": lambda *a, **k: fastcca.cca(*a, **k).correlations,
    "svcca": lambda *a, **k: fastcca.svcca(*a, keep=0.9, **k).correlations,
    "pwcca": lambda *a, **k: fastcca.pwcca(*a, **k).weights,
    "pwcca symmetric": lambda *a, **k: fastcca.pwcca(*a, variant="symmetric", **k).value,
    "pwcca google": lambda *a, **k: fastcca.pwcca(*a, variant="google", **k).value,
    "pls": lambda *a, **k: fastcca.pls(*a, **k).singular_values,
    "cka": fastcca.cka,
    "cka debiased": lambda *a, **k: fastcca.cka(*a, debiased=True, **k),
    "procrustes": fastcca.procrustes,
    "linear_regression_r2": fastcca.linear_regression_r2,
    "compare": lambda *a, **k: list(fastcca.compare(*a, **k).values()),
}
every_measure = pytest.mark.parametrize("measure", MEASURES.values(), ids=MEASURES)


@pytest.fixture
def rng():
    return np.random.default_rng(11)


def images(rng, n=40, height=6, width=4, p=4, q=3, dtype=np.float64):
    """Two layers (n, height, width, channels) that share two signals, with means."""
    shared = rng.normal(size=(n, height, width, 2))

    def layer(channels):
        noise = rng.normal(size=(n, height, width, channels))
        return (shared @ rng.normal(size=(2, channels)) + noise + 3.0).astype(dtype)

    return layer(p), layer(q)


def crop(a):
    """The same values in the middle of a larger array."""
    wide = np.full([size + 3 for size in a.shape], 77, dtype=a.dtype)
    inner = wide[tuple(slice(1, size + 1) for size in a.shape)]
    inner[...] = a
    return inner


def in_layout(a, layout):
    """NHWC to another order of axes, contiguous in that order."""
    return np.ascontiguousarray(a.transpose(["NHWC".index(axis) for axis in layout]))


GUISES = {
    "NHWC": lambda a: (a, "NHWC"),
    "NCHW": lambda a: (in_layout(a, "NCHW"), "NCHW"),
    "CHWN": lambda a: (in_layout(a, "CHWN"), "CHWN"),
    "NHWC crop": lambda a: (crop(a), "NHWC"),
    "NCHW crop": lambda a: (crop(in_layout(a, "NCHW")), "NCHW"),
    "NHWC reversed": lambda a: (np.flip(np.flip(a).copy()), "NHWC"),
    "NTC": lambda a: (a.reshape(len(a), -1, a.shape[-1]), "NTC"),
    "NCT crop": lambda a: (crop(a.reshape(len(a), -1, a.shape[-1]).swapaxes(1, 2)), "NCT"),
}
PLAIN = {
    "fold": lambda a: a.reshape(-1, a.shape[-1]),
    "pool": lambda a: a.mean(axis=(1, 2), dtype=np.float64),
    "flatten": lambda a: a.reshape(len(a), -1),
}


def same(found, expected, atol=1e-11):
    scale = max(1.0, float(np.max(np.abs(expected))))
    np.testing.assert_allclose(found, expected, rtol=0, atol=atol * scale)


# --- the same numbers ---------------------------------------------------------------------------


@both_backends
@every_measure
@pytest.mark.parametrize("spatial", PLAIN)
@pytest.mark.parametrize("guise", ["NHWC", "NCHW crop", "NCT crop"])
def test_layers_in_any_order(rng, backend, measure, spatial, guise):
    x, y = images(
        rng, 140 if spatial == "flatten" else 40, *((3, 2) if spatial == "flatten" else ())
    )
    expected = measure(PLAIN[spatial](x), PLAIN[spatial](y), backend=backend)
    (x_given, layout), (y_given, _) = GUISES[guise](x), GUISES[guise](y)

    found = measure(x_given, y_given, layout=layout, spatial=spatial, backend=backend)

    same(found, expected)


@every_measure
def test_fold_is_what_a_layout_alone_means(rng, measure):
    x, y = images(rng)
    plain = measure(*(a.reshape(-1, a.shape[-1]) for a in (x, y)))
    same(measure(x, y, layout="NHWC"), plain)
    same(measure(x, in_layout(y, "NCHW"), layout=("NHWC", "NCHW")), plain)
    same(measure(in_layout(x, "NWHC"), y, layout=("NWHC", "NHWC")), plain)


@both_backends
@every_measure
@pytest.mark.parametrize("guise", ["NHWC", "NCHW", "NHWC crop"])
def test_resizing_to_half_is_the_mean_of_four(rng, backend, measure, guise):
    x, y = images(rng)
    halved = x.reshape(40, 3, 2, 2, 2, 4).mean(axis=(2, 4))
    small = y[:, ::2, ::2]
    expected = measure(halved.reshape(-1, 4), small.reshape(-1, 3), backend=backend)
    (x_given, layout), (y_given, _) = GUISES[guise](x), GUISES[guise](small)

    found = measure(x_given, y_given, layout=layout, spatial="resize", backend=backend)

    same(found, expected)
    by_size = measure(
        x_given, y_given, layout=layout, spatial="resize", size=(3, 2), backend=backend
    )
    same(by_size, expected)


@both_backends
@every_measure
@pytest.mark.parametrize("spatial", ["pool", "flatten"])
def test_a_map_against_a_plain_side(rng, backend, measure, spatial):
    x, y = images(rng, 140, 3, 2)
    logits = y.mean(axis=(1, 2)) + 0.1 * rng.normal(size=(140, 3))
    expected = measure(PLAIN[spatial](x), logits, backend=backend)
    for axes in ("NC", None):
        found = measure(x, logits, layout=("NHWC", axes), spatial=spatial, backend=backend)
        same(found, expected)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.uint8, np.int16])
@every_measure
def test_dtypes(rng, measure, dtype):
    x, y = ((20 * a + 40).astype(dtype) for a in images(rng))
    expected = measure(*(a.astype(np.float64).reshape(-1, a.shape[-1]) for a in (x, y)))
    same(measure(x, y, layout="NHWC"), expected)
    pooled = measure(*(a.mean(axis=(1, 2), dtype=np.float64) for a in (x, y)))
    same(measure(x, y, layout="NHWC", spatial="pool"), pooled)


@both_backends
@pytest.mark.parametrize("spatial", ["fold", "flatten"])
def test_rounding_of_float16_is_no_direction(rng, backend, spatial):
    latent = rng.normal(size=(2000, 3))
    x = (latent @ rng.normal(size=(3, 6))).astype(np.float16)
    maps = x[:, np.newaxis], latent[:, np.newaxis]
    assert fastcca.cca(*maps, layout="NTC", spatial=spatial, backend=backend).x_rank == 3


@both_backends
@pytest.mark.parametrize("spatial", PLAIN)
@pytest.mark.parametrize("guise", GUISES)
def test_pca(rng, backend, guise, spatial):
    x, _ = images(rng, 40, 3, 2)
    plain = PLAIN[spatial](x)
    expected = fastcca.pca(plain, backend=backend)
    x_given, layout = GUISES[guise](x)

    found = fastcca.pca(x_given, layout=layout, spatial=spatial, backend=backend)

    same(found.explained_variance, expected.explained_variance)
    same(found.mean, plain.mean(axis=0))
    assert (found.rank, found.n_samples) == (expected.rank, len(plain))


def test_pca_resized(rng):
    x, _ = images(rng)
    halved = x.reshape(40, 3, 2, 2, 2, 4).mean(axis=(2, 4)).reshape(-1, 4)
    found = fastcca.pca(x, layout="NHWC", spatial="resize", size=(3, 2))
    same(found.explained_variance, np.linalg.eigvalsh(np.cov(halved.T))[::-1])


@both_backends
def test_results_count_positions_as_samples(rng, backend):
    x, y = images(rng)
    folded = fastcca.cca(x, y, layout="NHWC", backend=backend)
    assert folded.n_samples == 40 * 6 * 4
    plain = x.reshape(-1, 4), y.reshape(-1, 3)
    u, v = folded.variates(*plain)
    joint = np.cov(u.T, v.T)
    np.testing.assert_allclose(joint[:3, 3:], np.diag(folded.correlations), atol=1e-11)
    np.testing.assert_allclose(folded.project(plain[1], 3, side="y"), plain[1], atol=1e-11)
    assert fastcca.cca(x, y, layout="NHWC", spatial="pool", backend=backend).n_samples == 40


# --- the same bits, and no more than the data hold ----------------------------------------------


@pytest.mark.parametrize("guise", GUISES)
@pytest.mark.parametrize(("p", "q"), [(5, 3), (40, 70)])
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_folded_moments_have_the_bits_of_a_contiguous_copy(rng, guise, p, q, dtype):
    x, y = images(rng, 60, 9, 7, p, q, dtype)
    (x_given, layout), (y_given, _) = GUISES[guise](x), GUISES[guise](y)
    expected = fastcca.Moments()
    expected.update(*(a.reshape(-1, a.shape[-1]) for a in (x, y)))

    place = expected._place
    found = pair_of(x_given, y_given, layout=layout, spatial="fold", backend=place).moments

    assert pickle.dumps(found) == pickle.dumps(expected)
    alone = fastcca.Moments()
    alone.update(x.reshape(-1, p))
    found = single_of(x_given, layout=layout, backend=place).moments
    assert pickle.dumps(found) == pickle.dumps(alone)


@both_backends
@pytest.mark.parametrize("spatial", ["fold", "pool", "resize"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_rank_is_decided_by_the_rounding_of_the_maps(rng, backend, spatial, dtype):
    """What pooling and resizing compute in float64 from float32 is no better than float32."""
    _, y = images(rng, 300)
    x = y @ rng.normal(size=(3, 12)) + 300.0
    x = x.astype(dtype)
    size = (3, 2) if spatial == "resize" else None
    found = fastcca.cca(x, y, layout="NHWC", spatial=spatial, size=size, backend=backend)
    assert (found.x_rank, found.y_rank) == (3, 3)
    np.testing.assert_allclose(found.correlations, np.ones(3), atol=1e-4)


@both_backends
@pytest.mark.parametrize("spatial", PLAIN)
def test_maps_are_not_written_to(rng, backend, spatial):
    x, y = images(rng)
    kept = x.copy(), y.copy()
    x.flags.writeable = y.flags.writeable = False
    fastcca.cka(x, y, layout="NHWC", spatial=spatial, backend=backend)
    np.testing.assert_array_equal(x, kept[0])
    np.testing.assert_array_equal(y, kept[1])


@every_measure
def test_batches_of_computed_blocks_change_nothing(rng, measure, monkeypatch):
    x, y = images(rng)
    for spatial, size in (("pool", None), ("resize", (5, 3)), ("fold", None)):
        options = {"layout": "NDHWC", "spatial": spatial}
        given = [crop(a.reshape(40, 3, 2, 4, a.shape[-1])) for a in (x, y)]  # gaps between axes
        size = size and (3, *size[:1], 2)
        expected = measure(*given, size=size, **options)
        with monkeypatch.context() as patch:
            patch.setattr("fastcca._inputs.layouts.BLOCK_BYTES", 3000)
            found = measure(*given, size=size, **options)
        same(found, expected)


# --- moments ------------------------------------------------------------------------------------


@both_backends
@pytest.mark.parametrize("measure", [f for name, f in MEASURES.items() if "debiased" not in name])
def test_moments_of_folded_batches(rng, backend, measure):
    x, y = images(rng)
    moments = fastcca.Moments()
    for rows in (slice(0, 7), slice(7, 40)):
        moments.update(*(a[rows].reshape(-1, a.shape[-1]) for a in (x, y)))
    # Google's number hangs on signs that an SVD leaves open: of two LAPACKs there are two numbers.
    other = {"backend": backend} if measure is MEASURES["pwcca google"] else {}
    same(measure(moments, backend=backend), measure(x, y, layout="NHWC", **other), 1e-10)
    for options in ({"layout": "NHWC"}, {"spatial": "pool"}, {"size": (2, 2)}):
        with pytest.raises(TypeError, match="layout, spatial and size are for arrays"):
            measure(moments, backend=backend, **options)


# --- errors -------------------------------------------------------------------------------------


@both_backends
@every_measure
def test_arguments_that_do_not_fit(rng, backend, measure):
    x, y = images(rng)
    for pair, options, message in (
        ((x, y), {}, r"x has shape \(40, 6, 4, 4\).*layout="),
        ((x, y[:, :3]), {"layout": "NHWC"}, r"maps of 6 x 4 and y of 3 x 4: use spatial='resize'"),
        ((x, y[1:]), {"layout": "NHWC"}, "x has 40 samples and y has 39"),
        ((x, y), {"spatial": "pool"}, "spatial='pool' needs a layout"),
        ((x, y), {"size": (2, 2)}, r"size=\(2, 2\) needs a layout"),
        ((x, y), {"layout": "NHWC", "spatial": "stack"}, "spatial='stack' is unknown"),
        ((x, y), {"layout": "NHWC", "size": (2, 2)}, "spatial='resize' only"),
        ((x, y), {"layout": ("NHWC",)}, "1 entries for 2 arrays"),
        ((x, y[:, 0]), {"layout": ("NHWC", "NWC")}, "cannot pair"),
        ((x, y[:, 0, 0]), {"layout": ("NHWC", "NC")}, "no positions to pair"),
    ):
        with pytest.raises(ValueError, match=message):
            measure(*pair, backend=backend, **options)


@both_backends
@every_measure
@pytest.mark.parametrize("spatial", ["fold", "pool", "flatten", "resize"])
def test_values_that_are_not_finite(rng, backend, measure, spatial):
    x, y = images(rng)
    spoiled = in_layout(y, "NCHW")
    spoiled[5, 1, 2, 3] = np.nan
    options = {"layout": ("NHWC", "NCHW"), "spatial": spatial, "backend": backend}
    if spatial == "resize":
        options["size"] = (3, 2)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(ValueError, match=r"y has 1 value that is not finite; the first is nan"):
            measure(x, spoiled, **options)
