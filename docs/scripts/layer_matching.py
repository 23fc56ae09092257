"""The layer-matching table of ``docs/which-measure.md``.

The check of Kornblith et al. (2019, section 6.1) on small fully connected networks: networks of one
architecture are trained from different random starts; for every hidden layer of one, is the most
similar hidden layer of another the one at the same depth? Logits are left out. Measures that change
when their arguments are swapped are taken in both directions and averaged, as there.

Run as ``python docs/scripts/layer_matching.py [--networks N] [--update]``; ``--update`` pastes into
the page. It needs scikit-learn, and takes some minutes.
"""

from __future__ import annotations

import argparse
import itertools
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pages
from numpy.typing import NDArray

import fastcca
from fastcca.cli.demo import Network, load_digits, train_network

Array = NDArray[np.float64]
Layers = dict[str, Array]  # name -> (n_images, units)

PAGE = Path(__file__).resolve().parents[1] / "which-measure.md"


@dataclass(frozen=True)
class Setting:
    """An architecture, and how many images the layers are compared on."""

    widths: tuple[int, ...]
    n_images: int

    @property
    def title(self) -> str:
        """Head of the column."""
        widths = (
            f"{len(self.widths)} x {self.widths[0]}"
            if len(set(self.widths)) == 1
            else ", ".join(map(str, self.widths))
        )
        return f"{widths}; n = {self.n_images}"


SETTINGS = (
    Setting((64,) * 4, 1797),
    Setting((64,) * 4, 300),
    Setting((64,) * 4, 100),
    Setting((64,) * 8, 1797),
    Setting((128, 96, 64, 48, 32), 1797),
)


def symmetrized(measure: Callable[[Array, Array], float]) -> Callable[[Array, Array], float]:
    """Mean of both directions."""
    return lambda x, y: (measure(x, y) + measure(y, x)) / 2


MEASURES: dict[str, Callable[[Array, Array], float]] = {
    "CCA, mean": lambda x, y: fastcca.cca(x, y, weights=False).mean,
    "CCA, mean of squares": lambda x, y: fastcca.cca(x, y, weights=False).mean_squared,
    "CCA, thresholded mean": lambda x, y: fastcca.cca(x, y, weights=False).thresholded_mean(),
    "SVCCA, 99 % of variance": lambda x, y: fastcca.svcca(x, y, weights=False).mean,
    "SVCCA, 99 % of singular values": lambda x, y: (
        fastcca.svcca(x, y, criterion="singular_values", weights=False).mean
    ),
    "PWCCA, symmetric": lambda x, y: fastcca.pwcca(x, y, variant="symmetric").value,
    "PWCCA, google's": symmetrized(lambda x, y: fastcca.pwcca(x, y, variant="google").value),
    "linear regression": symmetrized(fastcca.linear_regression_r2),
    "Procrustes": fastcca.procrustes,
    "CKA": fastcca.cka,
    "CKA, debiased": lambda x, y: fastcca.cka(x, y, debiased=True),
}


def train(widths: tuple[int, ...], count: int, seed: int = 0, epochs: int = 100) -> list[Network]:
    """Train networks that differ in their random start and the order of the images."""
    digits = load_digits(seed)
    streams = np.random.SeedSequence(seed).spawn(count)
    return [
        train_network(
            digits,
            np.random.RandomState(np.random.MT19937(stream)),
            widths=widths,
            epochs=epochs,
        )
        for stream in streams
    ]


def hidden_layers(network: Network, images: Array) -> list[Array]:
    """Hidden layers after the ReLU, the first one first."""
    return [layer for name, layer in network.activations(images).items() if name != "logits"]


def share_matched(
    networks: list[list[Array]], measure: Callable[[Array, Array], float]
) -> tuple[float, float]:
    """Share of layers whose closest layer in another network is at the same depth.

    Returns
    -------
    share, error : float
        The mean over ordered pairs of networks, and its standard error by the jackknife over
        networks.
    """
    count = len(networks)
    matched = np.full((count, count), np.nan)
    for i, j in itertools.combinations(range(count), 2):
        values = np.array([[measure(x, y) for y in networks[j]] for x in networks[i]])
        depth = np.arange(len(values))
        matched[i, j] = np.mean(values.argmax(axis=1) == depth)
        matched[j, i] = np.mean(values.argmax(axis=0) == depth)
    share = float(np.nanmean(matched))
    if count == 2:  # nothing to leave out
        return share, float("nan")
    without = [np.delete(np.delete(matched, k, axis=0), k, axis=1) for k in range(count)]
    error = np.sqrt((count - 1) * np.var([np.nanmean(rest) for rest in without]))
    return share, float(error)


def table(settings: tuple[Setting, ...], count: int) -> str:
    """Train, compare and lay out the table."""
    images = load_digits(0).images
    columns: list[list[str]] = []
    trained: dict[tuple[int, ...], list[Network]] = {}
    for setting in settings:
        if setting.widths not in trained:
            trained[setting.widths] = train(setting.widths, count)
            accuracies = [network.accuracy for network in trained[setting.widths]]
            print(f"{setting.widths}: accuracy {min(accuracies):.3f} to {max(accuracies):.3f}")
        layers = [
            hidden_layers(network, images[: setting.n_images])
            for network in trained[setting.widths]
        ]
        column = [f"{100 / len(setting.widths):.1f}"]
        for name, measure in MEASURES.items():
            share, error = share_matched(layers, measure)
            column.append(f"{100 * share:.1f} ± {100 * error:.1f}")
            print(f"{setting.title}: {name} {column[-1]}", flush=True)
        columns.append(column)
    head = ["measure", *(setting.title for setting in settings)]
    rows = zip(["by guessing", *MEASURES], *columns, strict=True)
    return pages.table(head, [list(row) for row in rows])


def main() -> None:
    """Print the table, or paste it into the page."""
    parser = argparse.ArgumentParser(description="Match layers of networks of different seeds.")
    parser.add_argument("--networks", type=int, default=10, help="how many of each (default: 10)")
    parser.add_argument("--update", action="store_true", help="paste the table into the page")
    options = parser.parse_args()
    warnings.simplefilter("ignore", fastcca.RankWarning)
    text = table(SETTINGS, options.networks)
    print(text)
    if options.update:
        pages.paste(PAGE, "layer-matching", text)


if __name__ == "__main__":
    main()
