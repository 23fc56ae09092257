"""Test statistics that follow from canonical correlations, and their p-values."""

from __future__ import annotations

import math
import operator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


# --- the four statistics -----------------------------------------------------------------------


def wilks(correlations: Floats) -> float:
    """Return Wilks' lambda, ``prod(1 - rho**2)`` (Wilks 1932): 1 for no correlation, 0 for full.

    Parameters
    ----------
    correlations : ndarray, (k,), float64
        In [0, 1].
    """
    return float(np.prod(_unexplained(correlations)))


def pillai(correlations: Floats) -> float:
    """Return Pillai's trace, ``sum(rho**2)`` (Pillai 1955).

    Parameters
    ----------
    correlations : ndarray, (k,), float64
        In [0, 1].
    """
    return float(np.sum(correlations**2))


def hotelling_lawley(correlations: Floats) -> float:
    """Return the Hotelling-Lawley trace, ``sum(rho**2 / (1 - rho**2))`` (Lawley 1938).

    Parameters
    ----------
    correlations : ndarray, (k,), float64
        In [0, 1]; infinite if one is 1.
    """
    return float(np.sum(_eigenvalues(correlations)))


def roy(correlations: Floats) -> float:
    """Return Roy's greatest root, ``rho_1**2 / (1 - rho_1**2)``, as SAS defines it (Roy 1953).

    Parameters
    ----------
    correlations : ndarray, (k,), float64
        In [0, 1]; infinite if one is 1, 0 if there is none.
    """
    return float(np.max(_eigenvalues(correlations), initial=0.0))


def _unexplained(correlations: Floats) -> Floats:
    """1 - rho**2, to full relative precision."""
    out: Floats = (1.0 - correlations) * (1.0 + correlations)
    return out


def _eigenvalues(correlations: Floats) -> Floats:
    """rho**2 / (1 - rho**2), infinite where rho is 1."""
    with np.errstate(divide="ignore"):
        out: Floats = correlations**2 / _unexplained(correlations)
    return out


# --- tests of the hypothesis that the rest of the correlations is zero -------------------------


@dataclass(frozen=True, eq=False, slots=True)
class WilksTest:
    """Tests that the correlations from each one on are all zero, by Wilks' lambda.

    Attributes
    ----------
    statistics : ndarray, (k,), float64
        Wilks' lambda of the correlations i, i + 1, ..., k, for i = 1, ..., k.
    f : ndarray, (k,), float64
        Rao's F; infinite where a correlation in question is 1.
    df1, df2 : ndarray, (k,), float64
        Its degrees of freedom.
    p_values : ndarray, (k,), float64
    """

    statistics: Floats
    f: Floats
    df1: Floats
    df2: Floats
    p_values: Floats


@dataclass(frozen=True, eq=False, slots=True)
class BartlettTest:
    """Tests that the correlations from each one on are all zero, by Bartlett's chi-squared.

    Attributes
    ----------
    chi2 : ndarray, (k,), float64
        Of the correlations i, i + 1, ..., k, for i = 1, ..., k; infinite where one of them is 1.
    df : ndarray, (k,), int64
        Degrees of freedom.
    p_values : ndarray, (k,), float64
    """

    chi2: Floats
    df: npt.NDArray[np.int64]
    p_values: Floats


def wilks_test(correlations: Floats, n_samples: int, p: int, q: int) -> WilksTest:
    """Test, for every i, that the correlations from the i-th on are all zero.

    Parameters
    ----------
    correlations : ndarray, (k,), float64
        Canonical correlations, descending, in [0, 1]; k = min(p, q), at least 1.
    n_samples : int
        More than p + q.
    p, q : int
        Ranks of the two blocks.

    Returns
    -------
    WilksTest

    Raises
    ------
    ValueError
        If there are too few samples, or the numbers do not fit each other.

    Notes
    -----
    Rao's F approximation to Wilks' lambda (Rao 1951; Rao 1973, "Linear Statistical Inference",
    section 8c), as SAS and R's CCP print it. For Gaussian data the first test is exact where p or
    q is at most 2, and close elsewhere: at the 5 % level it rejected 4.5 to 7 % of simulated null
    data for 5 to 50 features, down to n = p + q + 2. The later tests take the population
    correlations before the i-th to be well above zero; where they are not, those tests reject too
    seldom.
    """
    p, q = _checked(correlations, n_samples, p, q)
    first = np.arange(correlations.size)
    rows, cols = (p - first).astype(np.float64), (q - first).astype(np.float64)
    log_lambda = _log_of_rest(correlations)

    squares = rows**2 + cols**2 - 5.0
    root = np.ones(first.size)
    general = squares > 0.0
    root[general] = np.sqrt(((rows * cols)[general] ** 2 - 4.0) / squares[general])
    df1 = rows * cols
    df2 = (n_samples - 1.5 - (p + q) / 2.0) * root - df1 / 2.0 + 1.0
    # (1 - lambda^(1/root)) / lambda^(1/root)
    with np.errstate(over="ignore"):
        f = np.expm1(-log_lambda / root) * df2 / df1
    return WilksTest(np.exp(log_lambda), f, df1, df2, _f_tail(f, df1, df2))


