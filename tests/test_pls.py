"""fastcca.pls against scikit-learn, published values, and the covariance of the scores."""

import json

import numpy as np
import pytest
from sklearn.cross_decomposition import PLSSVD

import fastcca
from cases import BACKENDS, DATA, google_logits, published_case, rank_deficient

both_backends = pytest.mark.parametrize("backend", BACKENDS)
SHAPES = [(3, 5), (5, 3), (4, 4), (1, 3), (3, 1), (1, 1)]


@pytest.fixture
def rng():
    return np.random.default_rng(1985)


def blocks(rng, n=80, p=4, q=3):
    shared = rng.normal(size=(n, 2))
    x = shared @ rng.normal(size=(2, p)) + rng.normal(size=(n, p)) * rng.uniform(0.3, 2, p) + 3.0
    y = shared @ rng.normal(size=(2, q)) + rng.normal(size=(n, q)) * rng.uniform(0.3, 2, q) - 1.0
    return x, y


def aligned(actual, expected):
    """`actual` with the sign of every column changed to agree."""
    return actual * np.where(np.sum(actual * expected, axis=0) < 0.0, -1.0, 1.0)


@both_backends
@pytest.mark.parametrize(("p", "q"), SHAPES)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_scikit_learn(rng, backend, p, q, dtype):
    x, y = (a.astype(dtype) for a in blocks(rng, 80, p, q))
    k = min(p, q)
    expected = PLSSVD(n_components=k, scale=False).fit(x.astype(float), y.astype(float))

    found = fastcca.pls(x, y, backend=backend)

    np.testing.assert_allclose(
        aligned(found.x_weights, expected.x_weights_), expected.x_weights_, rtol=0, atol=1e-10
    )
    np.testing.assert_allclose(
        aligned(found.y_weights, expected.y_weights_), expected.y_weights_, rtol=0, atol=1e-10
    )
    scores = expected.transform(x, y)
    by_scores = [np.cov(scores[0][:, i], scores[1][:, i])[0, 1] for i in range(k)]
    np.testing.assert_allclose(found.singular_values, by_scores, rtol=0, atol=1e-12)
    np.testing.assert_allclose(found.x_mean, x.mean(axis=0, dtype=float), rtol=1e-12)
    np.testing.assert_allclose(found.y_mean, y.mean(axis=0, dtype=float), rtol=1e-12)
    assert found.n_samples == 80


@both_backends
@pytest.mark.parametrize(("n", "p", "q"), [(40, 3, 5), (40, 5, 3), (6, 9, 8), (2, 3, 3)])
def test_weights_diagonalise_the_covariance(rng, backend, n, p, q):
    x, y = blocks(rng, n, p, q)
    k = min(n, p, q)

    found = fastcca.pls(x, y, backend=backend)

    assert found.singular_values.shape == (k,)
    assert np.all(np.diff(found.singular_values) <= 0.0)
    np.testing.assert_allclose(found.x_weights.T @ found.x_weights, np.eye(k), atol=1e-12)
    np.testing.assert_allclose(found.y_weights.T @ found.y_weights, np.eye(k), atol=1e-12)
    cross = np.cov(x.T, y.T)[:p, p:]
    np.testing.assert_allclose(
        found.x_weights * found.singular_values @ found.y_weights.T, cross, atol=1e-12
    )


@both_backends
def test_linnerud_as_published(backend):
    case = published_case("linnerud")
    printed = json.loads((DATA / "pls_linnerud.json").read_text(encoding="utf-8"))
    x, y = ((a - a.mean(axis=0)) / a.std(axis=0, ddof=1) for a in (case.y, case.x))

    found = fastcca.pls(x, y, backend=backend)

    np.testing.assert_allclose(
        found.singular_values,
        printed["derived"]["singular_values_of_cross_correlation"],
        rtol=0,
        atol=1e-14,
    )
    # what was published stopped at a tolerance of 1e-6
    first = np.array(printed["published"]["first_x_weight_abs"]).astype(float)
    np.testing.assert_allclose(np.abs(found.x_weights[:, 0]), first, rtol=0, atol=2e-6)


