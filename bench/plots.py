"""Draw time against n and against p, log-log, with the floor as a line: docs/images/speed.png.

Run as ``python bench/plots.py [--rounds 3] [--output FILE]``. The contenders and the floor are
those of `table.py`; every point is checked against QR in float64 before it is timed.
"""

from __future__ import annotations

import argparse
import warnings
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes

import contenders
from table import PRODUCT_OPERATIONS, Run, interleaved, matrix_product

OUTPUT = Path(__file__).parent.parent / "docs" / "images" / "speed.png"
DRAWN = ("fastcca", "careful numpy", "google")
CHANNELS = 128
SAMPLES = 16_000
BY_SAMPLES = tuple(contenders.Row(CHANNELS, n) for n in (1_000, 4_000, 16_000, 64_000, 256_000))
BY_CHANNELS = tuple(contenders.Row(p, SAMPLES) for p in (8, 32, 128, 512, 1024))


def milliseconds(row: contenders.Row, rounds: int) -> dict[str, float]:
    """Medians of every contender and of the floor."""
    x, y = contenders.make_layers(row)
    answer = contenders.exact(x, y)
    runs: dict[str, Run] = {"floor": matrix_product()}
    for name in DRAWN:
        entry = contenders.CCA[name]
        error = float(np.max(np.abs(entry.run(x, y) - answer)))
        if not error <= entry.tolerance:
            raise SystemExit(f"{name} is off by {error:.1e} at {row}")
        runs[name] = lambda e=entry: e.run(x, y)
    medians = {name: 1e3 * float(np.median(t)) for name, t in interleaved(runs, rounds).items()}
    medians["floor"] *= row.n * (2 * row.p) ** 2 / PRODUCT_OPERATIONS
    print(row, {name: round(value, 2) for name, value in medians.items()}, flush=True)
    return medians


def draw(axes: Axes, at: list[int], found: list[dict[str, float]]) -> None:
    """One line for each contender."""
    for name in found[0]:
        style = {"color": "black", "linestyle": "--"} if name == "floor" else {"marker": "o"}
        axes.loglog(at, [medians[name] for medians in found], label=name, **style)
    axes.grid(visible=True, which="major", alpha=0.3)


def main() -> None:
    """Measure and draw."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--output", type=Path, default=OUTPUT)
    args = parser.parse_args()
    warnings.simplefilter("ignore")
    figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.6), layout="constrained")
    draw(left, [row.n for row in BY_SAMPLES], [milliseconds(r, args.rounds) for r in BY_SAMPLES])
    left.set(xlabel="samples", ylabel="ms", title=f"p = q = {CHANNELS}")
    draw(right, [row.p for row in BY_CHANNELS], [milliseconds(r, args.rounds) for r in BY_CHANNELS])
    right.set(xlabel="channels, p = q", title=f"n = {SAMPLES}")
    left.legend()
    args.output.parent.mkdir(exist_ok=True)
    figure.savefig(args.output, dpi=120)


if __name__ == "__main__":
    main()
