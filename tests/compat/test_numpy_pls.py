"""fastcca.compat.numpy_pls against google/svcca's formula, and where its code fails."""

import inspect

import numpy as np
import pytest

from cases import google_logits
from fastcca.compat import numpy_pls


@pytest.fixture
def rng():
    return np.random.default_rng(7)


def activations(rng, p=6, q=4, n=300):
    shared = rng.normal(size=(3, n))
    return (
        rng.normal(size=(p, 3)) @ shared + rng.normal(size=(p, n)) + 1.0,
        rng.normal(size=(q, 3)) @ shared + rng.normal(size=(q, n)) - 2.0,
    )


def turned(rows, like):
    """Signs of the rows of `rows` that agree with those of `like`."""
    return np.where(np.sum(rows * like, axis=1, keepdims=True) < 0.0, -1.0, 1.0)


def test_signature_is_google_s():
    assert list(inspect.signature(numpy_pls.get_pls_similarity).parameters) == ["acts1", "acts2"]


def test_google_logits():
    stored = google_logits()
    found = numpy_pls.get_pls_similarity(stored["x"], stored["y"])
    np.testing.assert_allclose(found["eigenvals"], stored["google_pls_eigenvals"], rtol=1e-10)


@pytest.mark.parametrize("p", [1, 5])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_as_many_neurons_on_both_sides(rng, p, dtype):
    """Where google's code works: coefficients on centred activations, means added back."""
    acts = [a.astype(dtype) for a in activations(rng, p, p)]
    means = [a.mean(axis=1, keepdims=True, dtype=np.float64) for a in acts]
    cov = np.cov(*(a.astype(np.float64) for a in acts))
    u, s, vt = np.linalg.svd(cov[:p, p:], full_matrices=False)

    found = numpy_pls.get_pls_similarity(*acts)

    np.testing.assert_allclose(found["eigenvals"], s, rtol=1e-11)
    signs = turned(found["neuron_coeffs1"], u.T)
    for number, coefficients, a, mean in zip("12", (u.T, vt), acts, means, strict=True):
        np.testing.assert_allclose(
            found[f"neuron_coeffs{number}"] * signs, coefficients, rtol=0, atol=1e-10
        )
        directions = found[f"pls_dirns{number}"]
        expected = coefficients @ (a - mean)
        np.testing.assert_allclose((directions - mean) * signs, expected, rtol=0, atol=1e-9)
        assert directions.shape == (p, 300)


@pytest.mark.parametrize(("p", "q"), [(6, 4), (4, 6), (1, 5), (5, 1)])
def test_any_numbers_of_neurons(rng, p, q):
    """There: a broadcast error."""
    acts = activations(rng, p, q)
    k = min(p, q)
    cross = np.cov(*acts)[:p, p:]

    found = numpy_pls.get_pls_similarity(*acts)

    assert set(found) == {
        "eigenvals", "neuron_coeffs1", "neuron_coeffs2", "pls_dirns1", "pls_dirns2"
    }  # fmt: skip
    coefficients = found["neuron_coeffs1"], found["neuron_coeffs2"]
    assert [c.shape for c in coefficients] == [(k, p), (k, q)]
    np.testing.assert_allclose(
        coefficients[0] @ cross @ coefficients[1].T, np.diag(found["eigenvals"]), atol=1e-11
    )
    scores = found["pls_dirns1"], found["pls_dirns2"]
    assert [d.shape for d in scores] == [(k, 300)] * 2
    joint = np.atleast_2d(np.cov(*scores))[:k, k:]
    np.testing.assert_allclose(joint, np.diag(found["eigenvals"]), atol=1e-11)
    for d, a in zip(scores, acts, strict=True):
        np.testing.assert_allclose(d.mean(axis=1), a.mean(axis=1)[:k], rtol=0, atol=1e-11)


def test_many_datapoints_and_activations_left_alone(rng):
    acts1, acts2 = activations(rng, 3, 3, 20_000)  # more than one block of rows
    acts1.flags.writeable = acts2.flags.writeable = False
    found = numpy_pls.get_pls_similarity(acts1, acts2)
    by_hand = found["neuron_coeffs1"] @ (acts1 - acts1.mean(axis=1, keepdims=True))
    by_hand += acts1.mean(axis=1, keepdims=True)
    np.testing.assert_allclose(found["pls_dirns1"], by_hand, rtol=0, atol=1e-11)


def test_activations_that_do_not_fit(rng):
    acts1, acts2 = activations(rng)
    spoiled = acts2.copy()
    spoiled[2, 7] = np.nan
    for pair, error, message in (
        ((acts1, acts2[:, 1:]), ValueError, "acts1 has 300 datapoints and acts2 299"),
        ((acts1.T, acts1.T), ValueError, r"acts1 has shape \(300, 6\).*transpose"),
        ((acts1[:2, :4], acts2[:, :4]), ValueError, r"acts2 has shape \(4, 4\)"),
        ((acts1, spoiled), ValueError, "acts2 has 1 value"),
        ((acts1 * 1j, acts2), TypeError, "acts1 is complex"),
        ((acts1, acts2.astype(str)), TypeError, "acts2 has dtype"),
    ):
        with pytest.raises(error, match=message):
            numpy_pls.get_pls_similarity(*pair)
