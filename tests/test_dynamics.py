"""fastcca.dynamics: networks during training, on digits."""

import warnings

import numpy as np
import pytest

import fastcca

WIDTHS = (32, 32, 32)


def hidden(net, x):
    out = {}
    for i, (weights, bias) in enumerate(zip(net.coefs_[:-1], net.intercepts_[:-1], strict=True)):
        x = np.maximum(x @ weights + bias, 0.0)
        out[f"hidden{i + 1}"] = x
    return out


def train(x, y, seed, epochs):
    """Layers after every epoch."""
    from sklearn.neural_network import MLPClassifier

    net = MLPClassifier(WIDTHS, random_state=seed)
    taken = []
    for _ in range(epochs):
        net.partial_fit(x, y, classes=np.arange(10))
        taken.append(hidden(net, x))
    return taken


@pytest.fixture(scope="module")
def digits():
    x, y = pytest.importorskip("sklearn.datasets").load_digits(return_X_y=True)
    return x / 16.0, y


def test_layers_converge_from_the_bottom_up(digits):
    for seed in (0, 1):
        taken = train(*digits, seed, 25)
        found = fastcca.dynamics(dict(enumerate(taken, 1)), taken[-1])

        assert found.values.shape == (25, 3, 3)
        assert found.steps == tuple(range(1, 26))
        np.testing.assert_allclose(found.to_final[-1], 1.0, atol=1e-9)
        assert (found.to_final[0] < found.to_final[-1] - 0.02).all()
        mean = found.to_final.mean(axis=0)
        assert mean[0] > mean[1] > mean[2]
        one = fastcca.svcca(taken[3]["hidden2"], taken[-1]["hidden1"]).mean
        assert found.values[3, 1, 0] == pytest.approx(one, abs=1e-12)


def test_true_labels_agree_more_than_shuffled_ones(digits):
    x, y = digits
    rng = np.random.default_rng(0)
    true = [train(x, y, seed, 40)[-1] for seed in (0, 1)]
    shuffled = [train(x, rng.permutation(y), seed, 40)[-1] for seed in (0, 1)]

    agree = fastcca.pairwise(*true).values[-1, -1]
    differ = fastcca.pairwise(*shuffled).values[-1, -1]

    assert agree > differ + 0.02


def test_converged():
    values = np.array([[0.5, 0.97], [0.96, 0.9], [0.99, 0.94]])
    found = fastcca.DynamicsResult(
        np.stack([np.diag(row) for row in values]), ("t1", "t2", "t3"), ("a", "b"), ("a", "b"), "m"
    )

    assert found.converged(0.95) == {"a": "t2", "b": None}
    assert found.converged(0.9) == {"a": "t2", "b": "t1"}
    with pytest.raises(ValueError, match="threshold=2"):
        found.converged(2)


def test_errors():
    layer = np.random.default_rng(0).normal(size=(50, 2))
    with pytest.raises(ValueError, match="empty"):
        fastcca.dynamics([], {"a": layer})
    with warnings.catch_warnings(), pytest.raises(ValueError, match="same"):
        fastcca.dynamics([{"a": layer}, {"b": layer}], {"a": layer})
