"""fastcca.pwcca against published values, sums over samples written out, and google's formula."""

import itertools
import warnings

import numpy as np
import pytest

import fastcca
from cases import BACKENDS, assert_printed, google_logits, rank_deficient
from oracle import exact_cca

both_backends = pytest.mark.parametrize("backend", BACKENDS)
SHAPES = [(3, 5), (5, 3), (4, 4), (1, 3), (3, 1)]


@pytest.fixture
def rng():
    return np.random.default_rng(1806)


def blocks(rng, n=60, p=4, q=3):
    shared = rng.normal(size=(n, 2))
    x = shared @ rng.normal(size=(2, p)) + rng.normal(size=(n, p)) * rng.uniform(0.3, 2, p) + 3.0
    y = shared @ rng.normal(size=(2, q)) + rng.normal(size=(n, q)) * rng.uniform(0.3, 2, q) - 1.0
    return x, y


def written_out(x, weights):
    """alpha_i = sum_j |<h_i, x_j>| over samples, for h_i = (x - mean) @ weights[:, i], of sum 1."""
    n, p = x.shape
    means = [sum(x[:, j]) / n for j in range(p)]
    alpha = []
    for i in range(weights.shape[1]):
        variate = [sum((x[s, j] - means[j]) * weights[j, i] for j in range(p)) for s in range(n)]
        alpha.append(
            sum(abs(sum(variate[s] * (x[s, j] - means[j]) for s in range(n))) for j in range(p))
        )
    return np.array(alpha) / sum(alpha)


# --- google's activations -----------------------------------------------------------------------


@both_backends
def test_google_logits(backend):
    stored = google_logits()
    x, y = stored["x"].T, stored["y"].T

    paper = fastcca.pwcca(x, y, backend=backend)
    swapped = fastcca.pwcca(y, x, backend=backend)
    symmetric = fastcca.pwcca(x, y, variant="symmetric", backend=backend)

    assert_printed([paper.value, swapped.value], ["0.8074449348", "0.7989551161"])
    assert paper.value == pytest.approx(float(stored["ref_pwcca_x"]), abs=1e-11)
    assert swapped.value == pytest.approx(float(stored["ref_pwcca_y"]), abs=1e-11)
    assert symmetric.value == pytest.approx((paper.value + swapped.value) / 2, abs=1e-14)
    np.testing.assert_allclose(
        paper.correlations, stored["truth_longdouble_cca"], rtol=0, atol=1e-12
    )


@both_backends
def test_google_logits_by_google(backend):
    stored = google_logits()

    found = fastcca.pwcca(stored["x"].T, stored["y"].T, variant="google", backend=backend)

    # google centres in single precision
    assert found.value == pytest.approx(0.737201, abs=1e-6)
    assert found.value == pytest.approx(float(stored["google_eps0_pwcca"]), abs=1e-6)
    np.testing.assert_allclose(
        found.weights, stored["google_eps0_pwcca_weights"], rtol=0, atol=1e-6
    )
    np.testing.assert_allclose(found.correlations, stored["google_eps0_cca_coef1"], atol=1e-8)


# --- the paper's definition ---------------------------------------------------------------------


@both_backends
@pytest.mark.parametrize(("p", "q"), SHAPES)
def test_sums_over_samples_in_extended_precision(rng, backend, p, q):
    x, y = blocks(rng, 50, p, q)
    truth = exact_cca(x, y)
    x_alpha, y_alpha = written_out(x, truth.x_weights), written_out(y, truth.y_weights)

    found = fastcca.pwcca(x, y, backend=backend)
    symmetric = fastcca.pwcca(x, y, variant="symmetric", backend=backend)

    np.testing.assert_allclose(found.weights, x_alpha, rtol=0, atol=1e-10)
    np.testing.assert_allclose(found.correlations, truth.correlations, rtol=0, atol=1e-12)
    assert found.value == pytest.approx(x_alpha @ truth.correlations, abs=1e-10)
    np.testing.assert_allclose(symmetric.weights, (x_alpha + y_alpha) / 2, rtol=0, atol=1e-10)
    assert symmetric.value == pytest.approx((x_alpha + y_alpha) @ truth.correlations / 2, abs=1e-10)


