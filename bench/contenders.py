"""The data of the benchmarks, and the ways to compute the same canonical correlations."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import scipy.linalg

import fastcca
import recipes

Samples = npt.NDArray[np.float32]
Correlations = npt.NDArray[np.float64]
Contender = Callable[[Samples, Samples], Correlations]


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
    Row(1024, 45_000),
    Row(2048, 20_000),
)
# Of the other measures.
FAMILY_ROWS = tuple(row for row in ROWS if row.p in (64, 256, 512) and row.n >= 10_000)
# Large enough for a second thread to matter.
THREAD_ROWS = tuple(row for row in ROWS if row.n * row.p**2 > 1e9 and row.p < 1024)
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


def careful_numpy(x: Samples, y: Samples) -> Correlations:
    """As a good numpy user writes it: chunked float64 covariance, Cholesky, values-only SVD."""
    return careful_correlations(careful_scatter(x, y), x.shape[1])


def careful_scatter(x: Samples, y: Samples, chunk: int = 8192) -> npt.NDArray[np.float64]:
    """Centred second moments of both layers together, (p + q, p + q)."""
    n = len(x)
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
    return products


def careful_correlations(scatter: npt.NDArray[np.float64], p: int) -> Correlations:
    """Canonical correlations of the first p features with the others."""
    lower_x = np.linalg.cholesky(scatter[:p, :p])
    lower_y = np.linalg.cholesky(scatter[p:, p:])
    half = scipy.linalg.solve_triangular(lower_x, scatter[:p, p:], lower=True)
    core = scipy.linalg.solve_triangular(lower_y, half.T, lower=True)
    return np.linalg.svd(core, compute_uv=False)


def torch_qr(dtype: str) -> Contender:
    """QR bases and the singular values of their product, by torch on the CPU."""
    torch = importlib.import_module("torch")

    def run(x: Samples, y: Samples) -> Correlations:
        bases = []
        for layer in (x, y):
            values = torch.from_numpy(layer).to(getattr(torch, dtype))
            bases.append(torch.linalg.qr(values - values.mean(dim=0))[0])
        found: Correlations = torch.linalg.svdvals(bases[0].T @ bases[1]).numpy().astype(np.float64)
        return found

    return run


def scikit_learn(x: Samples, y: Samples) -> Correlations:
    """scikit-learn's CCA, one component after the other; correlations of its scores."""
    cross_decomposition = importlib.import_module("sklearn.cross_decomposition")
    k = min(x.shape[1], y.shape[1])
    model = cross_decomposition.CCA(n_components=k, max_iter=2000)
    scores = model.fit_transform(x.astype(np.float64), y.astype(np.float64))
    return np.array([np.corrcoef(scores[0][:, i], scores[1][:, i])[0, 1] for i in range(k)])


def exact(x: Samples, y: Samples) -> Correlations:
    """Compute the answer to check against: QR bases in float64 (Bjorck & Golub 1973)."""
    bases = []
    for layer in (x, y):
        centred = layer.astype(np.float64)
        centred -= centred.mean(axis=0)
        bases.append(scipy.linalg.qr(centred, mode="economic", overwrite_a=True)[0])
    return np.linalg.svd(bases[0].T @ bases[1], compute_uv=False)


@dataclass(frozen=True)
class Entry:
    """A contender, the largest n p^2 it is worth waiting for, and how wrong it may be."""

    run: Contender
    limit: float = np.inf
    tolerance: float = 1e-9


CCA: dict[str, Entry] = {
    "fastcca": Entry(lambda x, y: fastcca.cca(x, y, weights=False).correlations),
    "with weights": Entry(lambda x, y: fastcca.cca(x, y).correlations),
    "careful numpy": Entry(careful_numpy),
    # The condition of the layers is under 1e3: what its roots by eigh lose is seen here.
    "google": Entry(recipes.cca, tolerance=1e-7),
    "numpy reference": Entry(
        lambda x, y: fastcca.cca(x, y, weights=False, backend="numpy").correlations, limit=4e9
    ),
}
if importlib.util.find_spec("torch"):
    CCA["torch QR f32"] = Entry(torch_qr("float32"), tolerance=1e-3)
    CCA["torch QR f64"] = Entry(torch_qr("float64"))
if importlib.util.find_spec("sklearn"):
    # It stops before every component has converged.
    CCA["scikit-learn"] = Entry(scikit_learn, limit=5e6, tolerance=1.0)

# SVCCA at 99 % of the variance, PWCCA with the paper's weights; google's PWCCA is another number.
FAMILY: dict[str, dict[str, Contender]] = {
    "CCA": {"fastcca": CCA["with weights"].run, "google": recipes.cca},
    "SVCCA": {
        "fastcca": lambda x, y: fastcca.svcca(x, y).correlations,
        "google": recipes.svcca,
    },
    "PWCCA": {
        "fastcca": lambda x, y: np.array([fastcca.pwcca(x, y).value]),
        "google": lambda x, y: np.array([recipes.pwcca(x, y)]),
    },
}
