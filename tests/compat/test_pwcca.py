"""fastcca.compat.pwcca against google/svcca's own answers, and where its code fails."""

import inspect
import itertools

import numpy as np
import pytest

import fastcca
from cases import google_logits, rank_deficient
from fastcca.compat import cca_core, pwcca


@pytest.fixture
def rng():
    return np.random.default_rng(7)


def activations(rng, p=6, q=4, n=300):
    shared = rng.normal(size=(3, n))
    return (
        rng.normal(size=(p, 3)) @ shared + rng.normal(size=(p, n)) + 1.0,
        rng.normal(size=(q, 3)) @ shared + rng.normal(size=(q, n)) - 2.0,
    )


def recipe(acts1, acts2, epsilon=0.0):
    """What google/svcca's module computes, step by step, over its own cca_core's answer.

    The coefficients of the side with fewer neurons kept, without their inverse square root, on
    the centred activations; means added; an orthonormal basis of that; uncentred activations.
    """
    found = cca_core.get_cca_similarity(acts1, acts2, epsilon=epsilon)
    first = found["x_idxs"].sum() <= found["y_idxs"].sum()
    letter, acts = ("x", acts1) if first else ("y", acts2)
    kept = acts[found[f"{letter}_idxs"]]
    means = kept.mean(axis=1, keepdims=True)
    directions = found[f"coef_{letter}"] @ (kept - means) + means
    basis, _ = np.linalg.qr(directions.T)
    weights = np.abs(basis.T @ kept.T).sum(axis=1)
    weights /= weights.sum()
    return weights @ found["cca_coef1"], weights, found["cca_coef1"]


def test_signature_is_google_s():
    parameters = inspect.signature(pwcca.compute_pwcca).parameters.values()
    assert [(p.name, p.default) for p in parameters] == [
        ("acts1", inspect.Parameter.empty),
        ("acts2", inspect.Parameter.empty),
        ("epsilon", 0.0),
    ]


@pytest.mark.parametrize(("epsilon", "key"), [(0.0, "google_eps0"), (1e-10, "google_eps1e-10")])
def test_google_logits(epsilon, key):
    stored = google_logits()

    value, weights, coefficients = pwcca.compute_pwcca(stored["x"], stored["y"], epsilon=epsilon)

    # google centres in single precision
    assert value == pytest.approx(float(stored[f"{key}_pwcca"]), abs=1e-6)
    assert value == pytest.approx(0.737201, abs=1e-6)
    np.testing.assert_allclose(weights, stored[f"{key}_pwcca_weights"], rtol=0, atol=1e-6)
    np.testing.assert_allclose(coefficients, stored[f"{key}_cca_coef1"], rtol=0, atol=1e-9)
    assert abs(value - fastcca.pwcca(stored["x"].T, stored["y"].T).value) > 0.07


@pytest.mark.parametrize("epsilon", [0.0, 1e-10, 1e-3])
@pytest.mark.parametrize("shape", [(6, 4), (4, 6), (5, 5), (1, 3), (3, 1)])
def test_step_by_step(rng, epsilon, shape):
    acts1, acts2 = activations(rng, *shape)
    expected = recipe(acts1, acts2, epsilon)

    value, weights, coefficients = pwcca.compute_pwcca(acts1, acts2, epsilon)

    assert value == pytest.approx(expected[0], abs=1e-9)
    np.testing.assert_allclose(weights, expected[1], rtol=0, atol=1e-9)
    np.testing.assert_allclose(coefficients, expected[2], rtol=0, atol=1e-12)
    assert weights.shape == coefficients.shape == (min(shape),)
    assert weights.sum() == pytest.approx(1.0, abs=1e-14)


# --- where google's code fails --------------------------------------------------------------------


def test_more_live_neurons_in_the_first(rng):
    """There: IndexError. The weights are those of the smaller side, wherever it stands."""
    acts1, acts2 = activations(rng, 6, 4)
    value, weights, coefficients = pwcca.compute_pwcca(acts1, acts2)
    expected = recipe(acts1, acts2)
    assert value == pytest.approx(expected[0], abs=1e-9)
    assert weights.shape == coefficients.shape == (4,)
    # Nothing of the larger side but its span counts.
    mixing = rng.normal(size=(6, 6)) + 3.0 * np.eye(6)
    mixed = pwcca.compute_pwcca(mixing @ acts1, acts2)
    patterns = possible_weights(acts2, cca_core.get_cca_similarity(mixing @ acts1, acts2)["coef_y"])
    assert min(np.abs(mixed[1] - w).max() for w in patterns) < 1e-8


