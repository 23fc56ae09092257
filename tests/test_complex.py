"""Complex activations: CCA with conjugates where they belong, moments, and who refuses them."""

import copy
import itertools
import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import linalg

import fastcca
from cases import BACKENDS, LAYOUTS, in_layout, small_integers
from fastcca import reference
from oracle import exact_cca

both_backends = pytest.mark.parametrize("backend", BACKENDS)


@pytest.fixture
def rng():
    return np.random.default_rng(1975)


def gaussian(rng, *shape):
    return rng.normal(size=shape) + 1j * rng.normal(size=shape)


def blocks(rng, n=80, p=4, q=3):
    """Improper complex blocks that share two signals; x and conj(y) correlate otherwise."""
    shared = gaussian(rng, n, 2)
    x = shared @ gaussian(rng, 2, p) + gaussian(rng, n, p) + rng.normal(size=(n, 1)) + (3.0 - 2.0j)
    y = shared @ gaussian(rng, 2, q) + 1.5 * gaussian(rng, n, q) - 1.0j
    return x, y


def centred(z):
    return z - z.mean(axis=0)


def by_bases(x, y):
    """Cosines between the column spaces: singular values of Qx^H Qy."""
    bases = [np.linalg.qr(centred(z))[0] for z in (x, y)]
    return np.linalg.svd(bases[0].conj().T @ bases[1], compute_uv=False)


def real_embedding(z):
    """[[Re, -Im], [Im, Re]] of the centred z: every correlation of z, twice."""
    c = centred(z)
    return np.block([[c.real, -c.imag], [c.imag, c.real]])


# --- right numbers ------------------------------------------------------------------------------


@both_backends
@pytest.mark.parametrize(("p", "q"), [(1, 1), (4, 3), (2, 5), (3, 3)])
@pytest.mark.parametrize("dtype", [np.complex64, np.complex128])
def test_extended_precision(rng, backend, p, q, dtype):
    x, y = (z.astype(dtype) for z in blocks(rng, 30, p, q))
    wide = [z.astype(np.complex128) for z in (x, y)]
    truth = exact_cca(*(real_embedding(z) for z in wide)).correlations

    found = fastcca.cca(x, y, backend=backend)

    assert found.correlations.dtype == np.float64
    np.testing.assert_allclose(found.correlations, truth[::2], rtol=0, atol=1e-13)
    np.testing.assert_allclose(found.correlations, by_bases(*wide), rtol=0, atol=1e-13)
    assert (found.x_rank, found.y_rank) == (p, q)


@both_backends
def test_variates_are_what_the_correlations_say(rng, backend):
    x, y = blocks(rng)

    found = fastcca.cca(x, y, backend=backend)

    assert found.x_weights.dtype == found.y_loadings.dtype == np.complex128
    np.testing.assert_allclose(found.x_mean, x.mean(axis=0), rtol=1e-13)
    u, v = found.variates(x, y)
    assert u.dtype == np.complex128
    np.testing.assert_allclose(u, centred(x) @ found.x_weights, rtol=0, atol=1e-12)
    np.testing.assert_allclose(u.conj().T @ u / 79, np.eye(3), atol=1e-12)
    np.testing.assert_allclose(v.conj().T @ v / 79, np.eye(3), atol=1e-12)
    np.testing.assert_allclose(u.conj().T @ v / 79, np.diag(found.correlations), atol=1e-12)
    np.testing.assert_allclose(found.x_loadings, centred(x).conj().T @ u / 79, atol=1e-11)
    np.testing.assert_allclose(found.y_loadings, centred(y).conj().T @ v / 79, atol=1e-11)


@both_backends
def test_a_rotating_phase_is_uncorrelated_with_its_conjugate(backend):
    phase = np.exp(2j * np.pi * np.arange(12) / 12)[:, np.newaxis]
    turned = fastcca.cca(phase, phase * (3.0 + 1.0j), backend=backend)
    np.testing.assert_allclose(turned.correlations, [1.0], atol=1e-14)
    mirrored = fastcca.cca(phase, phase.conj(), backend=backend)
    np.testing.assert_allclose(mirrored.correlations, [0.0], atol=1e-14)


@both_backends
def test_ridge(rng, backend):
    x, y = blocks(rng)
    a, b = (centred(z) / np.sqrt(np.sum(np.abs(centred(z)) ** 2, axis=0)) for z in (x, y))
    roots = [linalg.inv(linalg.sqrtm(z.conj().T @ z + 0.25 * np.eye(z.shape[1]))) for z in (a, b)]
    expected = np.linalg.svd(roots[0] @ a.conj().T @ b @ roots[1], compute_uv=False)

    found = fastcca.cca(x, y, ridge=0.25, backend=backend)

    np.testing.assert_allclose(found.correlations, expected, rtol=0, atol=1e-12)
    assert np.all(np.var(found.variates(x, y)[0], axis=0, ddof=1) < 1.0)


