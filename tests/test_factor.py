"""fastcca.QRFactor against numpy, and the QR route of cca that it carries."""

import copy
import pickle
import threading
import warnings

import numpy as np
import pytest

import fastcca
from cases import DTYPES, LAYOUTS, in_layout, known_correlations, rank_deficient, small_integers
from oracle import exact_cca

RHO = [0.99, 0.7, 0.2]


@pytest.fixture
def rng():
    return np.random.default_rng(53)


def factor_of(*blocks, **named):
    factor = fastcca.QRFactor()
    factor.update(*blocks, **named)
    return factor


def moments_of(*blocks, **named):
    moments = fastcca.Moments()
    moments.update(*blocks, **named)
    return moments


def fingerprint(factor):
    return pickle.dumps(factor)


def joint_covariance(state):
    names = state.block_names
    return np.block([[state.covariance(a, b) for b in names] for a in names])


def assert_covariance(state, samples, slack=1.0):
    """Equal to that of the samples, to the rounding of units of unit variance."""
    expected = np.atleast_2d(np.cov(samples.T))
    deviation = np.sqrt(np.diag(expected))
    offset = np.max(np.abs(samples.mean(axis=0)) / deviation)
    difference = np.abs(joint_covariance(state) - expected) / np.outer(deviation, deviation)
    assert np.max(difference) < 1e-14 * slack * (1 + offset) * len(samples)


# --- against numpy --------------------------------------------------------------------------------


@pytest.mark.parametrize(("n", "p", "q"), [(2, 1, 1), (3, 4, 2), (40, 3, 1), (5000, 7, 5)])
@pytest.mark.parametrize("mean", [0.0, 1e3])
def test_covariance_and_mean_are_those_of_numpy(rng, n, p, q, mean):
    samples = rng.normal(size=(n, p + q)) * 10.0 ** rng.integers(-3, 4, size=p + q) + mean
    factor = factor_of(samples[:, :p], samples[:, p:])
    assert factor.n_samples == n
    assert_covariance(factor, samples)
    np.testing.assert_allclose(factor.mean("x"), samples[:, :p].mean(axis=0), rtol=1e-13)
    np.testing.assert_allclose(factor.mean("y"), samples[:, p:].mean(axis=0), rtol=1e-13)


@pytest.mark.parametrize(("n", "p", "q"), [(3000, 40, 30), (1500, 300, 20), (9000, 3, 200)])
def test_wide_blocks_and_many_of_samples(rng, n, p, q):
    samples = rng.normal(size=(n, p + q)).astype(np.float32)
    assert_covariance(factor_of(samples[:, :p], samples[:, p:]), samples.astype(np.float64))


def test_the_factor_keeps_what_a_covariance_loses(rng):
    """Two features that differ in the tenth digit: the eigenvalue is 1e-20 of the largest."""
    common, own = rng.normal(size=(2, 300))
    x = np.column_stack([common, common + 1e-10 * own])
    y = np.column_stack([x[:, 1] - x[:, 0]])
    found = fastcca.cca(factor_of(x, y))
    assert (found.x_rank, found.method) == (2, "qr")
    assert found.correlations[0] == pytest.approx(1.0, abs=1e-5)
    with pytest.warns(fastcca.AccuracyWarning, match="cannot tell 1 direction from rounding"):
        assert fastcca.cca(moments_of(x, y)).x_rank == 1


def test_same_bits_on_any_number_of_threads(rng):
    x, y = rng.normal(size=(30_000, 20)).astype(np.float32), rng.normal(size=(30_000, 9))
    prints = []
    try:
        for threads in (1, 2, 3, 7):
            fastcca.set_num_threads(threads)
            prints.append(fingerprint(factor_of(x, y)))
    finally:
        fastcca.set_num_threads(0)
    assert len(set(prints)) == 1


# --- batches and merges ---------------------------------------------------------------------------


@pytest.mark.parametrize("kappa", [1e4, 1e8])
def test_divided_data_give_the_correlations_of_the_whole(rng, kappa):
    x, y = known_correlations(RHO, n=600, p=5, q=4, kappa=kappa, offset=1.0)
    truth = exact_cca(x, y).correlations
    cuts = np.sort(rng.choice(np.arange(1, 600), 12, replace=False))
    pieces = list(zip(np.split(x, cuts), np.split(y, cuts), strict=True))
    streamed = fastcca.QRFactor()
    for piece in pieces:
        streamed.update(*piece)
    merged = sum(factor_of(*piece) for piece in pieces)
    for factor in (streamed, merged):
        found = fastcca.cca(factor).correlations
        np.testing.assert_allclose(found, truth, rtol=0, atol=100 * kappa * 2.2e-16)


