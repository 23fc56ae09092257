"""Projections on the top directions of CCA, PLS and PCA results, for ablation and compression."""

import numpy as np
import pytest
from sklearn.cross_decomposition import PLSSVD
from sklearn.decomposition import PCA

import fastcca
from cases import BACKENDS

both_backends = pytest.mark.parametrize("backend", BACKENDS)


@pytest.fixture
def rng():
    return np.random.default_rng(3)


def blocks(rng, n=150, p=5, q=7):
    shared = rng.normal(size=(n, 3))
    x = shared @ rng.normal(size=(3, p)) + rng.normal(size=(n, p)) * rng.uniform(0.3, 2, p) + 4.0
    y = shared @ rng.normal(size=(3, q)) + rng.normal(size=(n, q)) * rng.uniform(0.3, 2, q) - 9.0
    return x, y


def least_squares(samples, regressors):
    """Samples as far as an intercept and the regressors explain them."""
    design = np.column_stack([np.ones(len(samples)), regressors])
    coefficients, _, _, _ = np.linalg.lstsq(design, samples, rcond=None)
    return design @ coefficients


def by_qr(data):
    return data - data.mean(axis=0)


# --- CCA ----------------------------------------------------------------------------------------


@both_backends
@pytest.mark.parametrize("ridge", [0.0, 0.5])
@pytest.mark.parametrize("side", ["x", "y"])
def test_cca_is_least_squares_on_the_variates(rng, backend, side, ridge):
    pair = blocks(rng)
    result = fastcca.cca(*pair, ridge=ridge, backend=backend)
    samples = pair["xy".index(side)]
    variates = result.variates(*pair)["xy".index(side)]
    for k in range(6):
        expected = least_squares(samples, variates[:, :k])
        found = result.project(samples, k, side=side)
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-10)
        assert np.linalg.matrix_rank(by_qr(found), tol=1e-8) == k


@both_backends
def test_cca_gives_the_samples_back_where_all_directions_are_kept(rng, backend):
    x, y = blocks(rng)  # 5 directions: all of x, not of y
    for ridge in (0.0, 0.5):
        result = fastcca.cca(x, y, ridge=ridge, backend=backend)
        np.testing.assert_allclose(result.project(x, 5), x, rtol=0, atol=1e-11)
        assert np.abs(result.project(y, 5, side="y") - y).max() > 0.1
    np.testing.assert_allclose(result.project(x, 0), np.tile(x.mean(axis=0), (150, 1)), atol=1e-12)


@both_backends
def test_cca_of_dead_and_collinear_units(rng, backend):
    x, y = blocks(rng)
    spoiled = np.column_stack([x, np.full(150, 0.1), x[:, 0] + x[:, 1]])
    result = fastcca.cca(spoiled, y, backend=backend)
    assert result.x_rank == 5
    np.testing.assert_allclose(result.project(spoiled, 5), spoiled, rtol=0, atol=1e-11)
    np.testing.assert_allclose(result.project(spoiled, 2)[:, 5], 0.1, rtol=1e-14)


@both_backends
def test_svcca(rng, backend):
    x, y = blocks(rng)
    result = fastcca.svcca(x, y, keep=3, backend=backend)
    variates, _ = result.variates(x, y)
    for k in range(4):
        expected = least_squares(x, variates[:, :k])
        np.testing.assert_allclose(result.project(x, k), expected, rtol=0, atol=1e-10)
    # All directions of SVCCA: the top principal components.
    expected = PCA(3, svd_solver="full").fit(x)
    expected = expected.inverse_transform(expected.transform(x))
    np.testing.assert_allclose(result.project(x, 3), expected, rtol=0, atol=1e-9)