@both_backends
@pytest.mark.parametrize("side", ["x", "y"])
def test_projections_are_least_squares_on_the_variates(rng, backend, side):
    pair = blocks(rng)
    result = fastcca.cca(*pair, backend=backend)
    samples = pair["xy".index(side)]
    variates = result.variates(*pair)["xy".index(side)]
    for k in range(4):
        design = np.column_stack([np.ones(len(samples)), variates[:, :k]])
        expected = design @ np.linalg.lstsq(design, samples, rcond=None)[0]
        found = result.project(samples, k, side=side)
        assert found.dtype == np.complex128
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-11)


def test_agrees_with_the_reference_on_many_shapes(rng):
    for n, p, q in [(600, 40, 25), (400, 70, 3), (300, 1, 60)]:
        x, y = (z.astype(np.complex64) for z in blocks(rng, n, p, q))
        found, expected = fastcca.cca(x, y), reference.cca(x, y)
        np.testing.assert_allclose(found.correlations, expected.correlations, rtol=0, atol=1e-11)
        without = fastcca.cca(x, y, weights=False)
        assert without.x_weights is None
        np.testing.assert_allclose(without.correlations, found.correlations, rtol=0, atol=1e-13)


# --- real and complex ---------------------------------------------------------------------------


@both_backends
@pytest.mark.parametrize("which", [(1, 0), (0, 1), (1, 1)])
def test_real_data_given_as_complex_is_the_same(rng, backend, which):
    x, y = (z.real for z in blocks(rng))
    expected = fastcca.cca(x, y, backend=backend)
    given_data = [z.astype(complex) if to else z for z, to in zip((x, y), which, strict=True)]

    found = fastcca.cca(*given_data, backend=backend)

    np.testing.assert_allclose(found.correlations, expected.correlations, rtol=0, atol=1e-13)
    assert found.condition == pytest.approx(expected.condition, rel=1e-9)
    np.testing.assert_allclose(
        np.abs(found.x_weights), np.abs(expected.x_weights), rtol=0, atol=1e-11
    )


@both_backends
def test_one_side_real(rng, backend):
    x, _ = blocks(rng)
    y = x.real @ rng.normal(size=(4, 2)) + x.imag[:, :2] + rng.normal(size=(80, 2))
    for pair in ((x, y), (y, x), (x, y.astype(np.float32)), (y.astype(np.int8), x)):
        wide = [z.astype(np.complex128) for z in pair]
        found = fastcca.cca(*pair, backend=backend)
        np.testing.assert_allclose(found.correlations, by_bases(*wide), rtol=0, atol=1e-13)
        u, v = found.variates(*pair)
        np.testing.assert_allclose(u.conj().T @ v / 79, np.diag(found.correlations), atol=1e-12)


@given(st.integers(0, 2**32 - 1), st.integers(1, 5), st.integers(1, 5), st.floats(-4.0, 4.0))
def test_complex_affine_maps_and_conjugates_of_both_change_nothing(seed, p, q, angle):
    rng = np.random.default_rng(seed)
    x, y = blocks(rng, 60, p, q)
    expected = fastcca.cca(x, y).correlations
    mixing = gaussian(rng, p, p) + 4 * np.eye(p)
    tolerance = 1e-12 * (1 + np.linalg.cond(mixing) ** 2)

    mixed = fastcca.cca(x @ mixing + (2.0 - 7.0j), y * np.exp(1j * angle)).correlations
    np.testing.assert_allclose(mixed, expected, rtol=0, atol=tolerance)
    mirrored = fastcca.cca(x.conj(), y.conj()).correlations
    np.testing.assert_allclose(mirrored, expected, rtol=0, atol=1e-12)
    swapped = fastcca.cca(y, x).correlations
    np.testing.assert_allclose(swapped, expected, rtol=0, atol=1e-12)


@both_backends
def test_the_conjugate_of_one_side_does_change_it(rng, backend):
    x, y = blocks(rng)
    expected = fastcca.cca(x, y, backend=backend).correlations
    found = fastcca.cca(x, y.conj(), backend=backend).correlations
    assert np.abs(found - expected).max() > 0.05
    np.testing.assert_allclose(found, by_bases(x, y.conj()), rtol=0, atol=1e-13)