def test_merge_in_place_leaves_the_other(rng):
    x = rng.normal(size=(40, 3))
    first, second = factor_of(x[:15]), factor_of(x[15:])
    before = fingerprint(second)
    first.merge(second)
    assert fingerprint(second) == before
    assert_covariance(first, x)


def test_merge_with_itself_and_with_nothing(rng):
    x = rng.normal(size=(30, 3))
    factor = factor_of(x)
    before = fingerprint(factor)
    factor.merge(fastcca.QRFactor())
    assert fingerprint(factor) == before
    empty = fastcca.QRFactor()
    empty.merge(factor)
    assert fingerprint(empty) == before
    factor.merge(factor)
    assert factor.n_samples == 60
    assert_covariance(factor, np.vstack([x, x]))


def test_sums_of_factors(rng):
    x = rng.normal(size=(40, 3))
    parts = [factor_of(x[:10]), factor_of(x[10:25]), factor_of(x[25:])]
    prints = [fingerprint(part) for part in parts]
    assert_covariance(sum(parts), x)
    assert [fingerprint(part) for part in parts] == prints
    with pytest.raises(TypeError, match="unsupported operand"):
        parts[0] + moments_of(x)
    with pytest.raises(TypeError, match="unsupported operand"):
        1 + parts[0]


def test_samples_one_by_one(rng):
    samples = rng.normal(size=(20, 4)) + 10.0
    factor = fastcca.QRFactor()
    for row in samples:
        factor.update(row[np.newaxis, :3], row[np.newaxis, 3:])
    assert_covariance(factor, samples)


def test_coarsest_precision_is_remembered(rng):
    """One float16 batch among float64 ones: its rounding noise must not count as a direction."""
    latent = rng.normal(size=(2000, 3))
    x = latent @ rng.normal(size=(3, 6))
    mixed = factor_of(x[:1000].astype(np.float16), latent[:1000])
    mixed.update(x[1000:], latent[1000:])
    merged = factor_of(x[1000:], latent[1000:])
    merged.merge(factor_of(x[:1000].astype(np.float16), latent[:1000]))
    stored = pickle.loads(pickle.dumps(mixed))
    for factor in (mixed, merged, stored, mixed.copy()):
        assert fastcca.cca(factor).x_rank == 3


# --- a rejected batch changes nothing -------------------------------------------------------------


@pytest.mark.parametrize(
    ("batch", "error", "message"),
    [
        ({"x": np.full((5, 3), np.nan), "y": np.ones((5, 2))}, ValueError, "x has 15 values"),
        ({"x": np.ones((5, 3)), "y": np.full((5, 2), np.inf)}, ValueError, "y has 10 values"),
        ({"x": np.ones((5, 3)), "y": np.full((5, 2), 1e308)}, ValueError, "values so large"),
        ({"x": np.ones((5, 4)), "y": np.ones((5, 2))}, ValueError, "x has 4 features, but 3"),
        ({"x": np.ones((5, 3)), "y": np.ones((4, 2))}, ValueError, "x has 5 samples and y has 4"),
        ({"x": np.ones((5, 3))}, ValueError, r"blocks \(x\) but the state holds \(x, y\)"),
        ({"y": np.ones((5, 2)), "x": np.ones((5, 3))}, ValueError, "same order"),
        ({"x": np.ones((5, 3)), "z": np.ones((5, 2))}, ValueError, r"\(x, z\)"),
        ({"x": np.ones((5, 3)), "y": np.ones((5, 2), object)}, TypeError, "y has dtype object"),
        ({"x": np.ones((5, 3)), "y": np.ones((5, 2), complex)}, TypeError, "y has dtype complex"),
        ({"x": np.ones((0, 3)), "y": np.ones((0, 2))}, ValueError, r"x has shape \(0, 3\)"),
        ({"x": np.ones(5), "y": np.ones((5, 2))}, ValueError, r"x has shape \(5,\)"),
        ({}, ValueError, "at least one block"),
    ],
)
def test_a_rejected_batch_changes_nothing(rng, batch, error, message):
    factor = factor_of(rng.normal(size=(20, 3)), rng.normal(size=(20, 2)))
    before = fingerprint(factor)
    with pytest.raises(error, match=message):
        factor.update(**batch)
    assert fingerprint(factor) == before


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("row", [0, 1500, 9999])
def test_a_value_that_is_not_finite_is_found_in_any_part(rng, value, row):
    x, y = rng.normal(size=(10_000, 3)), rng.normal(size=(10_000, 2))
    y[row, 1] = value
    empty = fastcca.QRFactor()
    with pytest.raises(ValueError, match=f"y has 1 value .*{value} at sample {row}, feature 1"):
        empty.update(x, y)
    assert empty.n_samples == 0
    assert empty.block_names == ()


