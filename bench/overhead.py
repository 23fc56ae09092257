"""What a call costs besides the arithmetic: conversion, checks, dispatch, the result.

    python bench/overhead.py [--rounds 15] [--calls 500]

The arithmetic is that of the compiled core, called with arrays that were checked before. Rounds of
both take turns; the figures are medians over rounds, in microseconds for each call.
"""

import argparse
import statistics
import time
from collections.abc import Callable

import numpy as np

import fastcca
from fastcca import _core

SHAPES = ((50, 5), (200, 20), (1000, 64))


def samples(n: int, p: int) -> tuple[np.ndarray, np.ndarray]:
    """Two blocks that share half of their variance."""
    rng = np.random.default_rng(0)
    x = rng.standard_normal((n, p))
    return x, x + rng.standard_normal((n, p))


def core_alone(x: np.ndarray, y: np.ndarray) -> dict[str, object]:
    """Accumulate and solve, without anything around it."""
    state = _core.Moments()
    state.update(["x", "y"], [x, y])
    return _core.solve_cca(state, 0, 1, 0.0, False)


def microseconds(call: Callable[[], object], calls: int) -> float:
    """Mean time of one call."""
    start = time.perf_counter()
    for _ in range(calls):
        call()
    return (time.perf_counter() - start) / calls * 1e6


def measure(n: int, p: int, rounds: int, calls: int) -> tuple[float, float]:
    """Medians of the whole call and of the core alone."""
    x, y = samples(n, p)
    both: list[Callable[[], object]] = [
        lambda: fastcca.cca(x, y, weights=False),
        lambda: core_alone(x, y),
    ]
    for call in both:
        microseconds(call, calls // 5 + 1)
    times = [[microseconds(call, calls) for call in both] for _ in range(rounds)]
    whole, core = (statistics.median(column) for column in zip(*times, strict=True))
    return whole, core


def main() -> None:
    """Print one line for each shape."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--calls", type=int, default=500)
    args = parser.parse_args()
    print("   n    p   cca(weights=False)   core alone   around it   [microseconds]")
    for n, p in SHAPES:
        whole, core = measure(n, p, args.rounds, args.calls)
        print(f"{n:>4}  {p:>3}   {whole:>18.1f}   {core:>10.1f}   {whole - core:>9.1f}")


if __name__ == "__main__":
    main()