# --- rank ---------------------------------------------------------------------------------------


@both_backends
@pytest.mark.parametrize("offset", [0.0, 10.0, 1000.0])
def test_rank_follows_the_stored_precision(rng, backend, offset):
    latent = gaussian(rng, 400, 4)
    x = latent @ gaussian(rng, 4, 12) + offset * np.exp(1j * rng.uniform(0.0, 6.0, size=12))
    x = np.column_stack([np.full(400, 0.3 - 0.1j), x]).astype(np.complex64)

    found = fastcca.cca(x, latent, backend=backend)

    assert (found.x_rank, found.y_rank) == (4, 4)
    np.testing.assert_array_equal(found.x_dead, [0])
    np.testing.assert_array_equal(found.x_weights[0], 0.0)
    np.testing.assert_allclose(found.correlations, np.ones(4), atol=1e-4 * (1 + offset / 100))
    # the same values as complex128 are not known to be rounded
    assert fastcca.cca(x.astype(np.complex128), latent, backend="numpy").x_rank == 12


@both_backends
def test_dead_and_collinear_units(rng, backend):
    x, y = blocks(rng)
    expected = fastcca.cca(x, y, backend=backend)
    spoiled = np.column_stack([x, x[:, 0] * 1j - x[:, 1], np.full(80, 0.1 + 0.2j)])
    found = fastcca.cca(spoiled, y, backend=backend)
    # only the samples could decide: the compiled core hands them to the reference
    assert found.method == "qr"
    assert found.x_rank == 4
    np.testing.assert_array_equal(found.x_dead, [5])
    np.testing.assert_allclose(found.correlations, expected.correlations, rtol=0, atol=1e-12)
    with pytest.warns(fastcca.RankWarning, match="no feature of x varies"):
        dead = fastcca.cca(np.full((80, 2), 1j), y, backend=backend)
    assert dead.mean == 0.0
    assert dead.x_weights.shape == (2, 0)


def test_moments_alone_warn(rng):
    x, y = blocks(rng)
    moments = fastcca.Moments()
    moments.update(np.column_stack([x, x[:, 0] * 1j - x[:, 1]]), y)
    with pytest.warns(fastcca.AccuracyWarning, match="with backend='numpy'"):
        fastcca.cca(moments)


@both_backends
def test_fewer_samples_than_features(rng, backend):
    x, y = gaussian(rng, 12, 20), gaussian(rng, 12, 3)
    with pytest.warns(fastcca.RankWarning, match="3 of the 3 correlations are 1"):
        found = fastcca.cca(x, y, backend=backend)
    assert found.x_rank == 11
    np.testing.assert_allclose(found.correlations, np.ones(3), atol=1e-12)


@both_backends
def test_badly_scaled_features_cost_nothing(rng, backend):
    x, y = blocks(rng)
    expected = fastcca.cca(x, y, backend=backend)
    found = fastcca.cca(x * 10.0 ** np.array([-40, -10, 0, 30]), y * 1e-50, backend=backend)
    np.testing.assert_allclose(found.correlations, expected.correlations, rtol=0, atol=1e-12)
    assert found.condition == pytest.approx(expected.condition, rel=1e-6)


# --- input --------------------------------------------------------------------------------------


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("dtype", [np.complex64, np.complex128])
def test_memory_layout_and_dtype_change_no_bit(tmp_path, layout, dtype):
    x = small_integers(90, 7, seed=1) + 1j * small_integers(90, 7, seed=2)
    y = small_integers(90, 5, seed=3) - 1j * small_integers(90, 5, seed=4)
    expected = fastcca.cca(x, y, weights=False).correlations
    given_x = in_layout(x.astype(dtype), layout, tmp_path)
    before = given_x.tobytes()
    found = fastcca.cca(given_x, y.astype(dtype), weights=False).correlations
    np.testing.assert_array_equal(found, expected)
    assert given_x.tobytes() == before


@both_backends
@pytest.mark.parametrize("side", ["x", "y"])
@pytest.mark.parametrize("bad", [complex(1.0, np.nan), complex(np.nan, 1.0), complex(0, -np.inf)])
def test_values_that_are_not_finite(rng, backend, side, bad):
    pair = dict(zip("xy", blocks(rng), strict=True))
    pair[side][7, 2] = bad
    with pytest.raises(ValueError, match=rf"{side}(\.imag)? has 1 value .*sample 7, feature 2"):
        fastcca.cca(pair["x"], pair["y"], backend=backend)