def bartlett_test(correlations: Floats, n_samples: int, p: int, q: int) -> BartlettTest:
    """Test, for every i, that the correlations from the i-th on are all zero.

    Parameters
    ----------
    correlations : ndarray, (k,), float64
        Canonical correlations, descending, in [0, 1]; k = min(p, q), at least 1.
    n_samples : int
        More than p + q.
    p, q : int
        Ranks of the two blocks.

    Returns
    -------
    BartlettTest

    Raises
    ------
    ValueError
        If there are too few samples, or the numbers do not fit each other.

    Notes
    -----
    Bartlett 1938 and 1947: ``chi2 = -(n - 1 - (p + q + 1) / 2) log prod_(j >= i) (1 - rho_j**2)``
    with ``(p - i + 1) (q - i + 1)`` degrees of freedom. The formula printed in Morcos et al.
    2018 has n in place of n - 1. The approximation rejects too often unless p + q is well below n:
    at the 5 % level 6 % of simulated null data for 5 against 5 features and 20 samples, 11 % for
    10 against 10 and 30, 80 % for 40 against 40 and 100. `wilks_test` has no such defect.
    """
    from scipy import stats  # slow to import, and needed for p-values alone

    p, q = _checked(correlations, n_samples, p, q)
    first = np.arange(correlations.size)
    df = (p - first) * (q - first)
    chi2 = -(n_samples - 1 - (p + q + 1) / 2.0) * _log_of_rest(correlations)
    return BartlettTest(chi2, df.astype(np.int64), np.asarray(stats.chi2.sf(chi2, df)))


# --- F approximations to all four --------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class FTest:
    """One statistic, its F approximation, degrees of freedom and p-value."""

    statistic: float
    f: float
    df1: float
    df2: float
    p_value: float


@dataclass(frozen=True, slots=True)
class MultivariateTests:
    """Tests that all canonical correlations are zero, by four statistics."""

    wilks: FTest
    pillai: FTest
    hotelling_lawley: FTest
    roy: FTest


def multivariate_tests(correlations: Floats, n_samples: int, p: int, q: int) -> MultivariateTests:
    """Test that all canonical correlations are zero, by four statistics.

    Parameters
    ----------
    correlations : ndarray, (k,), float64
        Canonical correlations, descending, in [0, 1]; k = min(p, q), at least 1.
    n_samples : int
        More than p + q + 1.
    p, q : int
        Ranks of the two blocks. They may be exchanged.

    Returns
    -------
    MultivariateTests

    Raises
    ------
    ValueError
        If there are too few samples, or the numbers do not fit each other.

    Notes
    -----
    The approximations that SAS prints ("Multivariate Tests" in the introduction to its regression
    procedures): Rao's for Wilks' lambda, Pillai's for his trace (Pillai 1960), McKeon's for the
    Hotelling-Lawley trace (McKeon 1974), of which Pillai's takes the place at n_samples =
    p + q + 2. The F of Roy's root is an upper bound, so its p-value is a lower bound, and far too
    small where there are many features.
    """
    p, q = _checked(correlations, n_samples, p, q, spare=2)
    few, many = min(p, q), max(p, q)
    first = wilks_test(correlations, n_samples, p, q)
    spare = n_samples - p - q - 2  # twice the "n" of SAS, from 0

    trace = pillai(correlations)
    explained_odds = trace / (few - trace) if trace < few else math.inf
    pillai_df2 = few * (spare + 1 + few)
    pillai_f = explained_odds * pillai_df2 / (p * q)

    root_sum = hotelling_lawley(correlations)
    if spare > 0:
        excess = (p * q + 2) * (spare + 1) * (spare - 2) / (p * q + 2 + spare * (p + q + 1))
        lawley_df2 = 4.0 + excess
        scale = (2.0 + excess) / spare
    else:
        lawley_df2, scale = 2.0, float(few)
    lawley_f = root_sum / scale * lawley_df2 / (p * q)

    largest = roy(correlations)
    roy_df2 = n_samples - 1 - many
    return MultivariateTests(
        wilks=_f_test(
            float(first.statistics[0]), float(first.f[0]), float(first.df1[0]), float(first.df2[0])
        ),
        pillai=_f_test(trace, pillai_f, p * q, pillai_df2),
        hotelling_lawley=_f_test(root_sum, lawley_f, p * q, lawley_df2),
        roy=_f_test(largest, largest * roy_df2 / many, many, roy_df2),
    )


# --- shared ------------------------------------------------------------------------------------


def _checked(
    correlations: Floats, n_samples: int, p: int, q: int, *, spare: int = 1
) -> tuple[int, int]:
    p, q, n_samples = operator.index(p), operator.index(q), operator.index(n_samples)
    if min(p, q) < 1:
        raise ValueError(f"there is no correlation to test: the ranks are p={p} and q={q}")
    if correlations.shape != (min(p, q),):
        raise ValueError(
            f"correlations have shape {correlations.shape}, but ranks p={p} and q={q} make "
            f"{min(p, q)} of them"
        )
    if n_samples < p + q + spare:
        raise ValueError(
            f"n_samples={n_samples} are too few to test correlations of ranks p={p} and q={q}: "
            f"at least {p + q + spare} are needed"
        )
    return p, q


def _log_of_rest(correlations: Floats) -> Floats:
    """Return log prod_(j >= i) (1 - rho_j**2) for every i, (k,)."""
    with np.errstate(divide="ignore"):
        logs = np.log1p(-correlations) + np.log1p(correlations)
    out: Floats = np.cumsum(logs[::-1])[::-1]
    return out


def _f_test(statistic: float, f: float, df1: float, df2: float) -> FTest:
    p_value = _f_tail(np.float64(f), np.float64(df1), np.float64(df2))
    return FTest(statistic, f, float(df1), float(df2), float(p_value))


def _f_tail(f: Floats | np.float64, df1: Floats | np.float64, df2: Floats | np.float64) -> Floats:
    from scipy import stats  # slow to import, and needed for p-values alone

    return np.asarray(stats.f.sf(f, df1, df2), dtype=np.float64)
