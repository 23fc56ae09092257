"""fastcca.pca against scikit-learn, google's numbers, and the spectrum of the covariance."""

import numpy as np
import pytest
from sklearn.decomposition import PCA

import fastcca
from cases import BACKENDS, google_logits, rank_deficient

both_backends = pytest.mark.parametrize("backend", BACKENDS)


@pytest.fixture
def rng():
    return np.random.default_rng(1901)


def layer(rng, n=90, p=5):
    return rng.normal(size=(n, p)) @ rng.normal(size=(p, p)) + rng.normal(size=p) * 5


def aligned(actual, expected):
    """`actual` with the sign of every row changed to agree."""
    signs = np.where(np.sum(actual * expected, axis=1) < 0.0, -1.0, 1.0)
    return actual * signs[:, np.newaxis]


@both_backends
@pytest.mark.parametrize(("n", "p"), [(90, 5), (20, 1), (9, 8), (200, 30)])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_scikit_learn(rng, backend, n, p, dtype):
    x = layer(rng, n, p).astype(dtype)
    expected = PCA(svd_solver="full").fit(x.astype(float))

    found = fastcca.pca(x, backend=backend)

    largest = expected.explained_variance_[0]
    np.testing.assert_allclose(
        found.explained_variance, expected.explained_variance_, rtol=0, atol=1e-13 * largest
    )
    np.testing.assert_allclose(found.mean, expected.mean_, rtol=0, atol=1e-13)
    np.testing.assert_allclose(found.singular_values[:3], expected.singular_values_[:3], rtol=1e-9)
    gaps = np.min(np.abs(np.diff(expected.explained_variance_)), initial=largest) / largest
    np.testing.assert_allclose(
        aligned(found.components, expected.components_),
        expected.components_,
        rtol=0,
        atol=1e-13 / gaps,
    )
    assert (found.rank, found.n_samples) == (p, n)


@both_backends
@pytest.mark.parametrize(("n", "p"), [(40, 5), (6, 9), (8, 8), (20, 1), (2, 3)])
def test_components_diagonalise_the_covariance(rng, backend, n, p):
    x = layer(rng, n, p)
    cov = np.atleast_2d(np.cov(x.T))

    found = fastcca.pca(x, backend=backend)

    k = min(n, p)
    assert found.explained_variance.shape == found.singular_values.shape == (k,)
    assert np.all(np.diff(found.explained_variance) <= 0.0)
    np.testing.assert_allclose(found.components @ found.components.T, np.eye(k), atol=1e-12)
    np.testing.assert_allclose(
        found.components.T * found.explained_variance @ found.components, cov, atol=1e-11
    )
    np.testing.assert_allclose(
        found.singular_values**2, (n - 1) * found.explained_variance, rtol=1e-12
    )
    assert found.rank == min(n - 1, p)


@both_backends
@pytest.mark.parametrize("side", ["x", "y"])
def test_google_logits(backend, side):
    stored = google_logits()

    found = fastcca.pca(stored[side].T, backend=backend)

    # google's are of a decomposition in single precision
    np.testing.assert_allclose(found.singular_values, stored[f"google_pca_{side}_eigenvals"], 1e-6)


@both_backends
@pytest.mark.parametrize("offset", [0.0, 1.0, 1000.0])
def test_rank_is_that_of_the_data_and_not_of_their_rounding(backend, offset):
    x, _ = rank_deficient(2000, 24, 8, offset=offset)
    found = fastcca.pca(x, backend=backend)
    assert found.rank == 8
    assert found.explained_variance[7] > 1e3 * found.explained_variance[8]


@both_backends
@pytest.mark.parametrize("constant", [0.0, 0.1, 1e9])
def test_a_block_that_does_not_vary(backend, constant):
    found = fastcca.pca(np.full((30, 3), constant), backend=backend)
    assert found.rank == 0
    np.testing.assert_allclose(found.explained_variance, 0.0, atol=1e-30)
    np.testing.assert_allclose(found.mean, constant, rtol=1e-15)
    np.testing.assert_allclose(found.components @ found.components.T, np.eye(3), atol=1e-12)


@both_backends
def test_moments_in_place_of_the_samples(rng, backend):
    x = layer(rng)
    moments = fastcca.Moments()
    for rows in (slice(0, 30), slice(30, 90)):
        moments.update(x[rows])
    expected = PCA(svd_solver="full").fit(x)

    found = fastcca.pca(moments, backend=backend)

    np.testing.assert_allclose(found.explained_variance, expected.explained_variance_, rtol=1e-11)
    np.testing.assert_allclose(
        aligned(found.components, expected.components_), expected.components_, atol=1e-9
    )
    assert (found.rank, found.n_samples) == (5, 90)
    moments = fastcca.Moments()
    moments.update(x, x[:, :2])
    with pytest.raises(
        ValueError, match=r"hold 2 blocks \('x', 'y'\); this measure takes one block"
    ):
        fastcca.pca(moments, backend=backend)


def test_many_shapes_agree_with_the_reference(rng):
    for n, p in [(1000, 70), (400, 130), (50, 90)]:
        x = layer(rng, n, p).astype(np.float32)
        found, expected = fastcca.pca(x), fastcca.pca(x, backend="numpy")
        assert found.rank == expected.rank == min(n - 1, p)
        np.testing.assert_allclose(
            found.explained_variance,
            expected.explained_variance,
            rtol=0,
            atol=1e-12 * expected.explained_variance[0],
        )


@both_backends
def test_unusable_input(rng, backend):
    x = layer(rng)
    spoiled = x.copy()
    spoiled[7, 2] = np.nan
    with pytest.raises(ValueError, match=r"x has 1 value.*nan at sample 7, feature 2"):
        fastcca.pca(spoiled, backend=backend)
    with pytest.raises(ValueError, match="at least 2 samples, but x has 1"):
        fastcca.pca(x[:1], backend=backend)
    with pytest.raises(ValueError, match=r"x has shape \(90,\).*reshape\(-1, 1\)"):
        fastcca.pca(x[:, 0], backend=backend)
    with pytest.raises(TypeError, match="x has dtype object"):
        fastcca.pca(x.astype(object), backend=backend)


def test_results_are_frozen(rng):
    found = fastcca.pca(layer(rng))
    assert "rank=5" in repr(found)
    with pytest.raises(AttributeError):
        found.rank = 3
