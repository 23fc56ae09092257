"""Peak memory of one cca call beyond its input, for growing n. Linux only.

python bench/memory.py
"""

from __future__ import annotations

import subprocess
import sys

PROBE = """
import ctypes
import sys
import warnings
import numpy as np
import fastcca

p, n, order, measure = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3], sys.argv[4]
rng = np.random.default_rng(0)
layers = []
for _ in range(2):
    layer = np.empty((n, p), np.float32, order=order)
    for start in range(0, n, 1024):
        rows = layer[start : start + 1024]
        rows[...] = rng.standard_normal(rows.shape, dtype=np.float32)
    layers.append(layer)


def status(key):
    with open("/proc/self/status") as f:
        return next(int(line.split()[1]) for line in f if line.startswith(key)) * 1024


ctypes.CDLL(None).malloc_trim(0)  # memory freed so far must not serve the call
with open("/proc/self/clear_refs", "w") as f:
    f.write("5")
warnings.simplefilter("ignore")
before = status("VmRSS")
getattr(fastcca, measure)(*layers)
print(status("VmHWM") - before)
"""


def peak_over_input(p: int, n: int, order: str = "C", measure: str = "cca") -> int:
    """Bytes that a measure of two (n, p) float32 arrays takes at its peak, beyond them."""
    out = subprocess.run(
        [sys.executable, "-c", PROBE, str(p), str(n), order, measure],
        check=True,
        capture_output=True,
        text=True,
    )
    return int(out.stdout)


def main() -> None:
    """Print the table."""
    print("| p = q | n | order | input, MiB | peak over input, MiB |\n|---|---|---|---|---|")
    for p, sizes in ((64, (20_000, 200_000, 5_000_000)), (512, (20_000, 200_000))):
        for n in sizes:
            for order in "CF":
                peak = peak_over_input(p, n, order)
                print(f"| {p} | {n} | {order} | {8 * p * n / 2**20:.0f} | {peak / 2**20:.1f} |")


if __name__ == "__main__":
    main()
