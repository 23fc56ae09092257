"""``fastcca demo``: two networks trained on handwritten digits, compared layer by layer."""

from __future__ import annotations

import textwrap
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

import fastcca
from fastcca.cli.errors import faults_told, require_extra
from fastcca.cli.output import print_table

Array = NDArray[np.float64]

WIDTHS = (64, 64, 64, 64)
EPOCHS = 100
N_HELD_OUT = 500


@dataclass(frozen=True)
class Digits:
    """Images (n, 64) in [0, 1] with their labels (n,); the last `n_held_out` are not trained on."""

    images: Array
    labels: NDArray[np.int64]
    n_held_out: int


@dataclass(frozen=True)
class Network:
    """A trained multilayer perceptron: weights (fan_in, fan_out) and biases of each layer."""

    weights: tuple[Array, ...]
    biases: tuple[Array, ...]
    accuracy: float

    def activations(self, images: Array) -> dict[str, Array]:
        """Compute what every layer says to every image: name -> (n_images, n_units).

        Hidden layers are taken after the ReLU, the output before the softmax.
        """
        layers = {}
        signal = images
        for depth, (weight, bias) in enumerate(zip(self.weights, self.biases, strict=True), 1):
            signal = signal @ weight + bias
            if depth == len(self.weights):
                layers["logits"] = signal
            else:
                signal = np.maximum(signal, 0)
                layers[f"hidden {depth}"] = signal
        return layers


@dataclass(frozen=True)
class Comparison:
    """Similarity of every layer of one network (rows) with every layer of another (columns)."""

    row_names: tuple[str, ...]
    column_names: tuple[str, ...]
    mean: Array  # mean canonical correlation
    mean_squared: Array  # R2_CCA
    chance: float  # the largest R2_CCA that unrelated data of these shapes would have on average


def load_digits(seed: int) -> Digits:
    """Take scikit-learn's 1797 digits of 8 x 8 pixels, shuffled."""
    from sklearn.datasets import load_digits  # type: ignore[import-untyped]

    images, labels = load_digits(return_X_y=True)
    order = np.random.default_rng(seed).permutation(len(images))
    return Digits(images[order] / 16, labels[order], N_HELD_OUT)


def train_network(
    digits: Digits,
    random: np.random.RandomState,
    *,
    widths: tuple[int, ...] = WIDTHS,
    epochs: int = EPOCHS,
    after_epoch: Callable[[], None] = lambda: None,
) -> Network:
    """Train a classifier of ReLU layers with Adam.

    Parameters
    ----------
    digits
        The data.
    random
        Draws the first weights and the order of the images.
    widths
        Units of each hidden layer.
    epochs
        Passes over the training images.
    after_epoch
        Called after each of them.
    """
    from sklearn.neural_network import MLPClassifier  # type: ignore[import-untyped]

    split = len(digits.images) - digits.n_held_out
    model = MLPClassifier(widths, batch_size=64, random_state=random)
    for _ in range(epochs):
        model.partial_fit(digits.images[:split], digits.labels[:split], classes=np.arange(10))
        after_epoch()
    accuracy = model.score(digits.images[split:], digits.labels[split:])
    return Network(tuple(model.coefs_), tuple(model.intercepts_), float(accuracy))


def compare_layers(rows: dict[str, Array], columns: dict[str, Array]) -> Comparison:
    """Compare all layers of two networks by CCA.

    Parameters
    ----------
    rows, columns
        Name of a layer -> its activations (n, units), for the same n inputs.
    """
    results = [[fastcca.cca(x, y, weights=False) for y in columns.values()] for x in rows.values()]
    return Comparison(
        tuple(rows),
        tuple(columns),
        np.array([[result.mean for result in line] for line in results]),
        np.array([[result.mean_squared for result in line] for line in results]),
        # The average over unrelated Gaussian data is exactly max(p, q) / (n - 1).
        max(
            max(result.x_rank, result.y_rank) / (result.n_samples - 1)
            for line in results
            for result in line
        ),
    )