@both_backends
def test_what_is_too_wide_or_too_few(rng, backend):
    x, y = blocks(rng)
    with pytest.raises(TypeError, match=r"y has dtype c(omplex256|longdouble)"):
        fastcca.cca(x, y.astype(np.clongdouble), backend=backend)
    with pytest.raises(ValueError, match="at least 2 samples"):
        fastcca.cca(x[:1], y[:1], backend=backend)
    with pytest.raises(ValueError, match="x has 79 samples and y has 80"):
        fastcca.cca(x[1:], y, backend=backend)


# --- moments ------------------------------------------------------------------------------------


def batched(*pair, names=("x", "y"), cuts=(0, 30, 31, 80)):
    moments = fastcca.Moments()
    for start, stop in itertools.pairwise(cuts):
        moments.update(**{name: block[start:stop] for name, block in zip(names, pair, strict=True)})
    return moments


def test_means_and_covariances_are_numpy_s(rng):
    x, y = blocks(rng)
    z = rng.normal(size=(80, 2)) + x.real[:, :2]
    moments = batched(x, z, y, names=("a", "real", "b"))
    assert moments.block_names == ("a", "real", "b")
    assert repr(moments) == "Moments(n_samples=80, blocks={'a': 4, 'real': 2, 'b': 3})"
    data = {"a": x, "real": z, "b": y}
    for first, left in data.items():
        np.testing.assert_allclose(moments.mean(first), left.mean(axis=0), rtol=1e-13)
        for second, right in data.items():
            p = left.shape[1]
            expected = np.cov(left.T, right.T)[:p, p:]
            found = moments.covariance(first, second)
            np.testing.assert_allclose(found, expected, rtol=0, atol=1e-12)
            is_real = first == second == "real"
            assert found.dtype == (np.float64 if is_real else np.complex128)
    assert moments.mean("a").dtype == np.complex128
    assert moments.mean("real").dtype == np.float64


def test_merge_is_exact(rng):
    x, y = blocks(rng)
    whole = batched(x, y, cuts=(0, 80))
    first, second = batched(x, y, cuts=(0, 30)), batched(x, y, cuts=(30, 80))
    total = first + second
    first.merge(second)
    for moments in (first, total, sum([batched(x, y, cuts=(0, 30)), second])):
        assert moments.n_samples == 80
        for pair in (("x", "x"), ("x", "y"), ("y", "y")):
            np.testing.assert_allclose(
                moments.covariance(*pair), whole.covariance(*pair), rtol=0, atol=1e-13
            )
        np.testing.assert_allclose(
            fastcca.cca(moments).correlations, fastcca.cca(x, y).correlations, rtol=0, atol=1e-13
        )


def test_means_far_above_the_spread(rng):
    x, _ = blocks(rng)
    far = x + (1e8 - 1e8j)
    exact = far - (1e8 - 1e8j)  # what adding has rounded away is gone
    found = batched(far, names=("x",), cuts=(0, 80)).covariance("x", "x")
    np.testing.assert_allclose(found, np.cov(exact.T), rtol=0, atol=1e-11)


@pytest.mark.parametrize("protocol", range(2, pickle.HIGHEST_PROTOCOL + 1))
def test_pickle_and_copies_keep_every_bit(rng, protocol):
    x, y = blocks(rng)
    moments = batched(x.astype(np.complex64), y)
    for again in (
        pickle.loads(pickle.dumps(moments, protocol)),
        copy.deepcopy(moments),
        moments.copy(),
    ):
        assert again.block_names == ("x", "y")
        np.testing.assert_array_equal(again.covariance("x", "y"), moments.covariance("x", "y"))
        np.testing.assert_array_equal(again.mean("x"), moments.mean("x"))
        np.testing.assert_array_equal(
            fastcca.cca(again).correlations, fastcca.cca(moments).correlations
        )
        again.update(x, y)
        assert (again.n_samples, moments.n_samples) == (160, 80)


@both_backends
def test_pairs(rng, backend):
    x, y = blocks(rng)
    z = rng.normal(size=(80, 2)) + x.real[:, :2]
    moments = batched(x, z, y, names=("a", "real", "b"))
    data = {"a": x, "real": z, "b": y}
    for first, second in (("a", "b"), ("b", "a"), ("a", "real"), ("real", "b"), ("a", "a")):
        view = moments.pair(first, second)
        expected = by_bases(data[first].astype(complex), data[second].astype(complex))
        for state in (view, pickle.loads(pickle.dumps(view))):
            if first != second:
                assert state.block_names == (first, second)
                found = fastcca.cca(state, backend=backend)
                np.testing.assert_allclose(found.correlations, expected, rtol=0, atol=1e-12)
                u, v = found.variates(data[first], data[second])
                np.testing.assert_allclose(
                    u.conj().T @ v / 79, np.diag(found.correlations), atol=1e-11
                )
    itself = fastcca.cca(moments.pair("a", "a"), backend=backend)
    np.testing.assert_allclose(itself.correlations, np.ones(4), atol=1e-13)


