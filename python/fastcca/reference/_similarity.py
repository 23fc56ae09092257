"""Measures that are one number: kernel alignment, Procrustes, linear regression."""

from collections.abc import Iterator

import numpy as np

from fastcca.reference._cca import block_of_data
from fastcca.reference._centre import AnyArray, centre_live
from fastcca.reference._rank import Array

_ROWS_PER_BLOCK = 512


def cka(x: AnyArray, y: AnyArray, *, debiased: bool = False) -> float:
    """Linear centred kernel alignment of two data matrices, through their Gram matrices.

    Parameters
    ----------
    x : (n, p) float16, float32, float64, integer or bool
    y : (n, q) of the same kinds
        Finite, n >= 2, checked by the caller. Never written to.
    debiased : bool
        Whether to take the unbiased estimator of the Hilbert-Schmidt independence criterion.

    Returns
    -------
    float
        In [0, 1]; debiased in [-1, 1], and near 0 for independent data. 0 where a block does
        not vary.

    Raises
    ------
    ValueError
        If debiased with fewer than 4 samples, or if means or variances overflow float64.

    Notes
    -----
    Kornblith, Norouzi, Lee & Hinton 2019, arXiv:1905.00414: ``HSIC(K, L) / sqrt(HSIC(K, K)
    HSIC(L, L))`` for the Gram matrices ``K = Xc Xc'`` and ``L = Yc Yc'``, with
    ``HSIC(K, L) = sum_ij K_ij L_ij / (n - 1)**2`` (Gretton et al. 2005).

    Debiased, HSIC is the U-statistic of Song, Smola, Gretton, Bedo & Borgwardt 2012 (JMLR 13,
    equation 5). It is computed as Szekely & Rizzo 2014 (Ann. Stat. 42, definition 2) write the
    same number: ``sum_(i != j) A_ij B_ij / (n (n - 3))``, where A is K without its diagonal,
    centred so that its off-diagonal rows sum to zero. That form has no cancellation.

    Blocks of rows of the Gram matrices are made one at a time: time is O(n**2 (p + q)), memory
    some copies of the data. The error is about n eps, eps = 2.2e-16; debiased, of one block with
    hardly any variance but that of a single sample, more.
    """
    n = x.shape[0]
    if debiased and n < 4:
        raise ValueError(f"debiased CKA needs at least 4 samples, but x and y have {n}")
    x_values, y_values = _centred(x), _centred(y)
    rows = _u_centred_gram_rows if debiased else _gram_rows
    cross = x_own = y_own = 0.0
    for x_rows, y_rows in zip(rows(x_values), rows(y_values), strict=True):
        cross += float(np.sum(x_rows * y_rows))
        x_own += float(np.sum(x_rows * x_rows))
        y_own += float(np.sum(y_rows * y_rows))
    if not (x_own > 0.0 and y_own > 0.0):
        return 0.0
    value = cross / np.sqrt(x_own) / np.sqrt(y_own)
    return float(np.clip(value, -1.0 if debiased else 0.0, 1.0))


def _centred(x: AnyArray) -> Array:
    """Centred values (n, p) in a scale in which no square overflows; zeros if no unit is live."""
    values = centre_live(x).values
    largest = np.abs(values).max()
    return values / largest if largest > 0.0 else np.zeros(x.shape)


def _gram_rows(x: Array) -> Iterator[Array]:
    """Blocks of rows of the Gram matrix x x'."""
    for start in range(0, x.shape[0], _ROWS_PER_BLOCK):
        yield x[start : start + _ROWS_PER_BLOCK] @ x.T


def _u_centred_gram_rows(x: Array) -> Iterator[Array]:
    """Blocks of rows of the U-centred Gram matrix: zero diagonal, off-diagonal rows sum to 0."""
    n = x.shape[0]
    row_sums = np.concatenate([block.sum(axis=1) for block in _hollow_gram_rows(x)])
    total = row_sums.sum()
    start = 0
    for block in _hollow_gram_rows(x):
        here = slice(start, start + block.shape[0])
        block -= row_sums[here, np.newaxis] / (n - 2)
        block -= row_sums / (n - 2)
        block += total / ((n - 1) * (n - 2))
        _clear_diagonal(block, start)
        yield block
        start = here.stop


def _hollow_gram_rows(x: Array) -> Iterator[Array]:
    """Blocks of rows of the Gram matrix with a zero diagonal."""
    start = 0
    for block in _gram_rows(x):
        _clear_diagonal(block, start)
        yield block
        start += block.shape[0]


def _clear_diagonal(rows: Array, start: int) -> None:
    """Zero what lies on the diagonal of the matrix whose row `start` comes first in `rows`."""
    i = np.arange(rows.shape[0])
    rows[i, start + i] = 0.0


def procrustes(x: AnyArray, y: AnyArray) -> float:
    """How well a rotation and a scaling map one block onto the other.

    Parameters
    ----------
    x : (n, p) float16, float32, float64, integer or bool
    y : (n, q) of the same kinds
        Finite, n >= 2, checked by the caller. Never written to.

    Returns
    -------
    float
        In [0, 1]; 0 where a block does not vary.

    Raises
    ------
    ValueError
        If means or variances overflow float64.

    Notes
    -----
    ``||Xc' Yc||_* / (||Xc||_F ||Yc||_F)``, the nuclear norm being the sum of the singular values:
    the largest ``<Xc R, Yc> / (||Xc||_F ||Yc||_F)`` over all R with orthonormal rows or columns
    (Schoenemann 1966, Psychometrika 31). ``1 - value**2`` is the residual of the best rotation
    and scaling, as a share of ``||Yc||_F**2``.

    The error is about n eps, eps = 2.2e-16, absolutely.
    """
    x_values, y_values = _centred(x), _centred(y)
    x_norm, y_norm = np.linalg.norm(x_values), np.linalg.norm(y_values)
    if not (x_norm > 0.0 and y_norm > 0.0):
        return 0.0
    nuclear = np.linalg.svd(x_values.T @ y_values, compute_uv=False).sum()
    return min(float(nuclear / x_norm / y_norm), 1.0)


def linear_regression_r2(x: AnyArray, y: AnyArray, *, rank_tolerance: float = 0.0) -> float:
    """Share of the variance of y that a linear map of x explains.

    Parameters
    ----------
    x : (n, p) float16, float32, float64, integer or bool
        What explains.
    y : (n, q) of the same kinds
        What is to be explained. Finite, n >= 2, checked by the caller. Never written to.
    rank_tolerance : float
        In [0, 1). Directions of at most this share of the largest deviation are left out as well.

    Returns
    -------
    float
        In [0, 1]; 0 where a block does not vary.

    Raises
    ------
    ValueError
        If means or variances overflow float64.

    Notes
    -----
    ``||Qx' Yc||_F**2 / ||Yc||_F**2`` for an orthonormal basis Qx of the span of the centred x, by
    the singular value decomposition of its unit-scaled units (Kornblith et al. 2019, section 2.3,
    with the roles of x and y as here). Not symmetric. It counts what the samples at hand give: p
    units of noise explain p / (n - 1) of anything.

    The absolute error is about 10 kappa eps, kappa being the condition of the scaled x.
    """
    basis = block_of_data(x, rank_tolerance=rank_tolerance)[1]
    y_values = _centred(y)
    total = np.linalg.norm(y_values)
    if not total > 0.0:
        return 0.0
    return min(float((np.linalg.norm(basis.T @ y_values) / total) ** 2), 1.0)
