"""fastcca.cca against extended precision, the reference, and what invariance demands."""

import warnings

import numpy as np
import pytest

import fastcca
from cases import (
    BACKENDS,
    DTYPES,
    LAYOUTS,
    google_logits,
    in_layout,
    known_correlations,
    rank_deficient,
    small_integers,
)
from oracle import exact_cca


@pytest.fixture
def rng():
    return np.random.default_rng(20260)


def shared_blocks(rng, n=200, p=5, q=4, dtype=np.float64):
    shared = rng.normal(size=(n, 2))
    x = shared @ rng.normal(size=(2, p)) + rng.normal(size=(n, p)) + 3.0
    y = shared @ rng.normal(size=(2, q)) + rng.normal(size=(n, q)) - 1.0
    return x.astype(dtype), y.astype(dtype)


# --- right numbers ------------------------------------------------------------------------------


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize(("p", "q"), [(1, 1), (1, 4), (5, 2), (3, 3)])
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, np.int8])
def test_extended_precision(rng, backend, p, q, dtype):
    x, y = shared_blocks(rng, 60, p, q, np.float64)
    x, y = (10 * x).astype(dtype), (10 * y).astype(dtype)
    truth = exact_cca(x, y)
    found = fastcca.cca(x, y, backend=backend)
    np.testing.assert_allclose(found.correlations, truth.correlations, rtol=0, atol=1e-13)
    np.testing.assert_allclose(found.x_mean, truth.x_mean, rtol=1e-14)
    np.testing.assert_allclose(
        found.condition, max(truth.x_condition, truth.y_condition), rtol=1e-9
    )
    signs = np.sign(np.sum(found.x_weights * truth.x_weights, axis=0))
    np.testing.assert_allclose(found.x_weights * signs, truth.x_weights, rtol=0, atol=1e-10)
    np.testing.assert_allclose(found.y_weights * signs, truth.y_weights, rtol=0, atol=1e-10)


@pytest.mark.parametrize("backend", BACKENDS)
def test_ridge_in_extended_precision(rng, backend):
    x, y = shared_blocks(rng, 50, 4, 3)
    truth = exact_cca(x, y, ridge=0.25)
    found = fastcca.cca(x, y, ridge=0.25, backend=backend)
    np.testing.assert_allclose(found.correlations, truth.correlations, rtol=0, atol=1e-13)
    variates = np.hstack(found.variates(x, y))
    assert np.all(variates.var(axis=0, ddof=1) < 1.0)


@pytest.mark.parametrize("kappa", [1.0, 1e2, 1e4])
def test_error_is_what_the_condition_promises(kappa):
    rho = [1 - 1e-10, 0.9, 0.5, 1e-3, 1e-9]
    x, y = known_correlations(rho, n=400, p=6, q=5, kappa=kappa)
    truth = exact_cca(x, y).correlations
    found = fastcca.cca(x, y)
    error = np.max(np.abs(found.correlations - truth))
    assert error < 10 * found.condition**2 * 2.2e-16 + 1e-14
    assert 0.2 * kappa <= found.condition <= 5 * kappa


def test_google_logits_in_extended_precision():
    stored = google_logits()
    found = fastcca.cca(stored["x"].T, stored["y"].T)
    np.testing.assert_allclose(
        found.correlations, stored["truth_longdouble_cca"], rtol=0, atol=1e-12
    )
    assert found.mean == pytest.approx(0.70572631, abs=5e-9)
    assert found.mean_squared == pytest.approx(0.56862437, abs=5e-9)
    assert found.thresholded_mean(0.98) == pytest.approx(0.77410833, abs=5e-9)


def test_many_shapes_agree_with_the_reference(rng):
    # Widths around the kernel's panels and the change from narrow to wide accumulation.
    for n, p, q in [(2000, 7, 9), (3000, 64, 33), (1500, 130, 1), (4000, 250, 280)]:
        x, y = shared_blocks(rng, n, p, q, np.float32)
        found = fastcca.cca(x, y)
        expected = fastcca.cca(x, y, backend="numpy")
        assert (found.method, expected.method) == ("moments", "qr")
        assert (found.x_rank, found.y_rank) == (p, q)
        np.testing.assert_allclose(found.correlations, expected.correlations, rtol=0, atol=1e-12)
        # Of more than 128 features it is estimated.
        rtol = 1e-9 if max(p, q) <= 128 else 0.02
        np.testing.assert_allclose(found.condition, expected.condition, rtol=rtol)


