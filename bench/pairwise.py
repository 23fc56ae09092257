"""All pairs of layers at once against pair by pair, ours and the recipe of google/svcca.

Run as ``python bench/pairwise.py [--rounds K] [--google-pairs N]``. The recipe is timed on
N pairs of all widths, and its time is scaled to all of them.
"""

from __future__ import annotations

import argparse
import warnings
from itertools import combinations_with_replacement

import numpy as np
import numpy.typing as npt

import fastcca
import recipes
from table import interleaved, ratio, seconds

Layers = dict[str, npt.NDArray[np.float32]]

WIDTHS = (64, 64, 96, 128, 128, 192, 256, 256)


def make_layers(n: int, widths: tuple[int, ...] = WIDTHS) -> Layers:
    """Layers that share 32 directions, (n, width), float32."""
    rng = np.random.default_rng(0)
    shared = rng.standard_normal((n, 32), dtype=np.float32)
    return {
        f"layer{i}": shared @ rng.standard_normal((32, p), dtype=np.float32)
        + rng.standard_normal((n, p), dtype=np.float32)
        for i, p in enumerate(widths)
    }


def pair_by_pair(layers: Layers) -> npt.NDArray[np.float64]:
    """Mean correlations of SVCCA, (L, L), by single calls."""
    out = np.empty((len(layers), len(layers)))
    arrays = list(layers.values())
    for i, j in combinations_with_replacement(range(len(arrays)), 2):
        out[i, j] = out[j, i] = fastcca.svcca(arrays[i], arrays[j], weights=False).mean
    return out


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--google-pairs", type=int, default=3)
    args = parser.parse_args()
    warnings.simplefilter("ignore", fastcca.RankWarning)
    layers = make_layers(20_000)
    error = np.abs(fastcca.pairwise(layers).values - pair_by_pair(layers)).max()
    if not error <= 1e-9:
        raise SystemExit(f"pairwise is off by {error:.1e}")
    times = interleaved(
        {"pairwise": lambda: fastcca.pairwise(layers), "single": lambda: pair_by_pair(layers)},
        args.rounds,
    )
    pairs = list(combinations_with_replacement(layers.values(), 2))
    # Spread over all widths.
    chosen = pairs[:: max(1, len(pairs) // args.google_pairs)][: args.google_pairs]
    google = sum(seconds(lambda p=p: recipes.svcca(*p)) for p in chosen)
    google *= len(pairs) / len(chosen)
    ours = times["pairwise"]
    print(f"{len(pairs)} pairs of layers of {WIDTHS} channels, n = 20 000, SVCCA at 99 %")
    print("| way | seconds | over pairwise |\n|---|---|---|")
    print(f"| pairwise | {np.median(ours):.2f} | 1 |")
    single = times["single"]
    print(f"| pair by pair | {np.median(single):.2f} | {ratio(single, ours):.1f} |")
    over = google / np.median(ours)
    print(f"| google's recipe, from {len(chosen)} pairs | {google:.1f} | {over:.0f} |")
    print(f"largest difference from single calls {error:.1e}")


if __name__ == "__main__":
    main()
