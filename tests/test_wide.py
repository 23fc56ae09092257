"""Blocks of more features than samples, against the reference, which decomposes the data."""

import warnings
from pathlib import Path

import numpy as np
import pytest

import fastcca
from cases import BACKENDS
from memory import peak_over_input

N = 40
SHAPES = [(300, 90), (300, 7), (7, 300), (41, 41), (1000, 40)]
# What the values of a float32 or float16 array know of a correlation.
TOLERANCE = {"f8": 1e-11, "f4": 1e-6, "f2": 1e-2}


@pytest.fixture
def rng():
    return np.random.default_rng(20260101)


@pytest.fixture(autouse=True)
def silence_about_few_samples():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", fastcca.RankWarning)
        yield


def layers(rng, p, q, n=N, dtype="f8"):
    """Two layers with a spectrum that falls by 100, common factors, and means."""
    common = rng.normal(size=(n, 12)) * np.geomspace(1, 0.1, 12)
    sides = []
    for size in (p, q):
        own = rng.normal(size=(n, size)) * 0.3
        sides.append(common @ rng.normal(size=(12, size)) + own + rng.normal(size=size) * 3)
    return [side.astype(dtype) for side in sides]


def same_up_to_sign(found, expected, tolerance):
    signs = np.sign(np.sum(found * expected, axis=0))
    np.testing.assert_allclose(
        found * signs, expected, rtol=0, atol=tolerance * np.abs(expected).max()
    )


@pytest.mark.parametrize(("p", "q"), SHAPES)
@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("keep", [5, 0.9, (3, 12)])
def test_svcca(rng, p, q, dtype, keep):
    x, y = layers(rng, p, q, dtype=dtype)
    found = fastcca.svcca(x, y, keep=keep)
    expected = fastcca.svcca(x, y, keep=keep, backend="numpy")
    tolerance = 1e-11
    np.testing.assert_allclose(found.correlations, expected.correlations, rtol=0, atol=tolerance)
    for name in ("x_kept", "y_kept", "x_rank", "y_rank", "n_samples"):
        assert getattr(found, name) == getattr(expected, name), name
    assert found.condition == pytest.approx(expected.condition, rel=1e-9)
    gaps = np.min(np.abs(np.diff(expected.correlations)), initial=1.0)
    for name in ("x_weights", "y_weights", "x_loadings", "y_loadings"):
        same_up_to_sign(getattr(found, name), getattr(expected, name), 1e-11 / gaps)
    for side, mean in ((x, found.x_mean), (y, found.y_mean)):
        np.testing.assert_allclose(mean, side.astype("f8").mean(axis=0), rtol=1e-13, atol=1e-15)


@pytest.mark.parametrize(("p", "q"), SHAPES)
@pytest.mark.parametrize("dtype", TOLERANCE)
def test_numbers(rng, p, q, dtype):
    x, y = layers(rng, p, q, dtype=dtype)
    for measure in (fastcca.cka, fastcca.procrustes, fastcca.linear_regression_r2):
        assert measure(x, y) == pytest.approx(measure(x, y, backend="numpy"), abs=1e-11)


@pytest.mark.parametrize(("p", "q"), SHAPES)
def test_pls(rng, p, q):
    x, y = layers(rng, p, q)
    found, expected = fastcca.pls(x, y), fastcca.pls(x, y, backend="numpy")
    largest = expected.singular_values[0]
    k = min(N, p, q)
    assert (found.singular_values.shape, found.x_weights.shape) == ((k,), (p, k))
    np.testing.assert_allclose(
        found.singular_values, expected.singular_values, rtol=0, atol=1e-14 * largest
    )
    for weights in (found.x_weights, found.y_weights):
        np.testing.assert_allclose(weights.T @ weights, np.eye(k), atol=1e-12)
    cross = np.cov(x.T, y.T)[:p, p:]
    np.testing.assert_allclose(
        found.x_weights * found.singular_values @ found.y_weights.T,
        cross,
        atol=1e-13 * largest,
    )