@both_backends
def test_the_coarsest_precision_is_remembered(rng, backend):
    latent = gaussian(rng, 200, 3)
    x = latent @ gaussian(rng, 3, 8)
    y = gaussian(rng, 200, 2)
    moments = batched(x[:100].astype(np.complex64), y[:100], cuts=(0, 100))
    moments.merge(batched(x[100:].astype(np.complex64).astype(complex), y[100:], cuts=(0, 100)))
    assert fastcca.cca(pickle.loads(pickle.dumps(moments)), backend=backend).x_rank == 3


def test_a_rejected_batch_changes_nothing(rng):
    x, y = blocks(rng)
    moments = batched(x, y)
    before = pickle.dumps(moments)
    spoiled = y.copy()
    spoiled[3, 1] = complex(0.0, np.nan)
    for batch, message in (
        ((x, spoiled), r"y(\.imag)? has 1 value"),
        ((x.real, y), "x"),
        ((x, y[1:]), "samples"),
        ((x[:, :2], y), "features"),
    ):
        with pytest.raises(ValueError, match=message):
            moments.update(*batch)
        assert pickle.dumps(moments) == before


def test_names_that_would_be_taken_for_imaginary_parts(rng):
    x, y = blocks(rng)
    moments = fastcca.Moments()
    for batch in ({"x": x.real, "x.imag": y.real}, {"x": x, "x.imag": y}):
        with pytest.raises(ValueError, match=r"'x\.imag' stands for the imaginary part"):
            moments.update(**batch)
    moments.update(**{"layer.imag": x.real, "x": y})
    assert moments.block_names == ("layer.imag", "x")


# --- measures that are for real data ------------------------------------------------------------

REAL_ONLY = {
    "svcca": fastcca.svcca,
    "pwcca": fastcca.pwcca,
    "pwcca symmetric": lambda *pair, **k: fastcca.pwcca(*pair, variant="symmetric", **k),
    "pwcca google": lambda *pair, **k: fastcca.pwcca(*pair, variant="google", **k),
    "pls": fastcca.pls,
    "cka": fastcca.cka,
    "cka debiased": lambda *pair, **k: fastcca.cka(*pair, debiased=True, **k),
    "procrustes": fastcca.procrustes,
    "linear_regression_r2": fastcca.linear_regression_r2,
    "compare": fastcca.compare,
    "compare cca": lambda *pair, **k: fastcca.compare(*pair, measures=("cca",), **k),
}


@both_backends
@pytest.mark.parametrize("measure", REAL_ONLY.values(), ids=REAL_ONLY)
def test_other_measures_refuse(rng, backend, measure):
    x, y = blocks(rng)
    for pair, name in (((x, y), "x"), ((x, y.real), "x"), ((x.real, y.astype(np.complex64)), "y")):
        with pytest.raises(TypeError, match=f"{name} is complex"):
            measure(*pair, backend=backend)
        with pytest.raises(TypeError, match=f"{name} is complex"):
            measure(batched(*pair), backend=backend)


@both_backends
def test_pca_and_maps_refuse(rng, backend):
    x, y = blocks(rng)
    with pytest.raises(TypeError, match="x is complex"):
        fastcca.pca(x, backend=backend)
    with pytest.raises(TypeError, match="x is complex"):
        fastcca.pca(batched(x, names=("x",)), backend=backend)
    maps = x.reshape(20, 2, 2, 4), y.reshape(20, 2, 2, 3)
    for measure in (fastcca.cca, fastcca.svcca, fastcca.dft_cca, fastcca.cka):
        with pytest.raises(TypeError, match="x has dtype complex128"):
            measure(*maps, layout="NHWC", backend=backend)
        with pytest.raises(TypeError, match="y has dtype complex128"):
            measure(maps[0].real, maps[1], layout="NHWC", backend=backend)


def test_a_result_of_real_data_takes_no_complex_samples(rng):
    x, y = blocks(rng)
    found = fastcca.cca(x.real, y.real)
    with pytest.raises(TypeError, match="y has dtype complex128, but the analysis is one of real"):
        found.variates(x.real, y)
    both = fastcca.cca(x, y)
    assert both.variates(x.real, y)[0].dtype == np.complex128
