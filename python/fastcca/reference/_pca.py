"""Principal component analysis of one block."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fastcca._inputs.dtypes import input_epsilon
from fastcca.reference._centre import AnyArray, Centred, centre_live
from fastcca.reference._rank import EPS, Array, noise_deviation


@dataclass(frozen=True, slots=True, eq=False)
class PcaSolution:
    """Principal components of a block, k = min(n_samples, p).

    Attributes
    ----------
    explained_variance : (k,) float64
        Variance along each component, divisor n_samples - 1, descending, in squared units of x.
    components : (k, p) float64
        Orthonormal rows, each determined up to its sign, and up to rotation where variances tie.
        The others than those of `rank` span what rounding left, and mean nothing.
    singular_values : (k,) float64
        Of the centred data, sqrt((n_samples - 1) explained_variance).
    mean : (p,) float64
    rank : int
        Number of components whose variance is more than the rounding of the input. They are the
        leading ones unless units differ widely in mean or scale.
    """

    explained_variance: Array
    components: Array
    singular_values: Array
    mean: Array
    rank: int


@dataclass(frozen=True, slots=True, eq=False)
class Principal:
    """Singular value decomposition of a centred block: values = left diag(singular) components."""

    centred: Centred
    left: Array  # (n, k), orthonormal columns
    singular: Array  # (k,), descending
    components: Array  # (k, p), orthonormal rows
    real: NDArray[np.bool_]  # (k,), whether a component is more than rounding


def pca(x: AnyArray, *, rank_tolerance: float = 0.0) -> PcaSolution:
    """Principal components of a block, in its own scale.

    Parameters
    ----------
    x : (n, p) float16, float32, float64, integer or bool
        Finite, n >= 2, checked by the caller. Never written to.
    rank_tolerance : float
        In [0, 1). Directions of at most this share of the largest deviation are left out as well.

    Returns
    -------
    PcaSolution

    Raises
    ------
    ValueError
        If a mean or variance overflows float64, or all variances underflow.

    Notes
    -----
    Singular value decomposition of the centred data (Pearson 1901; Jolliffe 2002, "Principal
    Component Analysis", section 3.5). Units are not scaled, so those of large variance dominate.

    The absolute error of every singular value is about max(n, p) eps of the largest,
    eps = 2.2e-16. A component is off by that much over the gap to the next singular value.
    """
    found = principal_components(centre_live(x), input_epsilon(x.dtype), rank_tolerance)
    with np.errstate(over="ignore"):
        explained_variance = (found.singular / np.sqrt(x.shape[0] - 1)) ** 2
    if not np.isfinite(explained_variance).all():
        raise ValueError(
            f"the largest variance, of standard deviation "
            f"{found.singular[0] / np.sqrt(x.shape[0] - 1):.3g}, overflows float64; "
            "divide the data by a constant"
        )
    if found.singular.any() and explained_variance[0] < np.finfo(np.float64).tiny:
        raise ValueError(
            f"x varies by so little, by {found.singular[0] / np.sqrt(x.shape[0] - 1):.3g}, that "
            "variances underflow float64; multiply the data by a constant"
        )
    return PcaSolution(
        explained_variance=explained_variance,
        components=found.components,
        singular_values=found.singular,
        mean=found.centred.mean,
        rank=int(found.real.sum()),
    )


def principal_components(
    centred: Centred, epsilon: float, rank_tolerance: float = 0.0
) -> Principal:
    """Decompose a block in its own scale, and decide which components are data.

    A component v with singular value s is more than rounding if its deviation s / sqrt(n - 1)
    exceeds what the rounding of the input makes along v, and s the rounding of the decomposition.
    """
    n, p = centred.values.shape
    left, singular, components = np.linalg.svd(centred.values, full_matrices=False)
    noise = noise_deviation(components.T, centred.size, epsilon)
    compute_floor = max(max(n, p) * EPS, rank_tolerance) * singular.max(initial=0.0)
    real = (singular / np.sqrt(n - 1) > noise) & (singular > compute_floor)
    return Principal(centred, left, singular, components, real)