def findings(comparison: Comparison) -> list[str]:
    """Say what the numbers of two networks of the same shape show, from the numbers alone."""
    hidden = comparison.mean_squared[:-1, :-1]
    depth = len(hidden)
    same = np.diag(hidden)
    closest = int((hidden.argmax(axis=1) == np.arange(depth)).sum())
    if abs(same[-1] - same[0]) < 0.02:
        trend = f"At equal depth R2 is {same[0]:.2f} in the first hidden layer and {same[-1]:.2f} "
        trend += "in the last: about as alike."
    else:
        word, less = ("falls", "less") if same[-1] < same[0] else ("rises", "more")
        trend = f"At equal depth R2 {word} from {same[0]:.2f} in the first hidden layer to "
        trend += f"{same[-1]:.2f} in the last: the deeper layers have {less} in common."
    logits = np.concatenate([comparison.mean_squared[:-1, -1], comparison.mean_squared[-1, :-1]])
    return [
        trend,
        f"For {closest} of {depth} hidden layers of network A, the closest hidden layer of "
        "network B is the one at the same depth.",
        f"Against logits, hidden layers reach {logits.min():.2f} to {logits.max():.2f}: those "
        "cells compare few directions, so read them apart from the others.",
        f"Unrelated data of these shapes would give R2 of at most {comparison.chance:.2f} "
        "on average.",
    ]


def demo(
    output: Path,
    *,
    seed: int = 0,
    widths: tuple[int, ...] = WIDTHS,
    epochs: int = EPOCHS,
) -> None:
    """Train, compare, print the tables and write the picture.

    Parameters
    ----------
    output
        The file for the picture.
    seed
        Chooses both networks and the held-out images.
    widths, epochs
        As for `train_network`.

    Raises
    ------
    UserError
        If a package is missing or the picture cannot be written.
    """
    require_extra(
        "demo",
        {"sklearn": "scikit-learn", "matplotlib": "matplotlib", "rich": "rich"},
        purpose="the demo",
    )
    from rich.console import Console
    from rich.progress import Progress

    from fastcca.cli.pictures import HeatMap, check_picture_path, draw_heat_maps

    check_picture_path(output)
    digits = load_digits(seed)
    streams = np.random.SeedSequence(seed).spawn(2)
    console = Console(stderr=True)
    networks = []
    with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
        bar = progress.add_task("training two networks", total=2 * epochs)
        for stream in streams:
            networks.append(
                train_network(
                    digits,
                    np.random.RandomState(np.random.MT19937(stream)),
                    widths=widths,
                    epochs=epochs,
                    after_epoch=lambda: progress.advance(bar),
                )
            )
    with faults_told():
        comparison = compare_layers(*(network.activations(digits.images) for network in networks))

    n_trained = len(digits.images) - digits.n_held_out
    _print_paragraph(
        f"Two networks with hidden layers of {', '.join(map(str, widths))} units, trained on "
        f"{n_trained} handwritten digits from different random starts, read "
        f"{networks[0].accuracy:.1%} and {networks[1].accuracy:.1%} of {digits.n_held_out} other "
        f"digits correctly. Each cell compares a layer of A (row) with a layer of B (column) over "
        f"all {len(digits.images)} images."
    )
    print()
    for title, values in (
        ("Mean canonical correlation", comparison.mean),
        ("R2_CCA (mean squared canonical correlation)", comparison.mean_squared),
    ):
        print_table(
            [
                [name, *(f"{value:.3f}" for value in line)]
                for name, line in zip(comparison.row_names, values, strict=True)
            ],
            header=["A \\ B", *comparison.column_names],
            title=title,
            align_right=True,
            bold={(row, row + 1) for row in range(len(values))},
        )
    print("What to look at:")
    for sentence in findings(comparison):
        _print_paragraph(sentence, bullet="- ")
    draw_heat_maps(
        [
            HeatMap("mean canonical correlation", comparison.mean),
            HeatMap(r"$R^2_{\mathrm{CCA}}$: mean squared correlation", comparison.mean_squared),
        ],
        output,
        row_names=comparison.row_names,
        column_names=comparison.column_names,
        row_label="network A",
        column_label="network B",
        title="Two networks trained on handwritten digits, layer by layer",
    )
    print(f"\nPicture: {output}")


def _print_paragraph(text: str, bullet: str = "") -> None:
    print(textwrap.fill(text, 79, initial_indent=bullet, subsequent_indent=" " * len(bullet)))
