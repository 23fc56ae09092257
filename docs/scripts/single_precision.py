"""The figures of single precision in ``docs/accuracy.md``: errors in units of condition² eps.

Four kinds of pairs, all from fixed seeds: outliers (all samples alike but for one or a few),
few-valued (blocks of two to four distinct values), mixed (offsets, tails, powers, sparse layers),
and large (20 000 Gaussian samples). Products of samples that are alike round to the same side
every time. The truth is double precision, whose own error is 1e-9 of that.

Run as ``python docs/scripts/single_precision.py [--outliers N] [--few N] [--mixed N]``.
"""

from __future__ import annotations

import argparse
import warnings
from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

import fastcca

Array = NDArray[np.float64]
EPS32 = 2.0**-23


def outliers(seed: int) -> tuple[Array, Array]:
    """One value, and another one for a few samples, which may be the first ones; an affine copy."""
    rng = np.random.default_rng([4, seed])
    n, p = int(rng.choice([32, 33, 64, 100, 128, 256])), int(rng.integers(1, 3))
    k = int(rng.integers(1, 5))
    usual, other = rng.normal(size=2)
    x = np.full((n, p), usual)
    for j in range(p):
        among = n if rng.random() < 0.5 else 8
        x[rng.choice(among, size=k, replace=False), j] = other
    return x, x * rng.normal() + rng.normal()


def few_valued(seed: int) -> tuple[Array, Array]:
    """Two blocks of the same few values, one a noisy copy of the other."""
    rng = np.random.default_rng([1, seed])
    n, p, levels = rng.choice([100, 128, 256, 1000]), rng.integers(1, 4), rng.integers(2, 5)
    values = rng.normal(size=levels) * rng.choice([1, 10]) + rng.normal()
    x = values[rng.choice(levels, p=rng.dirichlet(np.ones(levels)), size=(n, p))]
    noisy = rng.uniform(size=(n, 1)) < rng.uniform(0, 0.5)
    return x, np.where(noisy, rng.permutation(x), x) * rng.normal() + rng.normal()


def mixed(seed: int) -> tuple[Array, Array]:
    """Two mixtures of the same sources, of a law, a size and an offset drawn by the seed."""
    rng = np.random.default_rng([2, seed])
    n, p, q = rng.choice([50, 200, 1000, 5000]), rng.integers(1, 20), rng.integers(1, 20)
    laws: list[Callable[[tuple[int, int]], Array]] = [
        lambda shape: rng.normal(size=shape),
        lambda shape: np.maximum(rng.normal(size=shape) - 1, 0),
        lambda shape: rng.standard_t(3, size=shape),
        lambda shape: rng.exponential(size=shape),
        lambda shape: rng.integers(0, 3, size=shape).astype(np.float64),
    ]
    sources = laws[rng.integers(len(laws))]((n, p + q))
    spread = 10.0 ** rng.uniform(-1, 1, size=(p + q, 1))
    x = sources @ (rng.normal(size=(p + q, p)) * spread)
    y = sources @ (rng.normal(size=(p + q, q)) * spread)
    return x + rng.choice([0, 1, 30]) * x.std(), y


def large(seed: int) -> tuple[Array, Array]:
    """Like layers of networks, many samples that are not alike."""
    rng = np.random.default_rng([3, seed])
    x = rng.normal(size=(20_000, 64))
    return x, x @ rng.normal(size=(64, 64)) / 8 + rng.normal(size=(20_000, 64))


def errors(pairs: Iterator[tuple[Array, Array]]) -> tuple[list[float], float]:
    """Largest errors of correlations over condition² eps, and the largest condition."""
    found, largest = [], 1.0
    for x, y in pairs:
        try:
            single = fastcca.cca(x, y, precision="single", weights=False)
        except ValueError:  # refused: the bound would be over 1e-3
            continue
        double = fastcca.cca(x, y, weights=False)
        if single.correlations.size == double.correlations.size > 0:
            error = np.abs(single.correlations - double.correlations).max()
            found.append(float(error) / (single.condition**2 * EPS32))
            largest = max(largest, single.condition)
    return found, largest


def main() -> None:
    """Print one line for each kind of data."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--outliers", type=int, default=25_000)
    parser.add_argument("--few", type=int, default=40_000)
    parser.add_argument("--mixed", type=int, default=1000)
    parser.add_argument("--large", type=int, default=10)
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    for name, make, count in (
        ("outliers", outliers, arguments.outliers),
        ("few-valued", few_valued, arguments.few),
        ("mixed", mixed, arguments.mixed),
        ("large", large, arguments.large),
    ):
        found, condition = errors(make(seed) for seed in range(count))
        print(
            f"{name}: {len(found)} of {count} pairs answered, conditions up to {condition:.3g}; "
            f"largest error {max(found):.3g} condition² eps, of 40 promised"
        )


if __name__ == "__main__":
    main()