def possible_weights(acts, coefficients):
    """google's weights for every choice of the signs of the coefficients.

    The means are added to directions whose sign is arbitrary, and so the number depends on the
    signs that LAPACK happens to give: between 0.72 and 0.84 on the logits above.
    """
    means = acts.mean(axis=1, keepdims=True)
    for signs in itertools.product((1.0, -1.0), repeat=len(coefficients)):
        directions = np.array(signs)[:, np.newaxis] * coefficients @ (acts - means) + means
        basis, _ = np.linalg.qr(directions.T)
        weights = np.abs(basis.T @ acts.T).sum(axis=1)
        yield weights / weights.sum()


@pytest.mark.parametrize("side", [0, 1])
@pytest.mark.parametrize("epsilon", [1e-8, 1e-3])
def test_dead_neurons(rng, side, epsilon):
    """There: wrong neurons without a word, or a broadcast error."""
    acts = list(activations(rng, 5, 5))
    acts[side][2] = 0.0
    without = [a if i != side else np.delete(a, 2, axis=0) for i, a in enumerate(acts)]
    expected = recipe(*without, epsilon)

    value, weights, _ = pwcca.compute_pwcca(*acts, epsilon)

    assert weights.shape == (4,)
    assert value == pytest.approx(expected[0], abs=1e-9)
    np.testing.assert_allclose(weights, expected[1], rtol=0, atol=1e-9)


def test_a_dead_neuron_at_epsilon_zero(rng):
    """There: no convergence. Here every neuron is kept, and coefficients beyond the rank are 0."""
    acts1, acts2 = activations(rng, 4, 5)
    acts1[1] = 0.1
    value, weights, coefficients = pwcca.compute_pwcca(acts1, acts2)
    assert coefficients[3] == 0.0
    assert weights.sum() == pytest.approx(1.0)
    assert 0.0 < value < 1.0
    np.testing.assert_allclose(coefficients[:3], recipe(acts1[[0, 2, 3]], acts2)[2], atol=1e-12)


def test_collinear_layers():
    acts, latent = rank_deficient(2000, 24, 8)
    value, weights, coefficients = pwcca.compute_pwcca(acts.T, latent.T)
    assert (weights.shape, coefficients.shape) == ((8,), (8,))
    assert value == pytest.approx(1.0, abs=1e-5)


@pytest.mark.parametrize("epsilon", [0.0, 1e-6])
def test_a_layer_without_a_live_neuron(rng, epsilon):
    acts1, _ = activations(rng)
    for dead in (np.zeros((3, 300)), np.full((3, 300), 0.1)):
        for pair in ((acts1, dead), (dead, acts1)):
            value, weights, coefficients = pwcca.compute_pwcca(*pair, epsilon)
            assert value == 0.0
            assert weights.shape == coefficients.shape == (0,)


def test_activations_that_do_not_fit(rng):
    acts1, acts2 = activations(rng)
    spoiled = acts2.copy()
    spoiled[2, 7] = np.nan
    for pair, error, message in (
        ((acts1, acts2[:, 1:]), ValueError, "acts1 has 300 datapoints and acts2 299"),
        ((acts1.T, acts1.T), ValueError, r"acts1 has shape \(300, 6\)"),
        ((acts1[:2, :4], acts2[:, :4]), ValueError, r"acts2 has shape \(4, 4\)"),
        ((acts1, spoiled), ValueError, "acts2 has 1 value"),
        ((acts1, acts2 * 1j), TypeError, "acts2 is complex"),
        ((acts1.astype(object), acts2), TypeError, "acts1 has dtype object"),
    ):  # fmt: skip
        with pytest.raises(error, match=message):
            pwcca.compute_pwcca(*pair)
    for epsilon in (-1.0, np.nan):
        with pytest.raises(ValueError, match=f"epsilon={epsilon}"):
            pwcca.compute_pwcca(acts1, acts2, epsilon)