def test_merge_of_other_blocks_is_rejected(rng):
    factor = factor_of(rng.normal(size=(20, 3)))
    before = fingerprint(factor)
    for other in (factor_of(rng.normal(size=(20, 4))), factor_of(z=rng.normal(size=(20, 3)))):
        with pytest.raises(ValueError, match="other blocks"):
            factor.merge(other)
    for other in (np.ones((3, 3)), moments_of(rng.normal(size=(20, 3)))):
        with pytest.raises(TypeError, match="only merge a QRFactor"):
            factor.merge(other)
    assert fingerprint(factor) == before


def test_names_given_twice_and_too_many_positions(rng):
    a = rng.normal(size=(20, 3))
    with pytest.raises(TypeError, match="'x' is given twice"):
        fastcca.QRFactor().update(a, x=a)
    with pytest.raises(TypeError, match="name them"):
        fastcca.QRFactor().update(a, a, a)


# --- many blocks and views ------------------------------------------------------------------------


def test_many_blocks(rng):
    layers = {name: rng.normal(size=(100, p)) for name, p in zip("abc", (4, 2, 3), strict=True)}
    layers["self"] = layers["a"] @ rng.normal(size=(4, 4))
    factor = factor_of(**layers)
    assert factor.block_names == ("a", "b", "c", "self")
    assert repr(factor) == "QRFactor(n_samples=100, blocks={'a': 4, 'b': 2, 'c': 3, 'self': 4})"
    assert_covariance(factor, np.hstack(list(layers.values())))
    for first, second in [("a", "b"), ("b", "a"), ("c", "self"), ("a", "self"), ("a", "a")]:
        expected = fastcca.cca(layers[first], layers[second], method="qr")
        found = fastcca.cca(factor.pair(first, second))
        np.testing.assert_allclose(found.correlations, expected.correlations, atol=1e-14)
        assert found.x_weights.shape == expected.x_weights.shape
        np.testing.assert_allclose(found.x_mean, layers[first].mean(axis=0), atol=1e-14)
        np.testing.assert_allclose(found.condition, expected.condition, rtol=1e-10)
    with pytest.raises(ValueError, match="4 blocks"):
        fastcca.cca(factor)
    with pytest.raises(ValueError, match="1 blocks"):
        fastcca.cca(factor_of(layers["a"]))
    for name in ("a", "d"):
        with pytest.raises(KeyError, match="'d'"):
            factor.pair(name, "d")
    with pytest.raises(KeyError, match="'d'"):
        factor.mean("d")


def test_a_view_follows_its_state_and_cannot_be_changed(rng):
    a, b = rng.normal(size=(50, 3)), rng.normal(size=(50, 2))
    factor = factor_of(a=a, b=b)
    view = factor.pair("b", "a")
    assert view.block_names == ("b", "a")
    factor.update(a=a, b=b)
    assert view.n_samples == 100
    for change in (lambda: view.update(b, a), lambda: view.merge(factor)):
        with pytest.raises(ValueError, match="view of two blocks"):
            change()
    with pytest.raises(ValueError, match="view of two blocks"):
        factor.merge(view)
    stored = pickle.loads(pickle.dumps(view))
    assert stored.block_names == ("b", "a")
    np.testing.assert_array_equal(stored.covariance("b", "a"), factor.covariance("b", "a"))
    assert view.copy().block_names == ("b", "a")


