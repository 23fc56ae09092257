"""bfloat16 through every measure: what it is worth in float32, and rounded to 8 bits."""

import pickle
import warnings

import numpy as np
import pytest

import fastcca
from cases import BACKENDS, known_correlations
from fastcca import _core, reference
from fastcca._inputs.arrays import as_real
from fastcca._inputs.bfloat16 import BFLOAT16, with_numbers
from fastcca.compat import cca_core, dft_ccas, numpy_pca, numpy_pls
from fastcca.reference import input_epsilon
from test_layouts_in_measures import MEASURES

both_backends = pytest.mark.parametrize("backend", BACKENDS)


def bfloat16(values):
    """Round to the nearest bfloat16; also what the numbers are then worth, float32."""
    bits = np.array(values, dtype=np.float32).view(np.uint32)
    bits = bits + np.uint32(0x7FFF) + ((bits >> 16) & 1)
    carried = (bits >> 16).astype(np.uint16).view(BFLOAT16)
    return carried, (bits & np.uint32(0xFFFF0000)).view(np.float32)


@pytest.fixture
def rng():
    return np.random.default_rng(61)


@pytest.fixture
def layers(rng):
    shared = rng.normal(size=(400, 2))
    x = shared @ rng.normal(size=(2, 5)) + rng.normal(size=(400, 5)) + 1.0
    y = shared @ rng.normal(size=(2, 4)) + rng.normal(size=(400, 4)) - 2.0
    return bfloat16(x), bfloat16(y)


def test_the_bindings_and_the_package_mean_the_same_dtype(layers):
    (x, wide), _ = layers
    state = _core.Moments()
    state.update(["x"], [x])
    np.testing.assert_array_equal(
        state.mean(0).astype(np.float32), wide.mean(0, dtype=float).astype(np.float32)
    )
    with pytest.raises(TypeError, match="must be float16, bfloat16, float32"):
        state.update(["x"], [x.view("V2")])


def test_numpy_calculates_with_none_of_them(layers):
    x = layers[0][0]
    for calculation in (lambda: x + 1, lambda: x.astype(float), lambda: np.isfinite(x), x.mean):
        with pytest.raises(TypeError):
            calculation()


def test_every_number():
    bits = np.arange(2**16, dtype=np.uint16)
    numbers = with_numbers(bits.view(BFLOAT16))
    np.testing.assert_array_equal(numbers.view(np.uint32), bits.astype(np.uint32) << 16)


@both_backends
@pytest.mark.parametrize("measure", MEASURES.values(), ids=MEASURES)
def test_a_measure_is_that_of_the_numbers(layers, backend, measure):
    (x, wide_x), (y, wide_y) = layers
    expected = measure(wide_x, wide_y, backend=backend)
    np.testing.assert_allclose(measure(x, y, backend=backend), expected, atol=1e-12)
    np.testing.assert_allclose(
        measure(x[::-1].T.copy().T[::-1], wide_y, backend=backend), expected, atol=1e-12
    )


@both_backends
@pytest.mark.parametrize("spatial", ["fold", "pool", "flatten", "resize"])
@pytest.mark.parametrize("layout", ["NHWC", "NCHW"])
def test_maps(rng, backend, spatial, layout):
    x, wide_x = bfloat16(rng.normal(size=(200, 3, 4, 2)))
    y, wide_y = bfloat16(rng.normal(size=(200, 3, 4, 2)) + wide_x)
    if layout == "NCHW":
        x, wide_x = (np.ascontiguousarray(a.transpose(0, 3, 1, 2)) for a in (x, wide_x))
        y, wide_y = (np.ascontiguousarray(a.transpose(0, 3, 1, 2)) for a in (y, wide_y))
    options = {"layout": layout, "spatial": spatial, "backend": backend}
    if spatial == "resize":
        options["size"] = (2, 3)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", fastcca.RankWarning)
        found, expected = (fastcca.cca(*a, **options) for a in ((x, y), (wide_x, wide_y)))
    np.testing.assert_allclose(found.correlations, expected.correlations, atol=1e-12)


@both_backends
def test_frequencies(rng, backend):
    x, wide_x = bfloat16(rng.normal(size=(300, 4, 4, 3)))
    y, wide_y = bfloat16(rng.normal(size=(300, 4, 4, 3)) + wide_x)
    found = fastcca.dft_cca(x, y, layout="NHWC", backend=backend)
    expected = fastcca.dft_cca(wide_x, wide_y, layout="NHWC", backend=backend)
    np.testing.assert_allclose(found.correlations, expected.correlations, atol=1e-6)


def test_the_epsilon():
    assert input_epsilon(BFLOAT16) == input_epsilon("bfloat16") == 2.0**-7


@both_backends
@pytest.mark.parametrize("method", ["auto", "moments", "qr"])
def test_rounding_is_no_direction(rng, backend, method):
    """Three signals in six features: as float32 the rounding of bfloat16 would make it six."""
    latent = rng.normal(size=(2000, 3))
    x, wide = bfloat16(latent @ rng.normal(size=(3, 6)))
    assert fastcca.cca(x, latent, backend=backend, method=method).x_rank == 3
    assert fastcca.cca(wide, latent, backend=backend, method=method).x_rank == 6
    found = fastcca.cca(x[:, np.newaxis], latent[:, np.newaxis], layout="NTC", backend=backend)
    assert found.x_rank == 3