@both_backends
def test_a_rank_deficient_layer(backend):
    x, latent = rank_deficient(1500, 20, 6, offset=10.0)
    rng = np.random.default_rng(3)
    y = (latent @ rng.normal(size=(6, 9)) + rng.normal(size=(1500, 9))).astype(np.float32)
    wide = x.astype(np.float64)
    wide -= wide.mean(axis=0)
    left, singular, axes = np.linalg.svd(wide, full_matrices=False)
    assert singular[6] < 1e-4 * singular[5]
    basis, _, _ = np.linalg.svd(y - y.mean(axis=0, dtype=np.float64), full_matrices=False)
    u, rho, _ = np.linalg.svd(left[:, :6].T @ basis, full_matrices=False)
    alpha = np.abs(u.T * singular[:6] @ axes[:6]).sum(axis=1)

    found = fastcca.pwcca(x, y, backend=backend)

    assert (found.x_rank, found.y_rank) == (6, 9)
    np.testing.assert_allclose(found.correlations, rho, rtol=0, atol=1e-6)
    np.testing.assert_allclose(found.weights, alpha / alpha.sum(), rtol=0, atol=1e-4)
    assert found.value == pytest.approx(alpha @ rho / alpha.sum(), abs=1e-5)


@both_backends
@pytest.mark.parametrize("variant", ["paper", "symmetric", "google"])
def test_a_layer_agrees_with_itself(rng, backend, variant):
    for p in (1, 4, 12):
        x, _ = blocks(rng, 200, p)
        found = fastcca.pwcca(x, x, variant=variant, backend=backend)
        assert found.value == pytest.approx(1.0, abs=1e-12)
        assert found.value <= 1.0


@both_backends
def test_maps_of_x_do_change_it(rng, backend):
    x, y = blocks(rng)
    expected = fastcca.pwcca(x, y, backend=backend).value
    assert abs(fastcca.pwcca(x * [100, 1, 1, 1], y, backend=backend).value - expected) > 1e-3
    assert abs(fastcca.pwcca(y, x, backend=backend).value - expected) > 1e-3
    symmetric = [
        fastcca.pwcca(*pair, variant="symmetric", backend=backend).value
        for pair in ((x, y), (y, x))
    ]
    assert symmetric[0] == pytest.approx(symmetric[1], abs=1e-13)


@both_backends
@pytest.mark.parametrize("variant", ["paper", "symmetric"])
def test_dead_units_have_no_say(rng, backend, variant):
    x, y = blocks(rng)
    expected = fastcca.pwcca(x, y, variant=variant, backend=backend)
    dead = np.column_stack([np.full(60, 0.1), np.zeros(60)])

    found = fastcca.pwcca(
        np.hstack([dead, x]), np.hstack([y, dead]), variant=variant, backend=backend
    )

    np.testing.assert_allclose(found.weights, expected.weights, rtol=0, atol=1e-12)
    assert found.value == pytest.approx(expected.value, abs=1e-12)


@both_backends
@pytest.mark.parametrize("variant", ["paper", "symmetric", "google"])
@pytest.mark.parametrize("side", [0, 1])
def test_a_side_that_does_not_vary(rng, backend, variant, side):
    pair = list(blocks(rng))
    pair[side] = np.full((60, 2), 0.1)
    with pytest.warns(fastcca.RankWarning, match=f"no feature of {'xy'[side]} varies"):
        found = fastcca.pwcca(*pair, variant=variant, backend=backend)
    assert found.value == 0.0
    assert found.weights.shape == found.correlations.shape == (0,)


# --- google's variant ---------------------------------------------------------------------------


