"""The data of the benchmarks, and the ways to compute the same canonical correlations."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import scipy.linalg

import fastcca

Samples = npt.NDArray[np.float32]
Correlations = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Row:
    """Two layers of p channels each, n samples."""

    p: int
    n: int
    note: str = ""

    def __str__(self) -> str:
        """Name the row in test ids."""
        return f"{self.p}x{self.n}"


ROWS = (
    Row(10, 10_000, "logits"),
    Row(64, 1_000),
    Row(64, 256_000, "conv map 16 x 16"),
    Row(256, 50_000),
    Row(512, 10_000),
    Row(1024, 20_000),
    Row(2048, 20_000),
)
SMALL_ROWS = tuple(row for row in ROWS if row.n * row.p**2 <= 2e9)


def make_layers(row: Row, seed: int = 0) -> tuple[Samples, Samples]:
    """Two float32 layers that share a quarter of their dimensions, (n, p) each.

    Features are contiguous over samples in memory, as in google/svcca's (neurons, datapoints).
    """
    rng = np.random.default_rng(seed)
    shared = rng.standard_normal((max(1, row.p // 4), row.n), dtype=np.float32)
    layers = []
    for _ in range(2):
        layer = rng.standard_normal((row.p, row.n), dtype=np.float32)
        layer += rng.standard_normal((row.p, shared.shape[0]), dtype=np.float32) @ shared
        layer += rng.standard_normal((row.p, 1), dtype=np.float32)
        layers.append(layer.T)
    return layers[0], layers[1]


def fast(x: Samples, y: Samples) -> Correlations:
    """Correlations by fastcca, without weights."""
    return fastcca.cca(x, y, weights=False).correlations


def fast_with_weights(x: Samples, y: Samples) -> Correlations:
    """Correlations by fastcca, weights computed as well."""
    return fastcca.cca(x, y).correlations


def reference(x: Samples, y: Samples) -> Correlations:
    """Correlations by the numpy reference: SVD of the data."""
    return fastcca.cca(x, y, weights=False, backend="numpy").correlations


def careful_numpy(x: Samples, y: Samples, chunk: int = 8192) -> Correlations:
    """As a good numpy user writes it: chunked float64 covariance, Cholesky, values-only SVD."""
    n, p = x.shape
    shift = np.concatenate([x[:256].mean(axis=0), y[:256].mean(axis=0)]).astype(np.float64)
    total = np.zeros(shift.size)
    products = np.zeros((shift.size, shift.size))
    for start in range(0, n, chunk):
        rows = slice(start, start + chunk)
        block = np.hstack([x[rows], y[rows]]).astype(np.float64)
        block -= shift
        total += block.sum(axis=0)
        products += block.T @ block
    products -= np.outer(total, total) / n
    lower_x = np.linalg.cholesky(products[:p, :p])
    lower_y = np.linalg.cholesky(products[p:, p:])
    half = scipy.linalg.solve_triangular(lower_x, products[:p, p:], lower=True)
    core = scipy.linalg.solve_triangular(lower_y, half.T, lower=True)
    return np.linalg.svd(core, compute_uv=False)


def exact(x: Samples, y: Samples) -> Correlations:
    """Compute the answer to check against: QR bases in float64 (Bjorck & Golub 1973)."""
    bases = []
    for layer in (x, y):
        centred = layer.astype(np.float64)
        centred -= centred.mean(axis=0)
        bases.append(scipy.linalg.qr(centred, mode="economic", overwrite_a=True)[0])
    return np.linalg.svd(bases[0].T @ bases[1], compute_uv=False)


CONTENDERS: dict[str, Callable[[Samples, Samples], Correlations]] = {
    "fastcca": fast,
    "fastcca with weights": fast_with_weights,
    "careful numpy": careful_numpy,
    "numpy reference": reference,
}

# The condition of these layers is under 1e3, so that every contender can be this right.
TOLERANCE = 1e-9
