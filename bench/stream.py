"""A stream of small batches beside one call on the same rows: speed and memory.

Run as ``python bench/stream.py [--rows 1000000] [--features 128] [--batch 1024 256 32] [--rounds
3]``. The rows are slices of one array, float32, so that both ways read the same memory; ``--rows
10000000`` repeats it ten times over. Prints medians of interleaved runs, their ratio, and how much
the process's largest resident memory grew during the streams.
"""

from __future__ import annotations

import argparse
import resource
import statistics
import time

import numpy as np
import numpy.typing as npt

import fastcca

HELD = 1_000_000
HELD_VALUES = 128_000_000

Array = npt.NDArray[np.float32]


def held_rows(rows: int, features: int) -> Array:
    """At most a million rows, fewer of wide ones; longer streams read them again."""
    rng = np.random.default_rng(0)
    held = min(rows, HELD, HELD_VALUES // features)
    return rng.standard_normal((held, features), dtype=np.float32)


def streamed(held: Array, rows: int, batch: int) -> fastcca.Moments:
    """Moments of `rows` rows, `batch` of them at a time."""
    moments = fastcca.Moments()
    seen = 0
    while seen < rows:
        start = seen % len(held)
        part = held[start : start + min(batch, rows - seen)]
        moments.update(x=part)
        seen += len(part)
    moments.mean("x")  # what waits is accumulated
    return moments


def whole(held: Array, rows: int) -> fastcca.Moments:
    """Moments of the same rows by as few calls as there is memory for."""
    return streamed(held, rows, len(held))


def difference(first: fastcca.Moments, second: fastcca.Moments) -> float:
    """Largest difference of covariances, relative to standard deviations."""
    a, b = first.covariance("x", "x"), second.covariance("x", "x")
    deviation = np.sqrt(np.diagonal(a))
    return float(np.abs((a - b) / np.outer(deviation, deviation)).max())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--features", type=int, default=128)
    parser.add_argument("--batch", type=int, nargs="+", default=[1024])
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    rows, batches = arguments.rows, arguments.batch
    held = held_rows(rows, arguments.features)
    whole(held, len(held))  # warms up
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    times: dict[int, list[float]] = {batch: [] for batch in [*batches, 0]}  # 0: one call
    error = 0.0
    for _ in range(arguments.rounds):
        start = time.perf_counter()
        expected = whole(held, rows)
        times[0].append(time.perf_counter() - start)
        for batch in batches:
            start = time.perf_counter()
            found = streamed(held, rows, batch)
            times[batch].append(time.perf_counter() - start)
            error = max(error, difference(found, expected))
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    if error > 1e-12:
        raise SystemExit(f"the covariances differ by {error:.1e}")
    one = statistics.median(times[0])
    print(f"{rows} rows of {arguments.features} features; in one call: {one:.2f} s")
    for batch in batches:
        stream = statistics.median(times[batch])
        print(f"in batches of {batch}: {stream:.2f} s, {one / stream:.0%} of the speed")
    print(f"memory grew by {grown / 1024:.1f} MiB; largest difference {error:.1e}")


if __name__ == "__main__":
    main()
