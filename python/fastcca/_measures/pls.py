"""Partial least squares, by the singular vectors of the cross-covariance."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from fastcca._inputs.layouts import LayoutOrPair, Size
from fastcca._measures.projection import project_onto
from fastcca._runtime.output import stays_on_device
from fastcca._solve import routes
from fastcca._solve.pair import pair_of
from fastcca._states.moments import Moments

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False, slots=True)
class PLSResult:
    """Directions of largest covariance.

    Attributes
    ----------
    singular_values : ndarray, (k,), float64
        Covariances of the pairs of scores, descending, in units of x times units of y;
        ``k = min(p, q)``, of samples ``k = min(n_samples, p, q)``.
    x_weights, y_weights : ndarray, (p, k) and (q, k), float64
        Orthonormal columns: ``(x - x_mean) @ x_weights`` are the scores. With
        ``output="device"`` each a `DeviceArray`.
    x_mean, y_mean : ndarray, (p,) and (q,), float64
    n_samples : int
    """

    singular_values: Floats
    x_weights: Floats = field(repr=False)
    y_weights: Floats = field(repr=False)
    x_mean: Floats = field(repr=False)
    y_mean: Floats = field(repr=False)
    n_samples: int

    def project(
        self, x: npt.ArrayLike, k: int, *, side: str = "x", output: str = "numpy"
    ) -> Floats:
        """Project samples orthogonally on the top k directions of their side.

        Parameters
        ----------
        x : array_like, (n_samples, p)
        k : int
            From 0, the mean alone, to the number of directions.
        side : {"x", "y"}
            Whose samples they are.
        output : {"numpy", "device"}
            "device" leaves the result on the GPU that the samples lie on.

        Returns
        -------
        ndarray, (n_samples, p), float64, or with "device" a `DeviceArray`
            Means included.
        """
        if side not in ("x", "y"):
            raise ValueError(f"side={side!r} is unknown; it must be 'x' or 'y'")
        if side == "x":
            return project_onto(x, self.x_weights, self.x_mean, k, output)
        return project_onto(x, self.y_weights, self.y_mean, k, output)


def pls(
    x: npt.ArrayLike | Moments,
    y: npt.ArrayLike | None = None,
    *,
    layout: LayoutOrPair = None,
    spatial: str | None = None,
    size: Size = None,
    backend: str | None = None,
    output: str = "numpy",
) -> PLSResult:
    """Partial least squares (Wold 1985): the SVD of the cross-covariance.

    Finds orthonormal directions of `x` and of `y` whose scores have the largest covariance: like
    CCA, but large features count for more. (Deflating variants such as scikit-learn's
    PLSRegression agree in the first pair of directions only; this is its PLSSVD.)

    Parameters
    ----------
    x, y : array_like, (n_samples, p) and (n_samples, q)
        As in `cca`, real. In place of both, a `Moments` of two blocks.
    layout, spatial, size, backend, output
        As in `cca`.

    Returns
    -------
    PLSResult

    Raises
    ------
    ValueError, TypeError
        As `cca`.

    Notes
    -----
    Singular values are accurate to about 1e-15 of the largest; directions by the inverse of the
    gap to their neighbours. With fewer samples than features the data are decomposed in place of
    the moments, in memory of about two float64 copies of them.
    """
    pair = pair_of(x, y, layout=layout, spatial=spatial, size=size, backend=backend)
    solution = routes.pls(pair, in_place=stays_on_device(output, pair.place))
    return PLSResult(
        singular_values=solution.singular_values,
        x_weights=solution.x_weights,
        y_weights=solution.y_weights,
        x_mean=solution.x_mean,
        y_mean=solution.y_mean,
        n_samples=solution.n_samples,
    )