@pytest.mark.parametrize("dtype", TOLERANCE)
def test_pca(rng, dtype):
    (x, _) = layers(rng, 300, 3, dtype=dtype)
    found, expected = fastcca.pca(x), fastcca.pca(x, backend="numpy")
    assert (found.rank, found.components.shape) == (N - 1, (N, 300))
    assert found.rank == expected.rank
    np.testing.assert_allclose(
        found.singular_values,
        expected.singular_values,
        rtol=0,
        atol=1e-14 * expected.singular_values[0],
    )
    np.testing.assert_allclose(found.components @ found.components.T, np.eye(N), atol=1e-12)
    np.testing.assert_allclose(found.project(x, N), x.astype("f8"), rtol=0, atol=1e-12)


@pytest.mark.parametrize(("p", "q", "forced"), [(300, 90, 39), (300, 7, 7), (7, 300, 7)])
@pytest.mark.parametrize("dtype", TOLERANCE)
def test_cca_is_forced(rng, p, q, forced, dtype):
    x, y = layers(rng, p, q, dtype=dtype)
    with pytest.warns(fastcca.RankWarning, match=f"{forced} of the {forced} correlations are 1"):
        found = fastcca.cca(x, y)
    np.testing.assert_allclose(found.correlations, np.ones(forced), rtol=0, atol=1e-10)
    expected = fastcca.cca(x, y, backend="numpy")
    assert (found.x_rank, found.y_rank) == (expected.x_rank, expected.y_rank)
    assert found.condition == pytest.approx(expected.condition, rel=1e-6)
    for samples, weights in ((x, found.x_weights), (y, found.y_weights)):
        variates = (samples.astype("f8") - samples.astype("f8").mean(axis=0)) @ weights
        np.testing.assert_allclose(variates.T @ variates / (N - 1), np.eye(forced), atol=1e-9)


@pytest.mark.parametrize(("p", "q"), [(300, 90), (300, 7), (7, 300)])
@pytest.mark.parametrize("ridge", [1e-6, 0.1, 10.0])
@pytest.mark.parametrize("method", ["auto", "qr"])
def test_ridge(rng, p, q, ridge, method):
    """What a ridge is for: correlations of few samples that are not all 1."""
    x, y = layers(rng, p, q)
    found = fastcca.cca(x, y, ridge=ridge, method=method)
    expected = fastcca.cca(x, y, ridge=ridge, backend="numpy")
    np.testing.assert_allclose(found.correlations, expected.correlations, rtol=0, atol=1e-12)
    gaps = np.min(np.abs(np.diff(expected.correlations)))
    for name in ("x_weights", "y_weights", "x_loadings", "y_loadings"):
        same_up_to_sign(getattr(found, name), getattr(expected, name), 1e-12 / gaps)
    if ridge > 1e-3:
        assert found.correlations[0] < 1.0 - 1e-6


@pytest.mark.parametrize("method", ["auto", "qr"])
def test_cca_of_layers_that_share_few_dimensions(rng, method):
    """Rank 10 of 300 features and rank 8 of 200: correlations between 0 and 1 again."""
    scores = rng.normal(size=(N, 14))
    x = (scores[:, :10] @ rng.normal(size=(10, 300))).astype("f4") + np.float32(2)
    y = (scores[:, 6:] @ rng.normal(size=(8, 200))).astype("f4")
    found = fastcca.cca(x, y, method=method)
    expected = fastcca.cca(scores[:, :10], scores[:, 6:])
    assert (found.x_rank, found.y_rank) == (10, 8)
    np.testing.assert_allclose(found.correlations, expected.correlations, rtol=0, atol=1e-5)
    value = fastcca.pwcca(x, y)
    assert value.value == pytest.approx(fastcca.pwcca(x, y, backend="numpy").value, abs=1e-5)
    assert fastcca.linear_regression_r2(x, y) == pytest.approx(
        fastcca.linear_regression_r2(x, y, backend="numpy"), abs=1e-6
    )


