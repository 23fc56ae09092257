"""Convolutional maps: peak memory of every way to compare them, and the Fourier CCA's speed.

- ``python bench/maps.py memory``: two layers of different grids, beyond their 596 MiB. Linux only.
- ``python bench/maps.py fold``: folded maps against flat arrays of the same size.
- ``python bench/maps.py speed``: Fourier CCA against the reference's loop over all frequencies.
"""

from __future__ import annotations

import argparse
import ctypes
import subprocess
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt

import fastcca
from fastcca import reference
from table import interleaved, ratio

Maps = npt.NDArray[np.float32]

WAYS: dict[str, Callable[[Maps, Maps], object]] = {
    "resize": lambda x, y: fastcca.cca(x, y, layout="NHWC", spatial="resize"),
    "resize up": lambda x, y: fastcca.cca(x, y, layout="NHWC", spatial="resize", size=x.shape[1:3]),
    "pool": lambda x, y: fastcca.cca(x, y, layout="NHWC", spatial="pool"),
    "fold": lambda x, y: fastcca.cca(x[:, ::2, ::2], y, layout="NHWC"),
    "dft_cca": fastcca.dft_cca,
}


def make_maps(n: int, size: int, channels: int, seed: int) -> Maps:
    """Smooth random maps, (n, size, size, channels), float32."""
    rng = np.random.default_rng(seed)
    maps = np.empty((n, size, size, channels), np.float32)
    for start in range(0, n, 16):
        block = maps[start : start + 16]
        block[...] = rng.standard_normal(block.shape, dtype=np.float32)
        block[:, 1:] += block[:, :-1]
    return maps


def peak_over_input(way: str) -> int:
    """Bytes that a comparison takes at its peak beyond its input, in a process of its own."""
    out = subprocess.run(
        [sys.executable, __file__, "probe", way], check=True, capture_output=True, text=True
    )
    return int(out.stdout)


def probe(way: str) -> None:
    """Print the peak of this process during one comparison."""
    x, y = make_maps(2000, 28, 64, 0), make_maps(2000, 14, 128, 1)
    ctypes.CDLL(None).malloc_trim(0)  # memory freed so far must not serve the call
    Path("/proc/self/clear_refs").write_text("5")
    before = _status("VmRSS")
    WAYS[way](x, y)
    print(_status("VmHWM") - before)


def _status(key: str) -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(key)) * 1024


def fast_and_reference(n: int, size: int, channels: int) -> tuple[float, float, float]:
    """Seconds of `dft_cca` (best of three) and of the reference's loop, and their difference."""
    x = make_maps(n, size, channels, 0)
    y = make_maps(n, size, channels, 1) + x
    times = []
    for _ in range(3):
        start = time.perf_counter()
        fast = fastcca.dft_cca(x, y)
        times.append(time.perf_counter() - start)
    start = time.perf_counter()
    slow = reference.dft_cca(x, y)
    slow_time = time.perf_counter() - start
    by_frequency = dict(zip(map(tuple, slow.frequencies.tolist()), slow.correlations, strict=True))
    error = max(
        float(np.max(np.abs(found - by_frequency[tuple(frequency)])))
        for found, frequency in zip(fast.correlations, fast.frequencies.tolist(), strict=True)
    )
    return min(times), slow_time, error


def folded_against_flat(rounds: int = 7) -> str:
    """Time of CCA of folded maps over that of flat arrays of the same size, interleaved."""
    n, size, channels = 500, 16, 128
    x, y = make_maps(n, size, channels, 0), make_maps(n, size, channels, 1)
    channels_first = [np.ascontiguousarray(m.transpose(0, 3, 1, 2)) for m in (x, y)]
    flat = [m.reshape(-1, channels) for m in (x, y)]
    features_first = [np.asfortranarray(m) for m in flat]
    runs: dict[str, Callable[[], object]] = {
        "flat": lambda: fastcca.cca(*flat, weights=False),
        "flat, features contiguous over samples": lambda: fastcca.cca(
            *features_first, weights=False
        ),
        "NHWC folded": lambda: fastcca.cca(x, y, layout="NHWC", weights=False),
        "NCHW folded": lambda: fastcca.cca(*channels_first, layout="NCHW", weights=False),
        "NHWC pooled": lambda: fastcca.cca(x, y, layout="NHWC", spatial="pool", weights=False),
        "Fourier": lambda: fastcca.dft_cca(x, y),
    }
    times = interleaved(runs, rounds)
    lines = [f"two ({n}, {size}, {size}, {channels}) float32 layers", "| way | ms | over flat |"]
    lines.append("|---|---|---|")
    for name, values in times.items():
        over = ratio(values, times["flat"])
        lines.append(f"| {name} | {1e3 * np.median(values):.1f} | {over:.2f} |")
    return "\n".join(lines)


def main() -> None:
    """Run what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=("memory", "speed", "fold", "probe"))
    parser.add_argument("way", nargs="?", choices=tuple(WAYS))
    args = parser.parse_args()
    warnings.simplefilter("ignore", fastcca.RankWarning)
    if args.what == "probe":
        probe(args.way)
    elif args.what == "fold":
        print(folded_against_flat())
    elif args.what == "memory":
        print("(2000, 28, 28, 64) against (2000, 14, 14, 128), float32")
        print("| way | peak over input, MiB |\n|---|---|")
        for way in WAYS:
            print(f"| {way} | {peak_over_input(way) / 2**20:.0f} |", flush=True)
    else:
        fast, slow, error = fast_and_reference(1000, 16, 64)
        print("two (1000, 16, 16, 64) float32 layers")
        print(f"dft_cca {fast * 1e3:.0f} ms, reference {slow * 1e3:.0f} ms, {slow / fast:.0f}x")
        print(f"largest difference of a correlation {error:.1e}")


if __name__ == "__main__":
    main()