@pytest.mark.parametrize("backend", BACKENDS)
def test_variates_are_what_the_correlations_say(rng, backend):
    x, y = shared_blocks(rng, 300, 5, 3, np.float32)
    found = fastcca.cca(x, y, backend=backend)
    x_variates, y_variates = found.variates(x, y)
    joint = np.cov(x_variates.T, y_variates.T)
    k = found.correlations.size
    np.testing.assert_allclose(joint[:k, :k], np.eye(k), atol=1e-12)
    np.testing.assert_allclose(joint[k:, k:], np.eye(k), atol=1e-12)
    np.testing.assert_allclose(joint[:k, k:], np.diag(found.correlations), atol=1e-12)


def test_weights_do_not_change_the_correlations(rng):
    x, y = shared_blocks(rng)
    without = fastcca.cca(x, y, weights=False)
    assert without.x_weights is None
    assert without.y_weights is None
    np.testing.assert_allclose(
        without.correlations, fastcca.cca(x, y).correlations, rtol=0, atol=1e-14
    )
    with pytest.raises(ValueError, match="weights=True"):
        without.variates(x, y)


# --- invariance ---------------------------------------------------------------------------------


def test_a_layer_agrees_with_itself(rng):
    x, _ = shared_blocks(rng, 200, 6, 6, np.float32)
    np.testing.assert_allclose(fastcca.cca(x, x).correlations, np.ones(6), atol=1e-13)


# --- input --------------------------------------------------------------------------------------


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("dtype", DTYPES)
def test_layout_and_dtype_change_no_bit(tmp_path, layout, dtype):
    x, y = small_integers(150, 11, seed=1), small_integers(150, 9, seed=2)
    expected = fastcca.cca(x.astype(dtype), y.astype(dtype), weights=False)
    given_x = in_layout(x.astype(dtype), layout, tmp_path)
    before = given_x.tobytes()
    found = fastcca.cca(given_x, y.astype(dtype), weights=False)
    np.testing.assert_array_equal(found.correlations, expected.correlations)
    assert given_x.tobytes() == before


def test_zero_stride_input_is_read_as_it_is(rng):
    x = rng.normal(size=(60, 3))
    constant = np.broadcast_to(np.float32(2.5), (60, 4))
    with pytest.warns(fastcca.RankWarning, match="no feature of y varies"):
        found = fastcca.cca(x, constant)
    assert found.y_rank == 0
    assert found.correlations.shape == (0,)
    assert found.mean == 0.0
    assert found.mean_squared == 0.0
    assert found.x_weights.shape == (3, 0)
    assert found.y_weights.shape == (4, 0)
    np.testing.assert_array_equal(found.y_dead, [0, 1, 2, 3])


class OnlyArray:
    def __init__(self, array):
        self.array = array

    def __array__(self, dtype=None, copy=None):
        return self.array


class OnlyDlpack:
    def __init__(self, array):
        self.array = array

    def __dlpack__(self, **kwargs):
        return self.array.__dlpack__(**kwargs)

    def __dlpack_device__(self):
        return self.array.__dlpack_device__()


@pytest.mark.parametrize("wrap", [OnlyArray, OnlyDlpack, np.ndarray.tolist, np.asfortranarray])
def test_anything_that_is_an_array(rng, wrap):
    x, y = shared_blocks(rng, 50, 3, 2)
    expected = fastcca.cca(x, y).correlations
    np.testing.assert_array_equal(fastcca.cca(wrap(x), y).correlations, expected)


# --- rank ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("offset", [0.0, 10.0, 100.0, 1000.0, 10000.0])
def test_rank_of_float32_layers_whatever_their_means(backend, offset):
    x, latent = rank_deficient(3000, 24, 8, offset=offset)
    found = fastcca.cca(x, latent.astype(np.float32), backend=backend)
    assert found.x_rank == 8
    np.testing.assert_allclose(found.correlations, np.ones(8), atol=1e-4 * (1 + offset / 100))


