"""The demo: its networks, its numbers, what it says and what it draws."""

import sys
from pathlib import Path

import numpy as np
import pytest

from fastcca.cli import main
from fastcca.cli.demo import (
    Comparison,
    Network,
    compare_layers,
    demo,
    findings,
    load_digits,
    train_network,
)
from fastcca.cli.errors import UserError

WIDTHS = (24, 20)
EPOCHS = 8


def train(seed):
    return train_network(load_digits(0), np.random.RandomState(seed), widths=WIDTHS, epochs=EPOCHS)


@pytest.fixture(scope="module")
def networks():
    return train(1), train(2)


@pytest.fixture(scope="module")
def layers(networks):
    images = load_digits(0).images
    return tuple(network.activations(images) for network in networks)


@pytest.fixture(scope="module")
def comparison(layers):
    return compare_layers(*layers)


def test_digits():
    digits = load_digits(3)
    assert digits.images.shape == (1797, 64)
    assert digits.images.min() == 0
    assert digits.images.max() == 1
    assert set(digits.labels) == set(range(10))
    assert not np.array_equal(digits.labels, load_digits(4).labels), "the seed does not shuffle"


def test_networks_learn(networks):
    for network in networks:
        assert network.accuracy > 0.8


def test_training_counts_its_epochs():
    calls = []
    train_network(
        load_digits(0),
        np.random.RandomState(0),
        widths=(8,),
        epochs=3,
        after_epoch=lambda: calls.append(1),
    )
    assert len(calls) == 3


def test_same_seed_same_network(networks):
    again = train(1)
    for weight, expected in zip(again.weights, networks[0].weights, strict=True):
        np.testing.assert_allclose(weight, expected, atol=1e-8)
    assert not np.allclose(networks[0].weights[0], networks[1].weights[0])


def test_activations_are_those_of_the_network(networks, layers):
    """The logits name the digit as often as scikit-learn's own forward pass said."""
    digits = load_digits(0)
    for network, activations in zip(networks, layers, strict=True):
        assert list(activations) == ["hidden 1", "hidden 2", "logits"]
        assert [a.shape for a in activations.values()] == [(1797, 24), (1797, 20), (1797, 10)]
        assert activations["hidden 1"].min() == 0
        assert activations["logits"].min() < 0
        said = activations["logits"].argmax(axis=1)
        held_out = slice(-digits.n_held_out, None)
        assert (said == digits.labels)[held_out].mean() == pytest.approx(network.accuracy)


def test_activations_by_hand():
    network = Network(
        weights=(np.array([[1.0, -1.0]]), np.array([[2.0], [3.0]])),
        biases=(np.array([0.0, 1.0]), np.array([-4.0])),
        accuracy=1.0,
    )
    activations = network.activations(np.array([[2.0], [-3.0]]))
    np.testing.assert_array_equal(activations["hidden 1"], [[2, 0], [0, 4]])
    np.testing.assert_array_equal(activations["logits"], [[0], [8]])


def test_similarities_lie_between_0_and_1(comparison):
    assert comparison.mean.shape == comparison.mean_squared.shape == (3, 3)
    for values in (comparison.mean, comparison.mean_squared):
        assert (values > 0).all()
        assert (values < 1).all()
    assert (comparison.mean_squared <= comparison.mean).all()
    assert (comparison.mean_squared > comparison.chance).all()
    assert comparison.chance == pytest.approx(24 / 1796, abs=2 / 1796)  # less with dead units


def test_a_network_equals_itself(layers):
    itself = compare_layers(layers[0], layers[0])
    np.testing.assert_allclose(np.diag(itself.mean), 1, atol=1e-9)
    np.testing.assert_allclose(itself.mean, itself.mean.T, atol=1e-9)


def test_rows_are_the_first_network(layers, comparison):
    swapped = compare_layers(layers[1], layers[0])
    np.testing.assert_allclose(swapped.mean, comparison.mean.T, atol=1e-9)


def made_up(hidden, logits=0.9):
    values = np.full((len(hidden) + 1, len(hidden) + 1), logits)
    values[:-1, :-1] = hidden
    names = ("hidden",) * len(hidden) + ("logits",)
    return Comparison(names, names, np.sqrt(values), values, 0.035)


def test_findings_follow_the_numbers():
    falling = findings(made_up([[0.8, 0.5], [0.6, 0.4]]))
    assert "falls from 0.80" in falling[0]
    assert "0.40" in falling[0]
    assert "less in common" in falling[0]
    assert "1 of 2" in falling[1]
    assert "0.90 to 0.90" in falling[2]
    rising = findings(made_up([[0.5, 0.3], [0.4, 0.8]], logits=0.7))
    assert "rises from 0.50" in rising[0]
    assert "more in common" in rising[0]
    assert "2 of 2" in rising[1]
    level = findings(made_up([[0.5, 0.3], [0.4, 0.51]]))
    assert "about as alike" in level[0]


def test_demo_prints_and_draws(tmp_path, capsys):
    import matplotlib
    from matplotlib.image import imread

    before = dict(matplotlib.rcParams)
    pyplot_was_loaded = "matplotlib.pyplot" in sys.modules
    picture = tmp_path / "demo.png"
    demo(picture, seed=5, widths=WIDTHS, epochs=EPOCHS)
    out, err = capsys.readouterr()
    assert err == "", "a progress bar belongs on a terminal only"
    assert "24, 20 units" in out
    assert "Mean canonical correlation" in out
    assert "R2_CCA" in out
    assert "What to look at" in out
    assert str(picture) in out
    assert picture.read_bytes().startswith(b"\x89PNG")
    pixels = imread(picture)
    assert pixels.shape[0] > 400
    assert pixels.shape[1] > 800
    assert np.unique(pixels.reshape(-1, pixels.shape[2]), axis=0).shape[0] > 50, "it is blank"
    assert dict(matplotlib.rcParams) == before
    assert ("matplotlib.pyplot" in sys.modules) == pyplot_was_loaded


def test_demo_is_repeatable(tmp_path, capsys):
    said = []
    for seed in (1, 1, 2):
        demo(tmp_path / "demo.png", seed=seed, widths=WIDTHS, epochs=2)
        said.append(capsys.readouterr().out)
    assert said[0] == said[1]
    assert said[0] != said[2]


@pytest.mark.parametrize(
    ("module", "package"),
    [("sklearn", "scikit-learn"), ("matplotlib", "matplotlib"), ("rich", "rich")],
)
def test_missing_package(module, package, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(sys.modules, module, None)
    assert main(["demo"]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err == (
        f'fastcca: error: the demo needs {package}; install with: pip install "fastcca[demo]"\n'
    )
    assert not list(Path().iterdir())


def test_bad_environment(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("FASTCCA_BACKEND", "nonsense")
    with pytest.raises(UserError, match="FASTCCA_BACKEND"):
        demo(tmp_path / "demo.png", widths=(4,), epochs=1)


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (["--seed", "-1"], "invalid seed value: '-1'"),
        (["--seed", "x"], "invalid seed value: 'x'"),
        (["--output", "nowhere/demo.png"], "no such folder"),
        (["--output", "demo.doc"], ".png"),
    ],
)
def test_bad_options(argv, said, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(["demo", *argv]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert said in err
    assert err.count("\n") == 1
