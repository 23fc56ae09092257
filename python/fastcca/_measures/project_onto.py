"""Samples as far as some directions hold them."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from fastcca._inputs.arrays import as_samples
from fastcca._measures.projection import projected
from fastcca._runtime.device_array import on_host

__all__ = ["project_onto"]

Floats = npt.NDArray[np.float64]


def project_onto(
    x: npt.ArrayLike, directions: Floats, mean: Floats, k: int, output: str = "numpy"
) -> Floats:
    """Project samples orthogonally on the first k of orthonormal directions through their mean.

    Parameters
    ----------
    x : array_like, (n_samples, p)
    directions : ndarray, (p, most)
        On the host or a device.
    mean : ndarray, (p,)
    k : int
        From 0 to `most`.
    output : {"numpy", "device"}

    Returns
    -------
    ndarray, (n_samples, p), float64, or with "device" a `DeviceArray`
    """
    samples = as_samples(x, "x")
    if not 0 <= k <= directions.shape[1]:
        raise ValueError(
            f"k={k} must lie between 0 and {directions.shape[1]}, the number of directions"
        )
    if samples.shape[1] != mean.size:
        raise ValueError(f"x has {samples.shape[1]} features, but {mean.size} in the analysis")
    top = directions[:, :k]
    return projected(samples, mean, top, on_host(top).T, output=output, name="x")