# --- storage --------------------------------------------------------------------------------------


@pytest.mark.cpu_only("a pickle is loaded there, and goes on with its sums")
@pytest.mark.parametrize("protocol", range(2, pickle.HIGHEST_PROTOCOL + 1))
def test_pickle_keeps_every_bit(rng, protocol):
    factor = factor_of(rng.normal(size=(30, 4)).astype(np.float32), rng.normal(size=(30, 2)))
    stored = pickle.loads(pickle.dumps(factor, protocol))
    assert fingerprint(stored) == fingerprint(factor)
    batch = rng.normal(size=(10, 4)), rng.normal(size=(10, 2))
    for state in (stored, factor):
        state.update(*batch)
    assert fingerprint(stored) == fingerprint(factor)


def test_copies_are_independent(rng):
    x = rng.normal(size=(30, 4))
    factor = factor_of(x)
    before = fingerprint(factor)
    for duplicate in (factor.copy(), copy.copy(factor), copy.deepcopy(factor)):
        assert fingerprint(duplicate) == before
        duplicate.update(x)
        assert duplicate.n_samples == 60
    assert fingerprint(factor) == before


def test_an_empty_factor():
    empty = fastcca.QRFactor()
    stored = pickle.loads(pickle.dumps(empty))
    assert stored.n_samples == 0
    assert stored.block_names == ()
    assert repr(empty) == "QRFactor(n_samples=0, blocks={})"
    with pytest.raises(ValueError, match="0 blocks"):
        fastcca.cca(empty)


def test_one_sample_is_no_comparison():
    factor = factor_of(np.ones((1, 2)), np.ones((1, 2)))
    with pytest.raises(ValueError, match="at least 2 samples, not 1"):
        factor.covariance("x", "x")
    with pytest.raises(ValueError, match="at least 2 samples"):
        fastcca.cca(factor)
    factor.update(np.zeros((1, 2)), np.zeros((1, 2)))
    np.testing.assert_allclose(factor.covariance("x", "y"), np.full((2, 2), 0.5), rtol=1e-15)


def test_newer_and_damaged_formats_are_refused(rng):
    restore, (content,) = factor_of(rng.normal(size=(30, 4))).__reduce__()
    with pytest.raises(ValueError, match="upgrade fastcca"):
        restore({**content, "format": content["format"] + 1})
    for damage in (
        {"means": [np.zeros(3)]},
        {"factor": np.zeros((3, 3))},
        {"factor": np.zeros((4, 3))},
        {"n_samples": -1},
        {"n_samples": 0},
    ):
        with pytest.raises(ValueError, match="does not fit together"):
            restore({**content, **damage})
    with pytest.raises(ValueError, match="unknown precision"):
        restore({**content, "precisions": ["float8"]})