@pytest.mark.parametrize("backend", BACKENDS)
def test_dead_duplicated_and_constant_units(rng, backend):
    x, y = shared_blocks(rng, 200, 4, 3)
    expected = fastcca.cca(x, y, backend=backend).correlations
    spoiled = np.column_stack([x, x[:, 1], np.zeros(200), np.full(200, 0.1), x[:, 0] + x[:, 2]])
    found = fastcca.cca(spoiled, y, backend=backend)
    assert found.x_rank == 4
    np.testing.assert_array_equal(found.x_dead, [5, 6])
    np.testing.assert_allclose(found.correlations, expected, atol=1e-13)
    np.testing.assert_array_equal(found.x_weights[[5, 6]], 0.0)


@pytest.mark.parametrize("backend", BACKENDS)
def test_badly_scaled_features_cost_nothing(rng, backend):
    x, y = shared_blocks(rng, 200, 5, 3)
    expected = fastcca.cca(x, y, backend=backend)
    scaled = fastcca.cca(x * 10.0 ** np.arange(-40, 10, 10), y, backend=backend)
    assert scaled.condition == pytest.approx(expected.condition, rel=1e-6)
    np.testing.assert_allclose(scaled.correlations, expected.correlations, atol=1e-13)


def test_means_far_above_the_spread(rng):
    x, y = shared_blocks(rng, 500, 4, 4)
    # What adding the offset rounds away is lost to any method; compare on the rounded data.
    x, y = x + 1e8, y - 1e8
    expected = fastcca.cca(x - 1e8, y + 1e8).correlations
    np.testing.assert_allclose(fastcca.cca(x, y).correlations, expected, atol=1e-13)


@pytest.mark.parametrize("backend", BACKENDS)
def test_fewer_samples_than_features(rng, backend):
    x, y = rng.normal(size=(20, 30)), rng.normal(size=(20, 3))
    with pytest.warns(fastcca.RankWarning, match="3 of the 3 correlations are 1") as caught:
        found = fastcca.cca(x, y, backend=backend)
    assert found.x_rank == 19
    np.testing.assert_allclose(found.correlations, np.ones(3), atol=1e-12)
    assert caught[0].filename == __file__


def test_too_few_samples_warns_with_numbers(rng):
    x, y = rng.normal(size=(100, 40)), rng.normal(size=(100, 3))
    with pytest.warns(fastcca.RankWarning, match="100 samples for 40 features"):
        fastcca.cca(x, y)


# --- errors -------------------------------------------------------------------------------------

GOOD = np.arange(30.0).reshape(10, 3) ** 2 % 7
BAD_VALUES = {
    "nan": (np.nan, "1 value that is not finite; the first is nan at sample 4, feature 2"),
    "inf": (np.inf, "inf at sample 4, feature 2"),
    "minus infinity": (-np.inf, "-inf at sample 4, feature 2"),
}


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize(("value", "message"), BAD_VALUES.values(), ids=BAD_VALUES)
@pytest.mark.parametrize("side", ["x", "y"])
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_values_that_are_not_finite(backend, value, message, side, dtype):
    blocks = {"x": GOOD.astype(dtype), "y": GOOD[::-1].astype(dtype)}
    blocks[side] = blocks[side].copy()
    blocks[side][4, 2] = value
    with pytest.raises(ValueError, match=f"{side} has .*({message})"):
        fastcca.cca(blocks["x"], blocks["y"], backend=backend)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize(
    ("x", "y", "error", "message"),
    [
        (GOOD[:9], GOOD, ValueError, "x has 9 samples and y has 10"),
        (GOOD[:, 0], GOOD, ValueError, r"x has shape \(10,\).*reshape\(-1, 1\)"),
        (GOOD, GOOD.reshape(10, 3, 1), ValueError, r"y has shape \(10, 3, 1\)"),
        (GOOD[:0], GOOD[:0], ValueError, r"x has shape \(0, 3\)"),
        (GOOD[:, :0], GOOD, ValueError, r"x has shape \(10, 0\)"),
        (GOOD[:1], GOOD[:1], ValueError, "at least 2 samples"),
        (3.0, GOOD, ValueError, r"x has shape \(\)"),
        (GOOD.astype(np.clongdouble), GOOD, TypeError, "x has dtype"),
        (GOOD.astype(object), GOOD, TypeError, "x has dtype object"),
        (GOOD.astype(str), GOOD, TypeError, "x has dtype <U"),
        (GOOD.astype("m8[s]"), GOOD, TypeError, "x has dtype timedelta64"),
        (GOOD.astype(np.longdouble), GOOD, TypeError, "x has dtype"),
        (np.ma.masked_equal(GOOD, 1.0), GOOD, TypeError, "x is a masked array"),
        (GOOD, None, TypeError, "y is missing"),
    ],
)
def test_unusable_input(backend, x, y, error, message):
    with pytest.raises(error, match=message):
        fastcca.cca(x, y, backend=backend)


