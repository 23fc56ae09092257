"""Canonical correlation analysis."""

from __future__ import annotations

import numpy.typing as npt

from fastcca._inputs.layouts import LayoutOrPair, Size
from fastcca._measures.caveats import warn_about_solution
from fastcca._measures.cca_result import CCAResult, result_of
from fastcca._measures.options import check_options
from fastcca._runtime.output import stays_on_device
from fastcca._solve import routes
from fastcca._solve.options import CcaOptions
from fastcca._solve.pair import pair_of
from fastcca._states.moments import Moments


def cca(
    x: npt.ArrayLike | Moments,
    y: npt.ArrayLike | None = None,
    *,
    ridge: float = 0.0,
    method: str = "auto",
    weights: bool = True,
    precision: str = "double",
    rank_tolerance: float = 0.0,
    layout: LayoutOrPair = None,
    spatial: str | None = None,
    size: Size = None,
    backend: str | None = None,
    output: str = "numpy",
) -> CCAResult:
    """Canonical correlation analysis (Hotelling 1936) of two blocks of features.

    Finds the linear combinations of the features of `x` and of `y` that correlate most, then
    those that correlate most among all that are uncorrelated with the ones before, and so on. The
    correlations do not change under any invertible affine map of either side.

    Parameters
    ----------
    x, y : array_like, (n_samples, p) and (n_samples, q)
        Row i of both belongs to the same sample. float16, bfloat16, float32, float64, complex64,
        complex128, integers or bool, as arrays or as tensors on the CPU; any strides and byte
        order, read in place, never changed, never copied whole. In place of both, a `Moments` of
        two blocks. With `layout`, maps.
    ridge : float
        Added to the diagonal of the covariances of the unit-variance features, after the rank
        decision. The variates then have variance below one.
    method : {"auto", "moments", "qr"}
        "moments" accumulates float64 covariances in one pass and decomposes them. "qr" takes
        orthonormal bases of the data itself, by a streamed QR. "auto" starts with the moments,
        and where they have lost digits that the data hold, passes over the data again with "qr".
        With fewer samples than features the n x n Gram matrix takes the place of the moments.
    weights : bool
        Whether to compute the canonical weights. Without them only singular values are needed.
    precision : {"double", "single"}
        What products of samples are computed in. "single" takes float32, about two thirds of the
        time, and means it: moments are the only route, and data they cannot answer for are refused.
        What is answered has an error of at most ``40 * condition**2 * 1.2e-7``, see `CCAResult`. A
        `Moments` is of the precision it was made with. ``backend="numpy"`` computes in double all
        the same.
    rank_tolerance : float
        In [0, 1). Directions with at most this share of the largest standard deviation, features
        scaled to unit variance, are left out as rounding, besides those that the precision of the
        input rules out. For noise that the dtype does not tell of, such as the rounding of an
        offset that was subtracted before.
    layout : str or pair of str, optional
        The axes of maps: one letter each, N samples, C channels, and D, H, W, T positions, as in
        "NHWC", "NCHW" or "NTC"; a pair where x and y differ. A plain side is "NC".
    spatial : {"fold", "pool", "flatten", "resize"}, optional
        What becomes of positions. "fold" (the default with `layout`): every position is a sample,
        read in place. "pool": the mean over positions. "flatten": every position of every
        channel is a feature. "resize": bilinear resizing to a common grid, then fold.
    size : tuple of int, optional
        The grid of "resize"; the smaller of the two per axis if not given.
    backend : {None, "cpu", "cuda", "numpy"}
        The compiled core on the CPU or on an NVIDIA GPU, or the numpy reference. None takes
        FASTCCA_BACKEND, or works where the data are: both sides on one CUDA device, or the CPU.
        "cuda:1" is the second device. docs/gpu.md tells what of it runs where.
    output : {"numpy", "device"}
        Where weights and loadings go. "device" leaves them on the GPU that computes them, as
        `DeviceArray`; vectors are numpy's all the same.

    Returns
    -------
    CCAResult

    Raises
    ------
    ValueError
        For shapes that do not fit, fewer than 2 samples, NaN or infinity, or an unknown option.
        With ``precision="single"``, where the error could be more than 1e-3, that is from a
        condition of about 14 on, or directions of samples are so weak, below about 3e-3 of the
        largest deviation, that it cannot tell them from rounding.
        With ``output="device"``, where no GPU computes it.
    TypeError
        For arrays that do not hold real numbers.
    numpy.linalg.LinAlgError
        If LAPACK fails on every route, which is not known to happen.

    Warns
    -----
    RankWarning
        If there are fewer than 5 samples per feature, or a block does not vary at all.
    AccuracyWarning
        If moments of ill-conditioned data have lost digits, and there are no samples to go back
        to: with the number of digits left.

    Notes
    -----
    Features are scaled to unit variance, dead ones dropped, and only directions are kept whose
    variance exceeds the rounding noise of the input's own precision, so that collinear or
    duplicated features are no obstacle (see `x_rank`). Whitening is by Cholesky where every
    direction is safely above that noise, by eigenvectors otherwise; the correlations are singular
    values of the whitened cross-covariance, never square roots of eigenvalues.

    The error on the route "moments" is about ``10 * condition**2 * 2.2e-16``: 3e-13 at a
    condition of 1e2, 5e-9 at 1e4, 2e-5 at 1e6, and useless beyond 1e7. Near a correlation of 0
    that is an absolute error.

    Examples
    --------
    >>> import numpy as np
    >>> import fastcca
    >>> rng = np.random.default_rng(0)
    >>> x = rng.normal(size=(1000, 3))
    >>> y = x @ rng.normal(size=(3, 3)) + 5
    >>> fastcca.cca(x, y).correlations.round(6)
    array([1., 1., 1.])
    """
    check_options(ridge=ridge, method=method, rank_tolerance=rank_tolerance, precision=precision)
    pair = pair_of(
        x,
        y,
        layout=layout,
        spatial=spatial,
        size=size,
        precision=precision,
        backend=backend,
        real=False,
    )
    options = CcaOptions(
        method=method,
        weights=weights,
        ridge=float(ridge),
        rank_tolerance=float(rank_tolerance),
        in_place=stays_on_device(output, pair.place),
    )
    solution = routes.cca(pair, options)
    warn_about_solution(solution)
    return result_of(solution, ridge)