def test_concurrent_updates_lose_nothing(rng):
    x = rng.normal(size=(400, 10))
    factor = fastcca.QRFactor()
    workers = [
        threading.Thread(target=lambda i=i: [factor.update(x[i::8]) for _ in range(5)])
        for i in range(8)
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert factor.n_samples == 2000
    assert_covariance(factor, np.vstack([x] * 5))


# --- input ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("dtype", DTYPES)
def test_layout_and_dtype_change_no_bit(tmp_path, layout, dtype):
    values = small_integers(300, 7, seed=3)
    given_x = in_layout(values.astype(dtype), layout, tmp_path)
    before = given_x.tobytes()
    found, expected = factor_of(given_x), factor_of(values)
    np.testing.assert_array_equal(found.covariance("x", "x"), expected.covariance("x", "x"))
    np.testing.assert_array_equal(found.mean("x"), expected.mean("x"))
    assert fingerprint(found) == fingerprint(factor_of(values.astype(dtype)))
    assert given_x.tobytes() == before


# --- cca of a factor ------------------------------------------------------------------------------

FIELDS = (
    "correlations",
    "x_weights",
    "y_weights",
    "x_loadings",
    "y_loadings",
    "x_mean",
    "y_mean",
    "x_dead",
    "y_dead",
)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("ridge", [0.0, 0.1])
@pytest.mark.parametrize("weights", [True, False])
def test_a_factor_gives_what_the_samples_give(dtype, ridge, weights):
    x, y = known_correlations(RHO, n=500, p=5, q=4, kappa=30.0, offset=2.0, dtype=dtype)
    found = fastcca.cca(factor_of(x, y), ridge=ridge, weights=weights)
    expected = fastcca.cca(x, y, method="qr", ridge=ridge, weights=weights)
    for name in FIELDS:
        np.testing.assert_array_equal(getattr(found, name), getattr(expected, name), err_msg=name)
    assert repr(found) == repr(expected)
    assert found.method == "qr"


@pytest.mark.parametrize("kappa", [1.0, 1e4, 1e8])
def test_weights_and_loadings_are_those_of_the_truth(kappa):
    x, y = known_correlations(RHO, n=300, p=3, q=3, kappa=kappa)
    truth = exact_cca(x, y)
    found = fastcca.cca(x, y, method="qr")
    signs = np.sign(np.sum(found.x_weights * truth.x_weights, axis=0))
    for name in ("x_weights", "y_weights"):
        expected = getattr(truth, name)
        error = np.abs(getattr(found, name) * signs - expected).max() / np.abs(expected).max()
        assert error < 100 * kappa * 2.2e-16
    np.testing.assert_allclose(found.condition, truth.x_condition, rtol=100 * kappa * 2.2e-16)
    # Loadings are bounded by the deviations, and lose nothing to the condition.
    np.testing.assert_allclose(
        found.x_loadings * signs,
        np.cov(x.T) @ truth.x_weights,
        atol=1e-14 + 100 * kappa * 2.2e-16,
    )


def test_variates_of_ill_conditioned_data_are_uncorrelated():
    x, y = known_correlations(RHO, n=400, p=5, q=4, kappa=1e6)
    found = fastcca.cca(x, y, method="qr")
    joint = np.cov(*(variates.T for variates in found.variates(x, y)))
    k = found.correlations.size
    np.testing.assert_allclose(joint[:k, :k], np.eye(k), atol=1e-8)
    np.testing.assert_allclose(joint[:k, k:], np.diag(found.correlations), atol=1e-8)


def test_dead_duplicated_and_constant_features(rng):
    x, y = known_correlations(RHO, n=200, p=4, q=3)
    expected = fastcca.cca(x, y, method="qr").correlations
    spoiled = np.column_stack([x, x[:, 1], np.zeros(200), np.full(200, 0.1), x[:, 0] + x[:, 2]])
    found = fastcca.cca(factor_of(spoiled, y))
    assert found.x_rank == 4
    np.testing.assert_array_equal(found.x_dead, [5, 6])
    np.testing.assert_allclose(found.correlations, expected, atol=1e-13)
    np.testing.assert_array_equal(found.x_weights[[5, 6]], 0.0)


def test_a_side_that_does_not_vary(rng):
    with pytest.warns(fastcca.RankWarning, match="no feature of y varies"):
        found = fastcca.cca(factor_of(rng.normal(size=(50, 3)), np.full((50, 2), 7.0)))
    assert (found.x_rank, found.y_rank, found.mean) == (3, 0, 0.0)


def test_fewer_samples_than_features(rng):
    x, y = rng.normal(size=(20, 30)), rng.normal(size=(20, 3))
    with pytest.warns(fastcca.RankWarning, match="3 of the 3 correlations are 1"):
        found = fastcca.cca(factor_of(x, y))
    assert found.x_rank == 19
    np.testing.assert_allclose(found.correlations, np.ones(3), atol=1e-12)


@pytest.mark.parametrize("offset", [0.0, 100.0, 10000.0])
def test_rank_of_float32_layers_whatever_their_means(offset):
    x, latent = rank_deficient(3000, 24, 8, offset=offset)
    found = fastcca.cca(factor_of(x, latent.astype(np.float32)))
    assert found.x_rank == 8


# --- which measures take a factor -----------------------------------------------------------------


def test_pwcca_takes_a_factor(rng):
    x, y = known_correlations(RHO, n=400, p=4, q=3, kappa=10.0)
    factor = factor_of(x, y)
    for variant in ("paper", "symmetric"):
        found = fastcca.pwcca(factor, variant=variant)
        assert found.method == "qr"
        assert found.value == pytest.approx(fastcca.pwcca(x, y, variant=variant).value, abs=1e-12)


@pytest.mark.parametrize("name", ["svcca", "pls", "cka", "procrustes", "linear_regression_r2"])
def test_every_measure_takes_a_factor(rng, name):
    x = rng.normal(size=(50, 3)) + 10
    y = x @ rng.normal(size=(3, 2)) + rng.normal(size=(50, 2))
    measure = getattr(fastcca, name)
    found, expected = measure(factor_of(x, y)), measure(x, y)
    if name == "svcca":
        found, expected = found.correlations, expected.correlations
    elif name == "pls":
        np.testing.assert_array_less(np.abs(found.x_mean - expected.x_mean), 1e-13)
        found, expected = found.singular_values, expected.singular_values
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-13)


