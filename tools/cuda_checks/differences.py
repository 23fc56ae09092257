"""Comparisons of CUDA with the CPU on random data."""

import secrets
import warnings

import numpy as np
import numpy.typing as npt

import fastcca

RUNS = 60
# Largest difference of correlations that counts as agreement, in roundings of the condition.
TOLERANCE = 1e-11
DTYPES = ("float16", "float32", "float64", "int8", "complex64", "complex128")

Array = npt.NDArray[np.generic]


def data(seed: int, dtype: str) -> tuple[Array, Array]:
    """Two related blocks of random shapes and memory orders."""
    rng = np.random.default_rng(seed)
    n, p, q = int(rng.integers(200, 20_000)), int(rng.integers(1, 200)), int(rng.integers(1, 200))
    x = rng.normal(size=(n + 5 * (p + q), p))
    y = np.tanh(x @ rng.normal(size=(p, q)) / np.sqrt(p)) + rng.normal(size=(len(x), q))
    if dtype.startswith("complex"):
        x, y = x + 1j * rng.normal(size=x.shape), y + 1j * rng.normal(size=y.shape)
    if dtype == "int8":
        x, y = x * 20, np.clip(y, -5, 5) * 20
    blocks = [
        np.asarray(block.astype(dtype), order="F" if rng.integers(2) else "C") for block in (x, y)
    ]
    step = int(rng.integers(1, 3))
    return blocks[0][::step], blocks[1][::step]


def maps(seed: int, dtype: str) -> tuple[Array, Array]:
    """Two related layers of random grids, channels last."""
    rng = np.random.default_rng(seed)
    grids = rng.integers(1, 20, size=(2, 2))
    p, q = (int(count) for count in rng.integers(1, 30, size=2))
    images = rng.normal(size=(6 * (p + q), *grids.max(axis=0), p))
    x = images[:, : grids[0, 0], : grids[0, 1]]
    y = np.tanh(images[:, : grids[1, 0], : grids[1, 1]] @ rng.normal(size=(p, q)))
    return x.astype(dtype), (y + rng.normal(size=y.shape)).astype(dtype)


def check_maps() -> bool:
    """Compare correlations in Fourier space."""
    good = True
    for dtype, tolerance in (("float32", 1e-3), ("float64", 1e-9)):
        worst = 0.0
        for _ in range(RUNS // len(DTYPES)):
            seed = secrets.randbits(32)
            x, y = maps(seed, dtype)
            cpu, cuda = (fastcca.dft_cca(x, y, backend=b).correlations for b in ("cpu", "cuda"))
            value = float(np.abs(cpu - cuda).max())
            worst = max(worst, value)
            if not value < tolerance:
                good = False
                print(f"  {dtype}, seed {seed}, shapes {x.shape} {y.shape}: dft_cca {value:.1e}")
        print(f"  {dtype}: dft_cca {worst:.1e}")
    return good


def check() -> bool:
    """Compare correlations and moments of random shapes, per dtype."""
    good = check_maps()
    for dtype in DTYPES:
        worst = {"correlations": 0.0, "moments": 0.0}
        for _ in range(RUNS // len(DTYPES)):
            seed = secrets.randbits(32)
            x, y = data(seed, dtype)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", fastcca.RankWarning)
                cpu, cuda = (fastcca.cca(x, y, backend=b) for b in ("cpu", "cuda"))
            states = [fastcca.Moments(backend=b) for b in ("cpu", "cuda")]
            for state in states:
                state.update(x, y)
            covs = [state.covariance("x", "y") for state in states]
            found = {
                "correlations": float(np.abs(cpu.correlations - cuda.correlations).max()),
                "moments": float(np.abs(covs[0] - covs[1]).max() / np.abs(covs[0]).max()),
            }
            for name, value in found.items():
                worst[name] = max(worst[name], value)
                if not value < TOLERANCE * max(1.0, cpu.condition):
                    good = False
                    print(f"  {dtype}, seed {seed}, shapes {x.shape} {y.shape}: {name} {value:.1e}")
        print(f"  {dtype}: " + ", ".join(f"{name} {value:.1e}" for name, value in worst.items()))
    return good
