"""Print the speed table of the README: medians of interleaved runs, errors beside times.

Run as ``python bench/table.py [--rows N] [--rounds K] [--update-readme]``.

The floor is n (p + q)^2 operations at the rate that float64 matrix products reach in the same run.
"""

from __future__ import annotations

import argparse
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np

import contenders
import fastcca

README = Path(__file__).parent.parent / "README.md"
# Threads of a BLAS spin for a while after a call, and would be measured with the next contender.
_PAUSE = 0.2
BEGIN, END = "<!-- speed-table -->\n", "<!-- /speed-table -->\n"


def seconds(function: Callable[[], object]) -> float:
    """Wall time of one call."""
    start = time.perf_counter()
    function()
    return time.perf_counter() - start


def matmul_rate(rounds: int = 5, size: int = 2000) -> float:
    """Operations per second of float64 matrix products on all threads of the BLAS."""
    a = np.random.default_rng(0).standard_normal((size, size))
    return 2 * size**3 / min(seconds(lambda: a @ a) for _ in range(rounds + 1))


def measure(row: contenders.Row, rounds: int) -> str:
    """One line of the table."""
    x, y = contenders.make_layers(row)
    answer = contenders.exact(x, y)
    worst = {}
    for name, contender in contenders.CONTENDERS.items():  # this also warms up
        worst[name] = float(np.max(np.abs(contender(x, y) - answer)))
        if worst[name] > contenders.TOLERANCE:
            raise SystemExit(f"{name} is off by {worst[name]:.1e} at {row}")
    # Short calls are repeated so that threads that have to wake up first do not decide.
    once = min(seconds(lambda: contenders.fast(x, y)) for _ in range(5))
    repeats = max(1, round(0.05 / once))
    times: dict[str, list[float]] = {name: [] for name in contenders.CONTENDERS}
    for _ in range(rounds):
        for name, contender in contenders.CONTENDERS.items():

            def run(contender: Callable[..., object] = contender) -> None:
                for _ in range(repeats):
                    contender(x, y)

            time.sleep(_PAUSE)
            times[name].append(seconds(run) / repeats)
    medians = {name: float(np.median(t)) for name, t in times.items()}
    floor = row.n * (2 * row.p) ** 2 / matmul_rate()
    cells = [str(row.p), f"{row.n:,}".replace(",", " "), f"{floor * 1e3:.2f}"]
    for name in contenders.CONTENDERS:
        cells.append(f"{medians[name] * 1e3:.2f} ({worst[name]:.0e})")
    for other in ("careful numpy", "numpy reference"):
        ratios = np.array(times[other]) / np.array(times["fastcca"])
        cells.append(f"{np.median(ratios):.1f}x")
    return "| " + " | ".join(cells) + " |"


def main() -> None:
    """Measure and print, or paste into the README."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=len(contenders.ROWS), help="the first N rows")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--update-readme", action="store_true")
    args = parser.parse_args()
    warnings.simplefilter("ignore", fastcca.RankWarning)
    heads = ["p = q", "n", "floor", *contenders.CONTENDERS]
    heads += ["against careful numpy", "against the reference"]
    lines = ["| " + " | ".join(heads) + " |", "|" + "---|" * len(heads)]
    print("\n".join(lines), flush=True)
    for row in contenders.ROWS[: args.rows]:
        lines.append(measure(row, args.rounds))
        print(lines[-1], flush=True)
    if args.update_readme:
        text = README.read_text()
        before, rest = text.split(BEGIN)
        after = rest.split(END)[1]
        README.write_text(before + BEGIN + "\n".join(lines) + "\n" + END + after)


if __name__ == "__main__":
    main()