def test_pca_of_a_factor_keeps_small_singular_values(rng):
    x = (rng.normal(size=(50, 3)) * [1.0, 1e-5, 1e-11]) @ np.linalg.qr(rng.normal(size=(3, 3)))[0]
    found = fastcca.pca(factor_of(x))
    expected = np.linalg.svd(x - x.mean(axis=0))[1]
    np.testing.assert_allclose(found.singular_values, expected, rtol=0, atol=1e-15 * expected[0])
    assert (found.rank, found.n_samples) == (3, 50)
    np.testing.assert_allclose(found.components @ found.components.T, np.eye(3), atol=1e-14)


def test_weak_components_and_a_weak_x_take_the_factor(rng):
    """Two sides that share only a direction with 1e-9 of the largest deviation."""
    common, large, other = rng.normal(size=(3, 200))
    x = np.column_stack([large, large + 1e-9 * common])
    y = np.column_stack([common + 0.01 * other])
    kept = fastcca.svcca(x, y, keep=2)
    assert (kept.method, kept.x_kept) == ("qr", 2)
    assert kept.correlations[0] > 0.999
    assert fastcca.linear_regression_r2(x, y) > 0.999
    assert fastcca.svcca(factor_of(x, y), keep=2).correlations[0] == kept.correlations[0]
    with pytest.warns(fastcca.AccuracyWarning, match="cannot tell 1 direction"):
        fastcca.linear_regression_r2(moments_of(x, y))


def test_methods_that_a_state_cannot_serve(rng):
    x, y = rng.normal(size=(50, 3)), rng.normal(size=(50, 2))
    with pytest.raises(ValueError, match="method='qr' needs the samples themselves, or a QRFactor"):
        fastcca.cca(moments_of(x, y), method="qr")
    with pytest.raises(TypeError, match="method='qr' is for real samples"):
        fastcca.cca(x + 1j, y, method="qr")
    assert fastcca.cca(factor_of(x, y), method="moments").method == "moments"


def test_a_factor_and_a_second_argument(rng):
    x = rng.normal(size=(50, 3))
    factor = factor_of(x, x[:, :2])
    with pytest.raises(TypeError, match="leave y out"):
        fastcca.cca(factor, x)
    with pytest.raises(TypeError, match="are for arrays"):
        fastcca.cca(factor, layout="NHWC")


# --- where the moments have lost digits -----------------------------------------------------------


@pytest.mark.parametrize("method", ["auto", "moments"])
@pytest.mark.parametrize(("kappa", "digits"), [(1e4, "7"), (1e5, "5"), (1e6, "3"), (5e6, "1")])
def test_moments_alone_name_the_digits_that_are_left(method, kappa, digits):
    x, y = known_correlations(RHO, n=300, p=3, q=3, kappa=kappa)
    with pytest.warns(fastcca.AccuracyWarning, match=f"about {digits} are left") as caught:
        found = fastcca.cca(moments_of(x, y), method=method)
    assert caught[0].filename == __file__
    assert "QRFactor" in str(caught[0].message)
    assert found.method == "moments"


@pytest.mark.parametrize("kappa", [1.0, 1e2])
def test_moments_of_a_small_condition_are_silent(kappa):
    x, y = known_correlations(RHO, n=300, p=3, q=3, kappa=kappa)
    assert fastcca.cca(moments_of(x, y)).method == "moments"


def test_moments_that_know_as_much_as_float32_data_are_silent():
    # 10 kappa^2 eps = 2e-9 is below what rounding to float32 has done, 0.1 kappa eps32 = 1e-5.
    x, y = known_correlations(RHO, n=300, p=3, q=3, kappa=1e3, dtype=np.float32)
    assert fastcca.cca(x, y).method == "moments"
    assert fastcca.cca(moments_of(x, y)).method == "moments"
    with pytest.warns(fastcca.AccuracyWarning):
        fastcca.cca(moments_of(x.astype(np.float64), y.astype(np.float64)))


