"""Single precision beside double: the pass over the data, interleaved.

Run as ``python bench/precision.py [--features 512] [--samples 50000] [--rounds 5]``. Both blocks
have that many features, float32. Prints medians of wall time on all threads and of processor time.
"""

from __future__ import annotations

import argparse
import statistics
import time

import numpy as np

import fastcca


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--features", type=int, default=512)
    parser.add_argument("--samples", type=int, default=50_000)
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    rng = np.random.default_rng(0)
    shape = arguments.samples, arguments.features
    x, y = (rng.standard_normal(shape, dtype=np.float32) for _ in "xy")
    wall: dict[str, list[float]] = {"double": [], "single": []}
    processor: dict[str, list[float]] = {"double": [], "single": []}
    values: dict[str, np.ndarray] = {}
    for _ in range(arguments.rounds + 1):  # the first one warms up
        for precision in wall:
            start, used = time.perf_counter(), time.process_time()
            result = fastcca.cca(x, y, weights=False, precision=precision)
            wall[precision].append(time.perf_counter() - start)
            processor[precision].append(time.process_time() - used)
            values[precision] = result.correlations
            if precision == "single":
                bound = result.error_bound
    error = np.abs(values["single"] - values["double"]).max()
    if error > bound:
        raise SystemExit(f"an error of {error:.1e} is over the bound of {bound:.1e}")
    for what, times in (("wall", wall), ("processor", processor)):
        double, single = (statistics.median(times[p][1:]) for p in ("double", "single"))
        print(
            f"{what}: double {double * 1e3:.0f} ms, single {single * 1e3:.0f} ms, "
            f"{double / single:.2f}x"
        )
    print(f"largest difference of a correlation {error:.1e}, bound {bound:.1e}")


if __name__ == "__main__":
    main()