def test_ill_conditioned_layers_are_decomposed_themselves(rng):
    """A spectrum that falls by 1e9: the Gram matrix has lost the end of it, the data have not."""
    left = np.linalg.qr(rng.normal(size=(N, 20)))[0]
    left -= left.mean(axis=0)
    x = left * np.geomspace(1, 1e-9, 20) @ np.linalg.qr(rng.normal(size=(300, 20)))[0].T
    y = left[:, -2:] + 0.01 * rng.normal(size=(N, 2))
    found = fastcca.svcca(x, y, keep=(20, 2))
    expected = fastcca.svcca(x, y, keep=(20, 2), backend="numpy")
    assert (found.method, found.x_kept) == ("qr", 20)
    np.testing.assert_allclose(found.correlations, expected.correlations, rtol=0, atol=1e-6)
    assert fastcca.svcca(x, y, keep=(3, 2)).method == "moments"
    assert fastcca.procrustes(x, y) == pytest.approx(
        fastcca.procrustes(x, y, backend="numpy"), abs=1e-14
    )
    assert fastcca.cca(x, y).x_rank == fastcca.cca(x, y, backend="numpy").x_rank == 20


def test_dead_and_duplicated_features(rng):
    x, y = layers(rng, 300, 50, dtype="f4")
    x[:, 10:20] = 0.1
    x[:, 250:] = x[:, :50]
    found, expected = fastcca.svcca(x, y), fastcca.svcca(x, y, backend="numpy")
    np.testing.assert_array_equal(found.x_dead, np.r_[10:20, 260:270])
    np.testing.assert_allclose(found.correlations, expected.correlations, rtol=0, atol=1e-11)
    assert not found.x_weights[10:20].any()
    assert not found.x_loadings[10:20].any()
    for method in ("auto", "qr"):
        assert not fastcca.cca(x, y, method=method).x_loadings[10:20].any()
    constant = np.full_like(x, 0.1)
    assert fastcca.cka(constant, y) == fastcca.procrustes(constant, y) == 0.0
    assert fastcca.linear_regression_r2(constant, y) == 0.0
    assert fastcca.svcca(constant, y).correlations.size == 0
    assert fastcca.cca(constant, y).x_weights.shape == (300, 0)
    np.testing.assert_array_equal(fastcca.pls(constant, y).singular_values, np.zeros(N))


@pytest.mark.parametrize("offset", [0.0, 1e2, 1e4])
def test_rank_whatever_the_means(rng, offset):
    """8 dimensions in 60 float32 features of 50 samples, far from 0."""
    x = (rng.normal(size=(50, 8)) @ rng.normal(size=(8, 60)) + offset).astype("f4")
    y = rng.normal(size=(50, 60))
    assert fastcca.cca(x, y).x_rank == 8
    assert fastcca.svcca(x, y, keep=1.0).x_rank == 8
    assert fastcca.pca(x).rank == 8


def test_maps_flattened(rng):
    x = rng.normal(size=(30, 6, 6, 4)).astype("f4")
    y = np.roll(x, 1, axis=2) + 0.5 * rng.normal(size=x.shape).astype("f4")
    found = fastcca.svcca(x, y, layout="NHWC", spatial="flatten", keep=6)
    expected = fastcca.svcca(x.reshape(30, -1), y.reshape(30, -1), keep=6, backend="numpy")
    np.testing.assert_allclose(found.correlations, expected.correlations, rtol=0, atol=1e-11)
    assert found.x_weights.shape == (144, 6)


def test_compare(rng):
    x, y = layers(rng, 300, 90)
    measures = ("cca", "svcca", "pwcca", "cka", "procrustes", "linear_regression_r2")
    found = fastcca.compare(x, y, measures)
    expected = fastcca.compare(x, y, measures, backend="numpy")
    # PWCCA is not unique here, where all correlations tie at 1, but its value is.
    assert found == pytest.approx(expected, abs=1e-10)


