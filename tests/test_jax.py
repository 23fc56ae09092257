"""The lines of docs/activations.md for JAX and Keras, where these are installed."""

import os
import re
from pathlib import Path

import numpy as np
import pytest

import fastcca

jax = pytest.importorskip("jax")

PAGE = Path(__file__).parent.parent / "docs" / "activations.md"
OF_JAX = "<!-- run by tests/test_jax.py -->"
OF_KERAS = "<!-- run by tests/test_jax.py, where Keras is installed -->"


def snippets(marker):
    text = PAGE.read_text(encoding="utf-8")
    return re.findall(re.escape(marker) + r"\n```python\n(.*?)\n```\n", text, re.DOTALL)


@pytest.fixture
def samples():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(300, 6)).astype(np.float32)
    return x, rng.normal(size=(6, 8)).astype(np.float32), rng.normal(size=(8, 3)).astype(np.float32)


def assert_moments_of(moments, expected):
    assert moments.n_samples == len(expected["hidden"])
    for first, x in expected.items():
        for second, y in expected.items():
            joint = np.cov(x.T.astype(float), y.T.astype(float))
            cross = joint[: x.shape[1], x.shape[1] :]
            np.testing.assert_allclose(moments.covariance(first, second), cross, atol=1e-4)


def test_arrays_of_jax(samples):
    x, w1, _ = samples
    a, b = jax.numpy.asarray(x), jax.numpy.tanh(x @ w1)
    one, _ = snippets(OF_JAX)
    expected = fastcca.cca(x, np.asarray(b)).correlations
    found = eval(one.partition("#")[0], {"fastcca": fastcca, "jax": jax, "a": a, "b": b})
    np.testing.assert_array_equal(found.correlations, expected)
    np.testing.assert_array_equal(fastcca.cca(a, b).correlations, expected)


def test_bfloat16_of_jax_is_known_as_such(samples):
    x = jax.numpy.asarray(samples[0]).astype(jax.numpy.bfloat16)
    for given in (x, jax.device_get(x)):
        moments = fastcca.Moments()
        moments.update(given)
        assert moments._state.precision(0) == "bfloat16"


def test_layers_of_jax(samples):
    x, w1, w2 = samples
    _, code = snippets(OF_JAX)
    moments = fastcca.Moments()
    names = {"jax": jax, "w1": w1, "w2": w2, "moments": moments, "loader": [x[:100], x[100:]]}
    exec(code, names)

    hidden = np.maximum(x @ w1, 0.0)
    assert_moments_of(moments, {"hidden": hidden, "logits": hidden @ w2})


def test_layers_of_keras(samples, monkeypatch):
    if "KERAS_BACKEND" not in os.environ:
        monkeypatch.setenv("KERAS_BACKEND", "jax")
    keras = pytest.importorskip("keras")
    x, w1, w2 = samples
    given = keras.Input((6,))
    hidden = keras.layers.Dense(8, activation="relu", use_bias=False, name="hidden")
    logits = keras.layers.Dense(3, use_bias=False, name="logits")
    model = keras.Model(given, logits(hidden(given)))
    hidden.set_weights([w1])
    logits.set_weights([w2])
    moments = fastcca.Moments()
    names = {"keras": keras, "model": model, "names": ["hidden", "logits"], "moments": moments}
    (code,) = snippets(OF_KERAS)
    exec(code, names | {"loader": [x[:100], x[100:]]})

    expected = np.maximum(x @ w1, 0.0)
    assert_moments_of(moments, {"hidden": expected, "logits": expected @ w2})
