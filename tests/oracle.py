"""Truth in extended precision for small data, and in exact arithmetic for integers."""

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import mpmath
import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

DIGITS = 60


@dataclass(frozen=True, eq=False)
class Truth:
    """CCA of full-rank blocks, computed with DIGITS digits and rounded to float64 at the end."""

    correlations: Array  # (min(p, q),)
    x_weights: Array  # (p, k), variates of unit variance before any ridge
    y_weights: Array  # (q, k)
    x_mean: Array
    y_mean: Array
    x_condition: float
    y_condition: float


def exact_cca(x: NDArray[Any], y: NDArray[Any], *, ridge: float = 0.0) -> Truth:
    """CCA by Cholesky factors: Rxx + ridge I = Lx Lx', singular values of Lx^-1 Rxy Ly^-T.

    R are correlation matrices (covariances of unit-scaled units). Both blocks must have full
    rank. The stored values of x and y are taken as exact.
    """
    with mpmath.workdps(DIGITS):
        x_side = _Side(x, ridge)
        y_side = _Side(y, ridge)
        cross = x_side.scaled.T * y_side.scaled / (x.shape[0] - 1)
        core = x_side.solve(y_side.solve(cross.T).T)
        u, rho, vt = mpmath.svd_r(core, full_matrices=False)
        return Truth(
            _to_array(rho).ravel(),
            _to_array(x_side.weights(u)),
            _to_array(y_side.weights(vt.T)),
            _to_array(x_side.mean).ravel(),
            _to_array(y_side.mean).ravel(),
            x_side.condition,
            y_side.condition,
        )


class _Side:
    def __init__(self, data: NDArray[Any], ridge: float) -> None:
        n, p = data.shape
        # float64 holds every float16 and float32 and the small integers of the tests
        values = mpmath.matrix(data.astype(np.float64).tolist())
        self.mean = mpmath.matrix([mpmath.fsum(values[:, j]) / n for j in range(p)])
        self.deviation = []
        self.scaled = mpmath.matrix(n, p)
        for j in range(p):
            centred = [values[i, j] - self.mean[j] for i in range(n)]
            deviation = mpmath.sqrt(mpmath.fsum(v * v for v in centred) / (n - 1))
            self.deviation.append(deviation)
            for i in range(n):
                self.scaled[i, j] = centred[i] / deviation
        correlation = self.scaled.T * self.scaled / (n - 1)
        eigenvalues = mpmath.eigsy(correlation, eigvals_only=True)
        self.condition = float(mpmath.sqrt(max(eigenvalues) / min(eigenvalues)))
        lower = mpmath.cholesky(correlation + mpmath.mpf(ridge) * mpmath.eye(p))
        self.inverse = mpmath.inverse(lower)

    def solve(self, b: mpmath.matrix) -> mpmath.matrix:
        return self.inverse * b

    def weights(self, rotation: mpmath.matrix) -> mpmath.matrix:
        out = self.inverse.T * rotation
        for j, deviation in enumerate(self.deviation):
            for k in range(out.cols):
                out[j, k] /= deviation
        return out


def _to_array(m: mpmath.matrix) -> Array:
    return np.array([[float(v) for v in row] for row in m.tolist()])


def exact_rank(a: NDArray[Any]) -> int:
    """Rank of the centred columns of an integer-valued array, by exact elimination."""
    n = a.shape[0]
    rows = [[Fraction(int(v)) for v in row] for row in a]
    totals = [sum(column, Fraction(0)) for column in zip(*rows, strict=True)]
    rows = [[n * v - t for v, t in zip(row, totals, strict=True)] for row in rows]
    rank = 0
    for j in range(a.shape[1]):
        pivot = next((i for i in range(rank, n) if rows[i][j]), None)
        if pivot is None:
            continue
        rows[rank], rows[pivot] = rows[pivot], rows[rank]
        for i in range(rank + 1, n):
            if rows[i][j]:
                factor = rows[i][j] / rows[rank][j]
                rows[i] = [v - factor * w for v, w in zip(rows[i], rows[rank], strict=True)]
        rank += 1
    return rank