@both_backends
def test_new_samples_are_projected_by_the_same_map(rng, backend):
    x, y = blocks(rng)
    result = fastcca.cca(x, y, backend=backend)
    both = np.vstack([x, rng.normal(size=(20_000, 5))])  # more than one block of rows
    together = result.project(both, 2)
    np.testing.assert_allclose(together[:150], result.project(x, 2), rtol=0, atol=1e-13)
    zero = result.project(np.zeros((1, 5)), 2)
    units = result.project(np.eye(5), 2) - zero
    np.testing.assert_allclose(both @ units + zero, together, rtol=0, atol=1e-10)
    assert np.linalg.matrix_rank(units, tol=1e-10) == 2
    np.testing.assert_allclose(units @ units, units, atol=1e-11)  # a projection


def test_input_of_any_kind(rng):
    x, y = blocks(rng)
    x = np.round(x)
    result = fastcca.cca(x, y)
    expected = result.project(x, 3)
    for given in (x.astype(np.int16), x.astype(np.float32), x.tolist(), np.asfortranarray(x)):
        found = result.project(given, 3)
        assert found.dtype == np.float64
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-12)


# --- PLS and PCA --------------------------------------------------------------------------------


@both_backends
@pytest.mark.parametrize("side", ["x", "y"])
def test_pls_is_the_orthogonal_projection(rng, backend, side):
    pair = blocks(rng)
    result = fastcca.pls(*pair, backend=backend)
    samples = pair["xy".index(side)]
    mean = samples.mean(axis=0)
    expected = PLSSVD(5, scale=False).fit(*pair)
    weights = expected.x_weights_ if side == "x" else expected.y_weights_
    for k in range(6):
        top = weights[:, :k]
        found = result.project(samples, k, side=side)
        np.testing.assert_allclose(found, (samples - mean) @ top @ top.T + mean, atol=1e-9)
    if side == "x":
        np.testing.assert_allclose(found, samples, atol=1e-11)


@both_backends
def test_pca_is_the_best_of_its_rank(rng, backend):
    x, _ = blocks(rng)
    result = fastcca.pca(x, backend=backend)
    for k in range(6):
        found = result.project(x, k)
        if k:
            model = PCA(k, svd_solver="full").fit(x)
            expected = model.inverse_transform(model.transform(x))
            np.testing.assert_allclose(found, expected, rtol=0, atol=1e-9)
        left = result.explained_variance[k:].sum() * 149
        assert np.sum((found - x) ** 2) == pytest.approx(left, rel=1e-9, abs=1e-18)
    np.testing.assert_allclose(found, x, rtol=0, atol=1e-11)


# --- errors -------------------------------------------------------------------------------------


def test_counts_sides_and_features_that_do_not_fit(rng):
    x, y = blocks(rng)
    cca, pls, pca = fastcca.cca(x, y), fastcca.pls(x, y), fastcca.pca(x)
    for project, most in ((cca.project, 5), (pls.project, 5), (pca.project, 5)):
        for k in (-1, 6):
            with pytest.raises(ValueError, match=f"k={k} must lie between 0 and {most}"):
                project(x, k)
        with pytest.raises(ValueError, match="x has 4 features, but 5 in the analysis"):
            project(x[:, :4], 2)
        with pytest.raises(ValueError, match=r"x has shape \(150,\)"):
            project(x[:, 0], 2)
        with pytest.raises(TypeError, match="complex128"):
            project(x * 1j, 2)
    for project in (cca.project, pls.project):
        with pytest.raises(ValueError, match="side='z' is unknown"):
            project(x, 2, side="z")
        with pytest.raises(ValueError, match="5 features, but 7"):
            project(x, 2, side="y")
    with pytest.raises(ValueError, match="weights=True"):
        fastcca.cca(x, y, weights=False).project(x, 2)


def test_a_side_that_does_not_vary(rng):
    x, _ = blocks(rng)
    with pytest.warns(fastcca.RankWarning):
        result = fastcca.cca(x, np.zeros((150, 2)))
    np.testing.assert_allclose(result.project(x, 0), np.tile(x.mean(axis=0), (150, 1)), atol=1e-12)
    with pytest.raises(ValueError, match="k=1 must lie between 0 and 0"):
        result.project(x, 1)
