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


def test_one_warning_for_all_checkpoints_that_names_them_and_the_caller():
    rng = np.random.default_rng(0)
    good, few = {"a": rng.normal(size=(40, 2))}, {"a": rng.normal(size=(40, 9))}
    dead = {"a": np.ones((40, 2))}
    checkpoints = {0: good, 10: few, 20: dead, "last": few}

    with pytest.warns(fastcca.RankWarning) as record:
        fastcca.dynamics(checkpoints, good, measure="cca")

    told = sorted(str(warning.message) for warning in record)
    assert len(told) == 2
    assert told[0].startswith(
        "40 samples for up to 9 features in 'a' at the checkpoints 10, 'last': chance alone"
    )
    assert told[1].startswith("no feature of 'a' varies at the checkpoint 20, so")
    assert {warning.filename for warning in record} == {__file__}
    with pytest.warns(fastcca.RankWarning, match="in '0' at 9 checkpoints from 0 to 8: chance"):
        fastcca.dynamics([[few["a"]]] * 9, [good["a"]], measure="cca")


def test_unknown_options_are_refused():
    layer = np.random.default_rng(0).normal(size=(50, 2))
    with pytest.raises(TypeError, match="unexpected keyword argument 'metric'"):
        fastcca.dynamics([{"a": layer}], {"a": layer}, metric="cka")
