"""Where the time of one CCA goes: the pass over the data and the decompositions.

    python bench/parts.py [--channels 1024] [--samples 45000] [--rounds 9]

fastcca, careful numpy and the floor (n (p + q)^2 operations at the rate of a float64 matrix
product) take turns, so that a machine whose speed varies treats them alike. Figures are medians
over the rounds; ratios are medians of the ratios within a round.
"""

import argparse

import numpy as np

import contenders
import fastcca
from table import PRODUCT_OPERATIONS, Run, interleaved, matrix_product, ratio


def measure(row: contenders.Row, rounds: int) -> dict[str, np.ndarray]:
    """Seconds of every part in every round, and of the floor."""
    x, y = contenders.make_layers(row)
    moments = fastcca.Moments()
    moments.update(x, y)
    scatter = contenders.careful_scatter(x, y)
    runs: dict[str, Run] = {
        "product": matrix_product(),
        "fastcca, whole": lambda: fastcca.cca(x, y, weights=False),
        "careful numpy, whole": lambda: contenders.careful_numpy(x, y),
        "fastcca, pass": lambda: fastcca.Moments().update(x, y),
        "careful numpy, pass": lambda: contenders.careful_scatter(x, y),
        "fastcca, decompositions": lambda: fastcca.cca(moments, weights=False),
        "careful numpy, decompositions": lambda: contenders.careful_correlations(scatter, row.p),
    }
    times = interleaved(runs, rounds)
    times["floor"] = times.pop("product") * (row.n * (2 * row.p) ** 2 / PRODUCT_OPERATIONS)
    return times


def main() -> None:
    """Print medians, in milliseconds and over the floor."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--channels", type=int, default=1024)
    parser.add_argument("--samples", type=int, default=45_000)
    parser.add_argument("--rounds", type=int, default=9)
    args = parser.parse_args()
    times = measure(contenders.Row(args.channels, args.samples), args.rounds)
    floor = times["floor"]
    for name, seconds in times.items():
        print(f"{name:32} {1e3 * np.median(seconds):9.1f} ms   {ratio(seconds, floor):5.2f} floors")
    ratios = times["careful numpy, whole"] / times["fastcca, whole"]
    low, middle, high = np.percentile(ratios, [25, 50, 75])
    print(f"careful numpy / fastcca: {middle:.2f} (quartiles {low:.2f} and {high:.2f})")


if __name__ == "__main__":
    main()