@pytest.mark.parametrize("kappa", [1e4, 1e8])
def test_moments_on_demand_warn_although_the_samples_are_there(kappa):
    x, y = known_correlations(RHO, n=300, p=3, q=3, kappa=kappa)
    with pytest.warns(fastcca.AccuracyWarning, match="are left"):
        found = fastcca.cca(x, y, method="moments")
    assert found.method == "moments"


def test_the_warning_is_as_large_as_the_error():
    """The digits promised are there."""
    x, y = known_correlations(RHO, n=300, p=3, q=3, kappa=1e5)
    truth = exact_cca(x, y).correlations
    with pytest.warns(fastcca.AccuracyWarning, match="about 5 are left"):
        found = fastcca.cca(moments_of(x, y))
    assert np.abs(found.correlations - truth).max() < 10**-5


def test_one_ill_conditioned_side_is_enough(rng):
    x, _ = known_correlations(RHO, n=300, p=3, q=3, kappa=1e6)
    y = rng.normal(size=(300, 2))
    for blocks in ((x, y), (y, x)):
        assert fastcca.cca(*blocks).method == "qr"
        with pytest.warns(fastcca.AccuracyWarning):
            fastcca.cca(moments_of(*blocks))


def test_a_ridge_makes_any_data_well_conditioned():
    x, y = known_correlations(RHO, n=300, p=3, q=3, kappa=1e5)
    from_moments = fastcca.cca(moments_of(x, y), ridge=0.01)
    from_factor = fastcca.cca(factor_of(x, y), ridge=0.01)
    assert (from_moments.method, from_factor.method) == ("moments", "qr")
    np.testing.assert_allclose(from_moments.correlations, from_factor.correlations, atol=1e-12)


# --- folded maps ----------------------------------------------------------------------------------


@pytest.mark.parametrize("layout", ["NHWC", "NCHW"])
@pytest.mark.parametrize("spatial", ["fold", "pool", "flatten", "resize"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_maps_on_the_qr_route(rng, layout, spatial, dtype):
    """The same correlations as from plain arrays that hold the same samples."""
    shared = rng.normal(size=(300, 4, 4, 2))
    x = shared @ rng.normal(size=(2, 3)) + rng.normal(size=(300, 4, 4, 3))
    y = shared @ rng.normal(size=(2, 2)) + rng.normal(size=(300, 4, 4, 2))
    x, y = x.astype(dtype), y.astype(dtype)
    if spatial == "pool":
        plain = [a.mean(axis=(1, 2), dtype=np.float64) for a in (x, y)]
    elif spatial == "flatten":
        plain = [a.reshape(300, -1) for a in (x, y)]
    else:  # both maps have the size to be resized to
        plain = [a.reshape(-1, a.shape[-1]) for a in (x, y)]
    expected = fastcca.cca(*plain, method="qr")
    if layout == "NCHW":
        x, y = (np.ascontiguousarray(a.transpose(0, 3, 1, 2)) for a in (x, y))
    found = fastcca.cca(x, y, layout=layout, spatial=spatial, method="qr")
    assert (found.method, found.n_samples) == ("qr", len(plain[0]))
    np.testing.assert_allclose(found.correlations, expected.correlations, rtol=0, atol=1e-13)
    np.testing.assert_allclose(found.x_mean, expected.x_mean, rtol=0, atol=1e-13)


def test_ill_conditioned_maps_change_over():
    x, y = known_correlations(RHO, n=2 * 6 * 50, p=4, q=3, kappa=1e6)
    truth = exact_cca(x, y).correlations
    found = fastcca.cca(x.reshape(50, 2, 6, 4), y.reshape(50, 2, 6, 3), layout="NHWC")
    assert found.method == "qr"
    np.testing.assert_allclose(found.correlations, truth, rtol=0, atol=1e-8)


def test_nothing_is_warned_where_samples_are_there():
    x, y = known_correlations(RHO, n=300, p=3, q=3, kappa=1e8)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert fastcca.cca(x, y).method == "qr"