def test_sparse_input_names_the_way_out():
    sparse = pytest.importorskip("scipy.sparse")
    with pytest.raises(TypeError, match=r"x is a sparse matrix; pass x\.toarray\(\)"):
        fastcca.cca(sparse.csr_array(GOOD), GOOD)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"ridge": -1.0}, "ridge=-1.0 must be"),
        ({"ridge": np.nan}, "ridge=nan must be"),
        ({"method": "svd"}, "method='svd' is unknown"),
        ({"backend": "gpu"}, "backend='gpu' is unknown"),
    ],
)
def test_unknown_options(options, message):
    with pytest.raises(ValueError, match=message):
        fastcca.cca(GOOD, GOOD[::-1], **options)


def test_values_whose_squares_overflow():
    moments = fastcca.Moments()
    with pytest.raises(ValueError, match="x holds values so large"):
        moments.update(GOOD * 1e200, GOOD)
    assert moments.n_samples == 0


@pytest.mark.parametrize("shape", [(80, 5), (20, 30)])
@pytest.mark.parametrize("powers", [900, -900, 1015, -980])
def test_samples_are_scaled_where_their_squares_leave_the_range(rng, shape, powers):
    """To the bit what the same samples give in the middle of the range."""
    n, p = shape
    x = rng.normal(size=shape)
    y = x[:, :3] + rng.normal(size=(n, 3))
    x[:, 0] *= 2.0**-30  # so that features need scales of their own at the edge
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", fastcca.RankWarning)
        found = fastcca.cca(np.ldexp(x, powers), y)
        expected = fastcca.cca(x, y)
    np.testing.assert_allclose(found.correlations, expected.correlations, rtol=0, atol=1e-13)
    assert (found.x_rank, found.x_dead.size) == (min(n - 1, p), 0)
    np.testing.assert_allclose(np.ldexp(found.x_mean, -powers), expected.x_mean, rtol=1e-12)
    variates = np.ldexp(x, powers) @ found.x_weights
    np.testing.assert_allclose(variates.std(axis=0, ddof=1), 1.0, rtol=1e-10)
    if n > p:  # otherwise all correlations tie, and the loadings are not unique
        np.testing.assert_allclose(
            np.abs(np.ldexp(found.x_loadings, -powers)), np.abs(expected.x_loadings), atol=1e-9
        )


def test_one_feature_of_another_size_is_not_lost(rng):
    x = rng.normal(size=(80, 3))
    y = x[:, :1] + 0.1 * rng.normal(size=(80, 1))
    found = fastcca.cca(x * [1e-170, 1.0, 1e200], y)
    assert (found.x_rank, found.x_dead.size) == (3, 0)
    np.testing.assert_allclose(found.correlations, fastcca.cca(x, y).correlations, atol=1e-14)


def test_moments_and_a_second_argument():
    moments = fastcca.Moments()
    moments.update(GOOD, GOOD[::-1])
    with pytest.raises(TypeError, match="leave y out"):
        fastcca.cca(moments, GOOD)


def test_variates_of_other_features(rng):
    x, y = shared_blocks(rng)
    found = fastcca.cca(x, y)
    with pytest.raises(ValueError, match="x has 4 features, but 5"):
        found.variates(x[:, :4], y)


def test_results_are_frozen(rng):
    found = fastcca.cca(*shared_blocks(rng))
    with pytest.raises(AttributeError):
        found.x_rank = 3
    assert "x_rank=5" in repr(found)