@pytest.mark.parametrize(("kappa", "error"), [(10.0, 1e-2), (100.0, 1e-1)])
def test_what_eight_bits_know(kappa, error):
    x, _ = known_correlations([0.9, 0.5], n=4000, p=64, q=2, kappa=kappa)
    _, y = known_correlations([0.9, 0.5], n=4000, p=64, q=2)
    found = fastcca.cca(bfloat16(x)[0], bfloat16(y)[0])
    assert found.x_rank == 64
    np.testing.assert_allclose(found.correlations, [0.9, 0.5], atol=error)


@both_backends
@pytest.mark.parametrize(("mean", "rank"), [(40.0, 4), (50.0, 0)])
def test_means_that_leave_nothing_of_the_spread(rng, backend, mean, rank):
    x, _ = bfloat16(rng.normal(size=(2000, 4)) + mean)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", fastcca.RankWarning)
        assert fastcca.cca(x, rng.normal(size=(2000, 2)), backend=backend).x_rank == rank


@pytest.mark.parametrize("state", [fastcca.Moments, fastcca.QRFactor])
def test_states_remember(rng, state):
    latent = rng.normal(size=(2000, 3))
    x, _ = bfloat16(latent @ rng.normal(size=(3, 6)))
    filled = state()
    filled.update(x[:500], latent[:500])
    filled.update(x[500:], latent[500:])
    for stored in (filled, pickle.loads(pickle.dumps(filled))):
        assert stored._state.precision(0) == "bfloat16"
        assert fastcca.cca(stored).x_rank == 3


@both_backends
def test_fewer_samples_than_features(rng, backend):
    x, wide_x = bfloat16(rng.normal(size=(30, 50)))
    y, wide_y = bfloat16(rng.normal(size=(30, 40)))
    found = fastcca.cka(x, y, backend=backend)
    np.testing.assert_allclose(found, fastcca.cka(wide_x, wide_y, backend=backend), atol=1e-12)
    found = fastcca.svcca(x, y, keep=3, backend=backend)
    expected = fastcca.svcca(wide_x, wide_y, keep=3, backend=backend)
    np.testing.assert_allclose(found.correlations, expected.correlations, atol=1e-10)


def test_variates_and_projections(layers):
    (x, wide_x), (y, wide_y) = layers
    found = fastcca.cca(x, y)
    for a, b in zip(found.variates(x, y), found.variates(wide_x, wide_y), strict=True):
        np.testing.assert_array_equal(a, b)
    np.testing.assert_array_equal(found.project(x, 2), found.project(wide_x, 2))
    axes = fastcca.pca(x)
    np.testing.assert_array_equal(axes.project(x, 2), axes.project(wide_x, 2))


@both_backends
def test_values_that_are_not_finite(layers, backend):
    x = layers[0][0].copy()
    x.view(np.uint16)[3, 1] = 0x7F80
    with pytest.raises(ValueError, match="the first is inf at sample 3, feature 1"):
        fastcca.cca(x, layers[1][0], backend=backend)
    maps = x.reshape(100, 2, 2, 5)
    with pytest.raises(ValueError, match=r"the first is inf at x\[0, 1, 1, 1\] \(NHWC\)"):
        fastcca.cca(maps, layers[1][1][:100], layout=("NHWC", "NC"), spatial="pool")


def test_names_of_google(layers, rng):
    (x, wide_x), (y, wide_y) = layers
    found, expected = (
        cca_core.get_cca_similarity(a.T, b.T, compute_dirns=True)
        for a, b in ((x, y), (wide_x, wide_y))
    )
    np.testing.assert_allclose(found["cca_coef1"], expected["cca_coef1"], atol=1e-12)
    np.testing.assert_allclose(found["cca_dirns1"], expected["cca_dirns1"], atol=1e-10)
    found, expected = (numpy_pca.get_pca(a.T, compute_dirns=True) for a in (x, wide_x))
    np.testing.assert_allclose(found["pca_dirns"], expected["pca_dirns"], atol=1e-10)
    found, expected = (
        numpy_pls.get_pls_similarity(a.T, b.T) for a, b in ((x, y), (wide_x, wide_y))
    )
    for key, value in expected.items():
        np.testing.assert_allclose(found[key], value, atol=1e-10)
    maps, wide = bfloat16(rng.normal(size=(5, 4, 4, 2)))
    np.testing.assert_array_equal(
        dft_ccas.fft_resize(maps, resize=False), dft_ccas.fft_resize(wide, resize=False)
    )


def test_the_formulas_take_them(layers):
    (x, wide_x), (y, wide_y) = layers
    np.testing.assert_array_equal(
        reference.cca(x, y).correlations, reference.cca(wide_x, wide_y).correlations
    )


def test_arrays_of_ml_dtypes(layers):
    ml_dtypes = pytest.importorskip("ml_dtypes", reason="ml_dtypes is not installed")
    x, wide = layers[0]
    theirs = wide.astype(ml_dtypes.bfloat16)
    found = as_real(theirs, "x")
    np.testing.assert_array_equal(found, x)
    assert np.shares_memory(found, theirs)
    np.testing.assert_array_equal(as_real(theirs[::-2, ::2].T, "x"), x[::-2, ::2].T)
    swapped = theirs.view(np.uint16).byteswap().view(theirs.dtype.newbyteorder())
    np.testing.assert_array_equal(as_real(swapped, "x"), x)
    assert input_epsilon(theirs.dtype) == 2.0**-7
    assert fastcca.cca(theirs, layers[1][0]).mean == fastcca.cca(x, layers[1][0]).mean
