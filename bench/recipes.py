"""The recipe of google/svcca in numpy, in our own words: what its users wait for today.

Samples in rows, as everywhere here; the recipe itself works on (neurons, datapoints).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Samples = npt.NDArray[np.float32]
Floats = npt.NDArray[np.float64]


def _inverse_root(covariance: Floats) -> Floats:
    """Inverse square root: a pseudo-inverse, then the root of it by eigenvectors."""
    values, vectors = np.linalg.eigh(np.linalg.pinv(covariance))
    out: Floats = (vectors * np.sqrt(np.maximum(values, 0.0))) @ vectors.T
    return out


def _canonical(x: npt.NDArray[np.floating], y: npt.NDArray[np.floating]) -> tuple[Floats, ...]:
    """Correlations and left singular vectors, of (neurons, datapoints)."""
    p = x.shape[0]
    joint = np.cov(x, y)
    xx, yy, xy = joint[:p, :p], joint[p:, p:], joint[:p, p:]
    x_scale, y_scale = np.abs(xx).max(), np.abs(yy).max()
    x_root, y_root = _inverse_root(xx / x_scale), _inverse_root(yy / y_scale)
    core = x_root @ (xy / np.sqrt(x_scale * y_scale)) @ y_root
    u, correlations, _ = np.linalg.svd(core)
    return correlations, u


def cca(x: Samples, y: Samples) -> Floats:
    """Canonical correlations, (min(p, q),)."""
    return _canonical(x.T, y.T)[0]


def pwcca(x: Samples, y: Samples) -> float:
    """Projection weighted mean: a QR of all samples of the directions, which are not whitened."""
    correlations, u = _canonical(x.T, y.T)
    mean = x.mean(axis=0)
    directions = u.T @ (x - mean).T + mean[:, np.newaxis]
    basis, _ = np.linalg.qr(directions.T)
    alpha = np.abs(basis.T @ x).sum(axis=1)
    return float(alpha / alpha.sum() @ correlations)


def svcca(x: Samples, y: Samples, keep: float = 0.99) -> Floats:
    """Correlations of the leading singular directions: an SVD of each data matrix first."""
    scores = []
    for layer in (x.T, y.T):
        centred = layer - layer.mean(axis=1, keepdims=True)
        _, singular, directions = np.linalg.svd(centred, full_matrices=False)
        power = np.cumsum(singular.astype(np.float64) ** 2)
        kept = int(np.searchsorted(power, keep * power[-1])) + 1
        scores.append(singular[:kept, np.newaxis] * directions[:kept])
    return _canonical(scores[0], scores[1])[0]
