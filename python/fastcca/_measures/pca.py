"""Principal component analysis."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from fastcca._inputs.layouts import LayoutOrPair, Size
from fastcca._measures.options import check_options
from fastcca._measures.projection import project_onto
from fastcca._runtime.output import stays_on_device
from fastcca._solve import routes
from fastcca._solve.pair import single_of
from fastcca._states.moments import Moments
from fastcca._states.qr_factor import QRFactor

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False, slots=True)
class PCAResult:
    """Principal components of one block: ``k = p``, of samples ``k = min(n_samples, p)``.

    Attributes
    ----------
    explained_variance : ndarray, (k,), float64
        Variance along each component, descending, divisor ``n_samples - 1``.
    components : ndarray, (k, p), float64
        Orthonormal rows, each up to its sign. With ``output="device"`` a `DeviceArray`.
    singular_values : ndarray, (k,), float64
        Of the centred data, ``sqrt((n_samples - 1) * explained_variance)``.
    mean : ndarray, (p,), float64
    rank : int
        How many components are more than rounding noise of the input's precision: the leading
        ones, unless features differ widely in mean or scale.
    n_samples : int
    """

    explained_variance: Floats
    components: Floats = field(repr=False)
    singular_values: Floats = field(repr=False)
    mean: Floats = field(repr=False)
    rank: int
    n_samples: int

    def project(self, x: npt.ArrayLike, k: int, *, output: str = "numpy") -> Floats:
        """Project samples orthogonally on the top k components.

        Parameters
        ----------
        x : array_like, (n_samples, p)
        k : int
            From 0, the mean alone, to the number of components.
        output : {"numpy", "device"}
            "device" leaves the result on the GPU that the samples lie on.

        Returns
        -------
        ndarray, (n_samples, p), float64, or with "device" a `DeviceArray`
            Means included.
        """
        return project_onto(x, self.components.T, self.mean, k, output)


def pca(
    x: npt.ArrayLike | Moments | QRFactor,
    *,
    rank_tolerance: float = 0.0,
    layout: LayoutOrPair = None,
    spatial: str | None = None,
    size: Size = None,
    backend: str | None = None,
    output: str = "numpy",
) -> PCAResult:
    """Principal component analysis (Pearson 1901) by the eigenvectors of the covariance.

    Parameters
    ----------
    x : array_like, (n_samples, p)
        As in `cca`, real. In its place, a `Moments` or `QRFactor` of one block.
    rank_tolerance : float
        In [0, 1). Directions with at most this share of the largest standard deviation, in the
        block's own scale, are left out as rounding, besides those that the precision of the input
        rules out. For noise that the dtype does not tell of, such as the rounding of an offset
        that was subtracted before.
    layout, spatial, size, backend, output
        As in `cca`.

    Returns
    -------
    PCAResult

    Raises
    ------
    ValueError, TypeError
        As `cca`.

    Notes
    -----
    Variances are accurate to about 1e-15 of the largest one; from moments, singular values under
    1e-8 of the largest not at all, from a `QRFactor` to 1e-15 of the largest. With fewer samples
    than features the data are decomposed in place of the moments, in memory of about three float64
    copies of them, as accurately as by a `QRFactor`.
    """
    check_options(rank_tolerance=rank_tolerance)
    single = single_of(x, layout=layout, spatial=spatial, size=size, backend=backend)
    solution = routes.pca(
        single,
        rank_tolerance=float(rank_tolerance),
        in_place=stays_on_device(output, single.place),
    )
    n = solution.n_samples
    return PCAResult(
        explained_variance=solution.variances,
        components=solution.axes.T,
        singular_values=np.sqrt((n - 1) * solution.variances),
        mean=solution.mean,
        rank=solution.rank,
        n_samples=n,
    )
