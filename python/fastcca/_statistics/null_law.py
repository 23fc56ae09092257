"""What canonical correlations look like between blocks that have nothing in common."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True, slots=True)
class NullCCA:
    """Canonical correlations of independent Gaussian blocks, as `null_cca` returns them.

    Attributes
    ----------
    n_samples, p, q : int
        Samples, and features (or ranks) of the two blocks.
    mean_squared : float
        Expected mean squared correlation, ``max(p, q) / (n_samples - 1)``, at most 1. Exact.
    mean : float
        Expected mean correlation: exact where one block has a single feature or correlations are
        1 by construction throughout, otherwise of the law for many samples and features.
    edges : tuple of float
        Smallest and largest correlation under that law (Wachter 1980). The largest is 1 where
        `n_ones` is above 0.
    bulk_edges : tuple of float
        The same for the correlations that are not 1 by construction.
    n_ones : int
        Correlations that are 1 by construction, for any data: ``p + q - (n_samples - 1)`` if that
        is above 0, at most all.
    """

    n_samples: int
    p: int
    q: int
    mean_squared: float
    mean: float
    edges: tuple[float, float]
    bulk_edges: tuple[float, float]
    n_ones: int

    def density(self, rho: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """Density of the correlations under the law for many samples and features.

        Parameters
        ----------
        rho : array_like
            Correlations, any shape.

        Returns
        -------
        ndarray, the shape of `rho`, float64
            Per unit of correlation. It integrates to the share of the correlations that are not 1
            by construction, and is 0 outside `bulk_edges`.
        """
        values = np.asarray(rho, dtype=np.float64)
        lower, upper = self.bulk_edges
        out = np.zeros(values.shape)
        if upper == lower:
            return out
        inside = (values >= lower) & (values <= upper)
        r = values[inside]
        with np.errstate(divide="ignore", invalid="ignore"):
            # (r - lower) (r + lower) / r^2, which tends to 1 at r = 0 if that is the edge
            rise = np.where(r > 0.0, (1.0 - lower / r) * (1.0 + lower / r), 1.0)
            fall = (upper - r) * (upper + r)
            share = min(self.p, self.q) / (self.n_samples - 1)
            out[inside] = np.sqrt(rise * fall) / (math.pi * share * (1.0 - r) * (1.0 + r))
        # At an edge of 1 the density has no limit but infinity.
        out[inside & (values == 1.0)] = math.inf
        return out


def null_cca(n: int, p: int, q: int) -> NullCCA:
    """Canonical correlations to expect between independent blocks: the baseline of chance.

    Parameters
    ----------
    n : int
        Samples, at least 2, counted before centring.
    p, q : int
        Features of the two blocks, at least 1; their ranks where those are lower.

    Returns
    -------
    NullCCA

    Raises
    ------
    ValueError
        For numbers below these.
    TypeError
        For what is no integer.

    Notes
    -----
    Centring leaves n - 1 dimensions, in which two independent Gaussian blocks span random
    subspaces. The mean of the squared correlations is exactly ``max(p, q) / (n - 1)``, for any
    n, p and q, and also for one fixed block against a Gaussian one.

    For large n, p and q at fixed ratios ``a = min(p, q) / (n - 1)`` and ``b = max(p, q) / (n - 1)``
    the squared correlations fill the interval between
    ``(sqrt(a (1 - b)) - sqrt(b (1 - a)))**2`` and ``(sqrt(a (1 - b)) + sqrt(b (1 - a)))**2`` with
    a known density (Wachter 1980, "The limiting empirical measure of multiple discriminant
    ratios", Ann. Stat. 8), besides ``p + q - (n - 1)`` of them at 1 if that is positive. `mean`
    integrates its square root.

    At small sizes that law is a limit only. In simulations its mean is too large by up to
    ``0.16 / min(p, q)`` of itself where p = q (by 5 % for 2 against 2, 2 % for 5, 1.5 % for 10)
    and by less otherwise (0.8 % for 2 against 10 in 29 dimensions); for ``min(p, q) = 1`` the
    exact mean of the beta law is given instead. The largest correlation of a draw varies about
    the upper edge by a share of the order of ``min(p, q)**(-2/3)`` (Johnstone 2008, Ann. Stat.
    36), so single correlations may lie somewhat outside. Data of heavy tails or with dependent
    samples follow other laws.

    Examples
    --------
    >>> from fastcca import null_cca
    >>> chance = null_cca(1000, 50, 100)
    >>> round(chance.mean_squared, 4), [round(edge, 3) for edge in chance.edges]
    (0.1001, [0.096, 0.521])
    """
    n, p, q = operator.index(n), operator.index(p), operator.index(q)
    if n < 2:
        raise ValueError(f"n={n} samples have no correlation; at least 2 are needed")
    if p < 1 or q < 1:
        raise ValueError(f"p={p} and q={q} must both be at least 1")
    dimensions = n - 1
    few, many = min(p, q), max(p, q)
    if many >= dimensions:
        n_ones = min(few, dimensions)
        return NullCCA(n, p, q, 1.0, 1.0, (1.0, 1.0), (1.0, 1.0), n_ones)

    a, b = few / dimensions, many / dimensions
    inner, outer = math.sqrt(a * (1.0 - b)), math.sqrt(b * (1.0 - a))
    bulk_edges = (abs(outer - inner), min(outer + inner, 1.0))
    n_ones = max(p + q - dimensions, 0)
    return NullCCA(
        n_samples=n,
        p=p,
        q=q,
        mean_squared=many / dimensions,
        mean=_mean_of_one(many, dimensions) if few == 1 else _mean_of_law(a, b),
        edges=(bulk_edges[0], 1.0 if n_ones else bulk_edges[1]),
        bulk_edges=bulk_edges,
        n_ones=n_ones,
    )


def _mean_of_one(many: int, dimensions: int) -> float:
    """Mean of the only correlation, whose square is Beta(many / 2, (dimensions - many) / 2)."""
    log_mean = (
        math.lgamma((many + 1) / 2)
        - math.lgamma(many / 2)
        + math.lgamma(dimensions / 2)
        - math.lgamma((dimensions + 1) / 2)
    )
    return math.exp(log_mean)


def _mean_of_law(a: float, b: float) -> float:
    at_one = max(a + b - 1.0, 0.0) / a
    return _integral_over_law(math.sqrt, a, b) + at_one


def _integral_over_law(f: Callable[[float], float], a: float, b: float) -> float:
    """Integral of `f` of the squared correlation over the continuous part of the law.

    With ``square = lowest + width cos(t/2)**2`` the square roots at both edges of the density
    ``sqrt((highest - square) (square - lowest)) / (2 pi a square (1 - square))`` become smooth.
    """
    from scipy import integrate  # slow to import, and needed here alone

    lowest = (math.sqrt(a * (1.0 - b)) - math.sqrt(b * (1.0 - a))) ** 2
    highest_from_one = (math.sqrt((1.0 - a) * (1.0 - b)) - math.sqrt(a * b)) ** 2
    width = 4.0 * math.sqrt(a * b * (1.0 - a) * (1.0 - b))

    def integrand(t: float) -> float:
        up, down = math.cos(t / 2.0) ** 2, math.sin(t / 2.0) ** 2
        square, from_one = lowest + width * up, highest_from_one + width * down
        return f(square) * width**2 * up * down / (2.0 * math.pi * a * square * from_one)

    value, _ = integrate.quad(integrand, 0.0, math.pi, limit=500, epsabs=1e-12, epsrel=1e-10)
    return float(value)
