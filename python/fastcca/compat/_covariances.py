"""CCA of given covariances, as google/svcca's ``cca_core`` has it."""

from __future__ import annotations

import logging
from typing import Any

import numpy as np
import numpy.typing as npt

from fastcca._runtime.backend import resolve
from fastcca._solve import routes
from fastcca.compat._activations import check_epsilon

logger = logging.getLogger("fastcca.compat.cca_core")


def positivedef_matrix_sqrt(array: npt.ArrayLike) -> npt.NDArray[Any]:
    """Square root of a symmetric (Hermitian) positive semidefinite matrix.

    Parameters
    ----------
    array : array_like, (p, p)
        Real or complex. Negative eigenvalues within rounding count as zero.

    Returns
    -------
    ndarray, (p, p)
        The semidefinite root, in the precision of the input.

    Raises
    ------
    ValueError
        If the matrix is not square, not finite, or has a truly negative eigenvalue.
    """
    matrix = _finite_matrix(array, "array")
    if matrix.shape[0] != matrix.shape[1]:
        raise ValueError(f"array has shape {matrix.shape}; it must be square")
    values, vectors = np.linalg.eigh(matrix)
    if values.size:
        rounding = matrix.shape[0] * float(np.finfo(values.dtype).eps) * float(np.abs(values).max())
        if values[0] < -rounding:
            raise ValueError(
                f"array has the negative eigenvalue {values[0]:.3g}: it has no real square root"
            )
    root: npt.NDArray[Any] = (vectors * np.sqrt(np.maximum(values, 0))) @ vectors.conj().T
    return root


def remove_small(
    sigma_xx: npt.ArrayLike,
    sigma_xy: npt.ArrayLike,
    sigma_yx: npt.ArrayLike,
    sigma_yy: npt.ArrayLike,
    epsilon: float,
) -> tuple[
    npt.NDArray[Any],
    npt.NDArray[Any],
    npt.NDArray[Any],
    npt.NDArray[Any],
    npt.NDArray[np.bool_],
    npt.NDArray[np.bool_],
]:
    """Drop the neurons whose variance lies under `epsilon`.

    Parameters
    ----------
    sigma_xx, sigma_xy, sigma_yx, sigma_yy : array_like, (p, p), (p, q), (q, p), (q, q)
        Covariances.
    epsilon : float
        Neurons with a variance of `epsilon` or more are kept.

    Returns
    -------
    tuple of ndarray
        The four covariances of the kept neurons, as copies, and two boolean masks, (p,) and (q,),
        True where a neuron is kept.
    """
    xx, xy = np.asarray(sigma_xx), np.asarray(sigma_xy)
    yx, yy = np.asarray(sigma_yx), np.asarray(sigma_yy)
    x_idxs = np.abs(np.diagonal(xx)) >= epsilon
    y_idxs = np.abs(np.diagonal(yy)) >= epsilon
    return (
        xx[np.ix_(x_idxs, x_idxs)],
        xy[np.ix_(x_idxs, y_idxs)],
        yx[np.ix_(y_idxs, x_idxs)],
        yy[np.ix_(y_idxs, y_idxs)],
        x_idxs,
        y_idxs,
    )


def compute_ccas(
    sigma_xx: npt.ArrayLike,
    sigma_xy: npt.ArrayLike,
    sigma_yx: npt.ArrayLike,
    sigma_yy: npt.ArrayLike,
    epsilon: float,
    verbose: bool = True,
) -> tuple[
    list[Any], npt.NDArray[Any], npt.NDArray[Any], npt.NDArray[np.bool_], npt.NDArray[np.bool_]
]:
    """CCA of given covariances.

    Parameters
    ----------
    sigma_xx, sigma_xy, sigma_yx, sigma_yy : array_like, (p, p), (p, q), (q, p), (q, q)
        Real or complex covariances, left as they are.
    epsilon : float
        Neurons with less variance are dropped, and it is added to the diagonals. At 0, directions
        that are zero up to rounding are dropped instead.
    verbose : bool
        Whether to report steps through `logging`.

    Returns
    -------
    usv : list
        ``[u, s, v]``: canonical directions of x in the whitened space as the columns of
        ``u (p', p')``, coefficients ``s (min(p', q'),)``, and those of y, conjugated where
        complex, as the rows of ``v (q', q')``, over the kept neurons. ``[0, 0, 0]`` where none is
        kept on a side.
    invsqrt_xx, invsqrt_yy : ndarray, (p', p') and (q', q')
        Inverse square roots of the covariances.
    x_idxs, y_idxs : ndarray of bool, (p,) and (q,)
        True where a neuron was kept.
    """
    xx = _finite_matrix(sigma_xx, "sigma_xx")
    yy = _finite_matrix(sigma_yy, "sigma_yy")
    xy = _finite_matrix(sigma_xy, "sigma_xy")
    p, q = xx.shape[0], yy.shape[0]
    if xx.shape != (p, p) or yy.shape != (q, q) or xy.shape != (p, q):
        raise ValueError(
            f"sigma_xx, sigma_xy and sigma_yy have shapes {xx.shape}, {xy.shape} and {yy.shape}; "
            "they must be (p, p), (p, q) and (q, q)"
        )
    check_epsilon(epsilon)
    double = np.result_type(xx, xy, yy, np.float64)
    solved = routes.google_cca_of_covariances(
        xx.astype(double), yy.astype(double), xy.astype(double), epsilon, resolve(None)
    )
    report(solved.x_kept, solved.y_kept, verbose)
    if solved.cca is None:
        kept_x, kept_y = int(solved.x_kept.sum()), int(solved.y_kept.sum())
        nothing = np.zeros((kept_x, kept_x)), np.zeros((kept_y, kept_y))
        return [0, 0, 0], *nothing, solved.x_kept, solved.y_kept
    parts = solved.cca
    usv = [parts.u, parts.correlations, parts.vt]
    return usv, parts.x_inverse_sqrt, parts.y_inverse_sqrt, solved.x_kept, solved.y_kept


def report(x_idxs: npt.NDArray[np.bool_], y_idxs: npt.NDArray[np.bool_], verbose: bool) -> None:
    """Say how many neurons were kept."""
    if verbose:
        logger.info(
            "kept %d of %d and %d of %d neurons",
            x_idxs.sum(),
            x_idxs.size,
            y_idxs.sum(),
            y_idxs.size,
        )


def _finite_matrix(value: npt.ArrayLike, name: str) -> npt.NDArray[Any]:
    matrix = np.asarray(value)
    if matrix.ndim != 2:
        raise ValueError(f"{name} has shape {matrix.shape}; it must be a matrix")
    if matrix.dtype.kind not in "biufc":
        raise TypeError(f"{name} has dtype {matrix.dtype}; it must hold numbers")
    if not np.isfinite(matrix).all():
        raise ValueError(f"{name} holds NaN or infinity")
    return matrix