def google_formula(acts1, acts2):
    """compute_pwcca of google/svcca, over (neurons, datapoints) of full rank, in own words.

    The means are added to directions whose signs are arbitrary, so that the weights depend on
    them: yields the weights for every choice, after the correlations.
    """
    first = len(acts1) <= len(acts2)
    p = len(acts1)
    cov = np.cov(acts1, acts2)
    xx, xy, yy = cov[:p, :p], cov[:p, p:], cov[p:, p:]
    roots = []
    for side in (xx, yy):
        values, vectors = np.linalg.eigh(side / np.abs(side).max())
        roots.append(vectors / np.sqrt(values) @ vectors.T)
    cross = xy / np.sqrt(np.abs(xx).max() * np.abs(yy).max())
    u, rho, vt = np.linalg.svd(roots[0] @ cross @ roots[1])
    yield rho
    coefficients = u.T if first else vt
    acts = acts1 if first else acts2
    means = acts.mean(axis=1, keepdims=True)
    for signs in itertools.product((1.0, -1.0), repeat=len(coefficients)):
        directions = np.array(signs)[:, np.newaxis] * coefficients @ (acts - means) + means
        basis, _ = np.linalg.qr(directions.T)
        weights = np.abs(basis.T @ acts.T).sum(axis=1)
        yield weights / weights.sum()


@both_backends
@pytest.mark.parametrize(("p", "q"), SHAPES)
@pytest.mark.parametrize("offset", [0.0, 5.0])
def test_google_s_formula(rng, backend, p, q, offset):
    x, y = blocks(rng, 80, p, q)
    rho, *patterns = google_formula(x.T + offset, y.T - offset)

    found = fastcca.pwcca(x + offset, y - offset, variant="google", backend=backend)

    np.testing.assert_allclose(found.correlations, rho, rtol=0, atol=1e-12)
    assert min(np.abs(found.weights - weights).max() for weights in patterns) < 1e-9
    assert found.value == pytest.approx(found.weights @ rho, abs=1e-12)


# --- moments, options, errors -------------------------------------------------------------------


@both_backends
@pytest.mark.parametrize("variant", ["paper", "symmetric", "google"])
def test_moments_in_place_of_the_samples(rng, backend, variant):
    x, y = blocks(rng)
    moments = fastcca.Moments()
    for rows in (slice(0, 25), slice(25, 60)):
        moments.update(b=y[rows], other=np.square(x[rows]), a=x[rows])
    expected = fastcca.pwcca(x, y, variant=variant, backend=backend)

    found = fastcca.pwcca(moments.pair("a", "b"), variant=variant, backend=backend)

    np.testing.assert_allclose(found.weights, expected.weights, rtol=0, atol=1e-10)
    assert found.value == pytest.approx(expected.value, abs=1e-11)
    assert (found.n_samples, found.method, found.variant) == (60, "moments", variant)


@pytest.mark.parametrize(("n", "p", "q"), [(800, 40, 65), (700, 130, 7)])
def test_many_shapes_agree_with_the_reference(rng, n, p, q):
    x, y = (a.astype(np.float32) for a in blocks(rng, n, p, q))
    for variant in ("paper", "symmetric"):
        found = fastcca.pwcca(x, y, variant=variant)
        expected = fastcca.pwcca(x, y, variant=variant, backend="numpy")
        assert found.value == pytest.approx(expected.value, abs=1e-9)


@both_backends
def test_unknown_variant(rng, backend):
    for variant, pair in itertools.product(("Paper", "svcca", None), (blocks(rng),)):
        with pytest.raises(ValueError, match=r"variant=.* is unknown.*'paper', 'symmetric'"):
            fastcca.pwcca(*pair, variant=variant, backend=backend)


def test_too_few_samples_warns_at_the_caller(rng):
    with pytest.warns(fastcca.RankWarning, match="19 samples for 4 features") as caught:
        fastcca.pwcca(*blocks(rng, 19))
    assert caught[0].filename == __file__


def test_results_are_frozen(rng):
    found = fastcca.pwcca(*blocks(rng))
    assert found.condition == pytest.approx(
        fastcca.cca(*blocks(np.random.default_rng(1806))).condition
    )
    with pytest.raises(AttributeError):
        found.value = 0.5


@pytest.mark.parametrize("backend", BACKENDS)
def test_weights_of_google_that_vanish_are_equal(backend):
    """The direction 3 - x is orthogonal to x, and google's code divides 0 by 0."""
    x, y = np.array([[3.0], [0], [3], [0]]), np.array([[0.0], [0], [0], [1]])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", fastcca.RankWarning)
        found = fastcca.pwcca(x, y, variant="google", backend=backend)
    assert found.value == pytest.approx(1 / np.sqrt(3), abs=1e-15)