def test_input_is_refused_as_elsewhere(rng):
    x, y = layers(rng, 300, 90)
    x[7, 123] = np.nan
    for measure in (fastcca.svcca, fastcca.cca, fastcca.pls, fastcca.cka, fastcca.procrustes):
        with pytest.raises(ValueError, match=r"x has 1 value .* nan at sample 7, feature 123"):
            measure(x, y)
    with pytest.raises(ValueError, match="at least 2 samples"):
        fastcca.svcca(x[:1], y[:1])


def test_the_caller_keeps_the_samples(rng):
    x, y = layers(rng, 300, 90)
    before = x.copy()
    for measure in (fastcca.cca, fastcca.svcca, fastcca.pls, fastcca.cka, fastcca.procrustes):
        measure(x, y)
    fastcca.pca(x)
    np.testing.assert_array_equal(x, before)


@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="reads /proc")
@pytest.mark.parametrize("measure", ["svcca", "cka", "procrustes"])
def test_peak_memory(measure):
    """100 samples of 30 000 features: moments would take 14 GB, the input takes 23 MB.

    Weights and loadings of nearly 100 components are 88 MB.
    """
    assert peak_over_input(30_000, 100, "C", measure) < 200 * 2**20


# --- the tolerance for the rank -------------------------------------------------------------------


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("n", [400, 20])
def test_rank_tolerance(rng, backend, n):
    """Noise of 1e-3 that the dtype does not tell of, in 30 features of 5 dimensions."""
    x = rng.normal(size=(n, 5)) @ rng.normal(size=(5, 30)) + 1e-3 * rng.normal(size=(n, 30))
    y = x[:, :2] + 0.1 * rng.normal(size=(n, 2))
    rank = min(30, n - 1)
    assert fastcca.cca(x, y, backend=backend).x_rank == rank
    for measure in (fastcca.cca, fastcca.pwcca):
        assert measure(x, y, rank_tolerance=0.02, backend=backend).x_rank == 5
    assert fastcca.svcca(x, y, keep=1.0, rank_tolerance=0.02, backend=backend).x_kept == 5
    assert fastcca.pca(x, rank_tolerance=0.02, backend=backend).rank == 5
    r2 = fastcca.linear_regression_r2(x, y, rank_tolerance=0.02, backend=backend)
    few = np.linalg.svd((x - x.mean(axis=0)) / x.std(axis=0), full_matrices=False)[0][:, :5]
    centred = y - y.mean(axis=0)
    expected = np.sum((few.T @ centred) ** 2) / np.sum(centred**2)
    assert r2 == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("method", ["moments", "qr"])
def test_rank_tolerance_on_every_route(rng, method):
    x = rng.normal(size=(400, 5)) @ rng.normal(size=(5, 30)) + 1e-3 * rng.normal(size=(400, 30))
    found = fastcca.cca(x, x[:, :3], method=method, rank_tolerance=0.02)
    assert (found.x_rank, found.y_rank) == (5, 3)
    # A direction that the caller left out was not lost by the moments.
    duplicated = np.column_stack([x[:, 0], x[:, 0]])
    found = fastcca.cca(duplicated, x[:, :3], rank_tolerance=1e-6)
    assert (found.x_rank, found.method) == (1, "moments")


@pytest.mark.parametrize("value", [-0.1, 1.0, 2.0, float("nan")])
def test_unusable_tolerances(rng, value):
    x = rng.normal(size=(50, 3))
    for measure in (fastcca.cca, fastcca.svcca, fastcca.pwcca, fastcca.linear_regression_r2):
        with pytest.raises(ValueError, match=r"rank_tolerance=.* must be at least 0"):
            measure(x, x, rank_tolerance=value)
    with pytest.raises(ValueError, match="rank_tolerance"):
        fastcca.pca(x, rank_tolerance=value)
