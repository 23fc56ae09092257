"""Peak memory of one cca call beyond its input, for growing n. Linux only.

``python bench/memory.py`` prints it beside the bound of 64 MiB + 32 (p + q)² bytes.
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

p, n, form, measure = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3], sys.argv[4]
side = 16
rng = np.random.default_rng(0)
options = {"layout": "NCHW"} if form == "NCHW" else {}
layers = []
for _ in range(2):
    if form == "NCHW":
        layer = np.empty((n // side**2, p, side, side), np.float32)
    else:
        layer = np.empty((n, p), np.float32, order=form)
    for start in range(0, len(layer), 1024):
        part = layer[start : start + 1024]
        part[...] = rng.standard_normal(part.shape, dtype=np.float32)
    layers.append(layer)


def status(key):
    with open("/proc/self/status") as f:
        return next(int(line.split()[1]) for line in f if line.startswith(key)) * 1024


ctypes.CDLL(None).malloc_trim(0)  # memory freed so far must not serve the call
with open("/proc/self/clear_refs", "w") as f:
    f.write("5")
warnings.simplefilter("ignore")
before = status("VmRSS")
getattr(fastcca, measure)(*layers, **options)
print(status("VmHWM") - before)
"""


def peak_over_input(p: int, n: int, form: str = "C", measure: str = "cca") -> int:
    """Bytes that a measure of two layers of n samples takes at its peak, beyond them.

    `form` is the order of two (n, p) float32 arrays, or "NCHW": maps of 16 x 16 pixels.
    """
    out = subprocess.run(
        [sys.executable, "-c", PROBE, str(p), str(n), form, measure],
        check=True,
        capture_output=True,
        text=True,
    )
    return int(out.stdout)


def bound(p: int) -> int:
    """Bytes that no number of samples may exceed, of two layers of p channels."""
    return 64 * 2**20 + 32 * (2 * p) ** 2


def main() -> None:
    """Print the table, and fail where the bound is passed."""
    heads = ["p = q", "n", "form", "input, MiB", "peak over input, MiB", "bound, MiB"]
    print("| " + " | ".join(heads) + " |\n|" + "---|" * len(heads))
    for p, sizes in ((64, (20_480, 204_800, 4_999_936)), (512, (20_480, 204_800))):
        for n in sizes:
            for form in ("C", "F", "NCHW"):
                peak = peak_over_input(p, n, form)
                cells = [str(p), str(n), form, f"{8 * p * n / 2**20:.0f}"]
                cells += [f"{peak / 2**20:.1f}", f"{bound(p) / 2**20:.0f}"]
                print("| " + " | ".join(cells) + " |", flush=True)
                if peak > bound(p):
                    raise SystemExit("more than the bound")


if __name__ == "__main__":
    main()