@both_backends
def test_google_logits(backend):
    stored = google_logits()

    found = fastcca.pls(stored["x"].T, stored["y"].T, backend=backend)

    np.testing.assert_allclose(found.singular_values, stored["google_pls_eigenvals"], rtol=1e-10)


@both_backends
def test_swap(rng, backend):
    x, y = blocks(rng)
    expected = fastcca.pls(x, y, backend=backend)

    found = fastcca.pls(y, x, backend=backend)

    np.testing.assert_allclose(found.singular_values, expected.singular_values, rtol=1e-12)
    np.testing.assert_allclose(
        aligned(found.y_weights, expected.x_weights), expected.x_weights, atol=1e-10
    )


@both_backends
def test_large_units_count_for_more(rng, backend):
    x, y = blocks(rng)
    found = fastcca.pls(x * [1.0, 1e6, 1.0, 1.0], y, backend=backend)
    assert abs(found.x_weights[1, 0]) == pytest.approx(1.0, abs=1e-6)


@both_backends
@pytest.mark.parametrize("scale", [1e-100, 1e100])
def test_extreme_units(rng, backend, scale):
    x, y = blocks(rng)
    expected = fastcca.pls(x, y, backend=backend)
    found = fastcca.pls(x * scale, y, backend=backend)
    np.testing.assert_allclose(found.singular_values, expected.singular_values * scale, rtol=1e-11)


@both_backends
def test_a_rank_deficient_layer_has_no_more_covariances_than_dimensions(backend):
    x, latent = rank_deficient(1000, 20, 4, offset=10.0)
    y = np.random.default_rng(1).normal(size=(1000, 12)) + np.repeat(latent, 3, axis=1)

    found = fastcca.pls(x, y, backend=backend)

    assert found.singular_values.shape == (12,)
    assert found.singular_values[3] > 0.1
    np.testing.assert_allclose(found.singular_values[4:], 0.0, atol=1e-6)


@both_backends
def test_a_side_that_does_not_vary(rng, backend):
    x, _ = blocks(rng)
    found = fastcca.pls(x, np.full((80, 2), 0.1), backend=backend)
    np.testing.assert_allclose(found.singular_values, 0.0, atol=1e-15)
    assert np.isfinite(found.x_weights).all()
    assert found.x_weights.shape == (4, 2)


@both_backends
def test_moments_in_place_of_the_samples(rng, backend):
    x, y = blocks(rng)
    moments = fastcca.Moments()
    for rows in (slice(0, 25), slice(25, 80)):
        moments.update(b=y[rows], other=np.square(x[rows]), a=x[rows])
    expected = PLSSVD(n_components=3, scale=False).fit(x, y)

    found = fastcca.pls(moments.pair("a", "b"), backend=backend)

    np.testing.assert_allclose(
        aligned(found.x_weights, expected.x_weights_), expected.x_weights_, rtol=0, atol=1e-10
    )
    np.testing.assert_allclose(
        aligned(found.y_weights, expected.y_weights_), expected.y_weights_, rtol=0, atol=1e-10
    )
    np.testing.assert_allclose(found.y_mean, y.mean(axis=0), rtol=1e-12)


def test_many_shapes_agree_with_the_reference(rng):
    for n, p, q in [(800, 70, 45), (600, 130, 3), (50, 90, 80)]:
        x, y = (a.astype(np.float32) for a in blocks(rng, n, p, q))
        found, expected = fastcca.pls(x, y), fastcca.pls(x, y, backend="numpy")
        scale = expected.singular_values[0]
        np.testing.assert_allclose(
            found.singular_values, expected.singular_values, rtol=0, atol=1e-13 * scale
        )


@both_backends
def test_unusable_input(rng, backend):
    x, y = blocks(rng)
    spoiled = y.copy()
    spoiled[7, 2] = np.inf
    with pytest.raises(ValueError, match=r"y has 1 value.*inf at sample 7, feature 2"):
        fastcca.pls(x, spoiled, backend=backend)
    with pytest.raises(ValueError, match="x has 79 samples and y has 80"):
        fastcca.pls(x[:79], y, backend=backend)
    with pytest.raises(ValueError, match="at least 2 samples, but x and y have 1"):
        fastcca.pls(x[:1], y[:1], backend=backend)
    with pytest.raises(TypeError, match="y is missing"):
        fastcca.pls(x, backend=backend)
