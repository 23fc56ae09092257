"""fastcca.compat.numpy_pca against google/svcca's answers."""

import inspect

import numpy as np
import pytest

from cases import google_logits
from fastcca.compat import numpy_pca


@pytest.fixture
def rng():
    return np.random.default_rng(7)


def test_signature_is_google_s():
    parameters = inspect.signature(numpy_pca.get_pca).parameters.values()
    assert [(p.name, p.default) for p in parameters] == [
        ("acts", inspect.Parameter.empty),
        ("compute_dirns", False),
    ]


@pytest.mark.parametrize("side", ["x", "y"])
def test_google_logits(side):
    stored = google_logits()
    found = numpy_pca.get_pca(stored[side])
    # google's are of a decomposition in single precision
    np.testing.assert_allclose(found["eigenvals"], stored[f"google_pca_{side}_eigenvals"], 1e-6)


@pytest.mark.parametrize(("p", "n"), [(1, 50), (5, 300), (4, 20_000)])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_by_decomposition_of_the_activations(rng, p, n, dtype):
    acts = (rng.normal(size=(p, p)) @ rng.normal(size=(p, n)) + 5.0).astype(dtype)
    acts.flags.writeable = False
    wide = acts.astype(np.float64)
    means = wide.mean(axis=1, keepdims=True)
    u, s, _ = np.linalg.svd(wide - means, full_matrices=False)

    found = numpy_pca.get_pca(acts, compute_dirns=True)

    assert set(found) == {"eigenvals", "neuron_coefs", "pca_dirns"}
    np.testing.assert_allclose(found["eigenvals"], s, rtol=1e-9)
    signs = np.where(np.sum(found["neuron_coefs"] * u.T, axis=1, keepdims=True) < 0.0, -1.0, 1.0)
    np.testing.assert_allclose(found["neuron_coefs"] * signs, u.T, rtol=0, atol=1e-8)
    np.testing.assert_allclose(
        (found["pca_dirns"] - means) * signs, u.T @ (wide - means), rtol=0, atol=1e-6
    )
    assert set(numpy_pca.get_pca(acts)) == {"eigenvals", "neuron_coefs"}


def test_activations_that_do_not_fit(rng):
    acts = rng.normal(size=(4, 50))
    spoiled = acts.copy()
    spoiled[2, 7] = np.inf
    for given, error, message in (
        (acts.T, ValueError, r"acts has shape \(50, 4\).*transpose"),
        (acts[:, :4], ValueError, r"acts has shape \(4, 4\)"),
        (acts[0], ValueError, r"acts has shape \(50,\).*\(neurons, datapoints\)"),
        (spoiled, ValueError, "acts has 1 value"),
        (acts * 1j, TypeError, "acts has dtype complex128"),
        (acts.astype(object), TypeError, "acts has dtype object"),
    ):
        with pytest.raises(error, match=message):
            numpy_pca.get_pca(given)
