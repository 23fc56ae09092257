"""Statistics of canonical correlations against SAS, R's CCP, exact laws and simulated data."""

import math
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import mpmath
import numpy as np
import pytest
from scipy import stats

from cases import assert_printed, published_case
from fastcca._statistics import multivariate_tests as statistics

Test = Callable[[np.ndarray, int, int, int], Any]
RNG_SEED = 20


def sizes(name: str) -> tuple[np.ndarray, int, int, int]:
    """The true correlations of a published case, its samples and ranks."""
    case = published_case(name)
    return case.truth, case.x.shape[0], case.x.shape[1], case.y.shape[1]


# --- published --------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["frets", "linnerud", "mmreg"])
def test_sequential_wilks_as_printed(name):
    rho, n, p, q = sizes(name)
    printed = published_case(name).published

    found = statistics.wilks_test(rho, n, p, q)

    assert_printed(found.statistics, printed["wilks"])
    assert_printed(found.f, printed["wilks_F"])
    assert_printed(found.df1, printed["wilks_df1"])
    assert_printed(found.df2, printed["wilks_df2"])
    assert_printed(found.p_values, printed["wilks_p"])
    assert statistics.wilks(rho) == pytest.approx(found.statistics[0], rel=1e-14)
    swapped = statistics.wilks_test(rho, n, q, p)
    np.testing.assert_allclose(swapped.p_values, found.p_values, rtol=1e-12)


@pytest.mark.parametrize("name", ["frets", "linnerud", "mmreg"])
def test_traces_as_printed(name):
    rho = sizes(name)[0]
    printed = published_case(name).published
    for statistic in ("pillai", "hotelling_lawley"):
        function = getattr(statistics, statistic)
        numbers = printed[statistic]
        if isinstance(numbers, str):  # SAS prints them for all correlations alone
            assert_printed([function(rho)], [numbers])
        else:
            assert_printed([function(rho[i:]) for i in range(rho.size)], numbers)


# SAS/STAT PROC CANCORR, example 1, "Multivariate Statistics and F Approximations"; statsmodels
# checks the same numbers in multivariate/tests/test_cancorr.py.
SAS = {
    "wilks": ("0.35039053", "2.05", "9", "34.223", "0.0635"),
    "pillai": ("0.67848151", "1.56", "9", "48", "0.1551"),
    "hotelling_lawley": ("1.77194146", "2.64", "9", "19.053", "0.0357"),
    "roy": ("1.72473874", "9.20", "3", "16", "0.0009"),
}


@pytest.mark.parametrize("statistic", SAS)
def test_four_statistics_as_sas_prints_them(statistic):
    rho, n, p, q = sizes("linnerud")

    found = getattr(statistics.multivariate_tests(rho, n, p, q), statistic)

    assert_printed([found.statistic, found.f, found.df1, found.df2, found.p_value], SAS[statistic])
    assert found.statistic == getattr(statistics, statistic)(rho)


# --- exact laws -------------------------------------------------------------------------------


@pytest.mark.parametrize(("n", "q"), [(12, 5), (4, 2), (100, 1), (9, 7)])
def test_one_feature_against_many_is_the_f_test_of_regression(n, q):
    r_squared = 0.3
    f = r_squared / (1 - r_squared) * (n - 1 - q) / q
    rho = np.array([math.sqrt(r_squared)])

    found = statistics.wilks_test(rho, n, 1, q)

    assert (found.df1[0], found.df2[0]) == (q, n - 1 - q)
    assert found.f[0] == pytest.approx(f, rel=1e-12)
    assert found.p_values[0] == pytest.approx(stats.f.sf(f, q, n - 1 - q), rel=1e-12)
    if n - 1 - q > 1:
        for test in ("pillai", "hotelling_lawley", "roy"):  # all the same with one correlation
            other = getattr(statistics.multivariate_tests(rho, n, 1, q), test)
            assert other.f == pytest.approx(f, rel=1e-12)
            assert (other.df1, other.df2) == (q, n - 1 - q)


def test_two_features_have_an_exact_law_of_the_root_of_lambda():
    rho, n, q = np.array([0.7, 0.4]), 20, 4  # (1 - sqrt(L)) / sqrt(L) (n - q - 2) / q ~ F(2q, .)
    root = math.sqrt((1 - 0.49) * (1 - 0.16))

    found = statistics.wilks_test(rho, n, 2, q)

    assert (found.df1[0], found.df2[0]) == (2 * q, 2 * (n - q - 2))
    assert found.f[0] == pytest.approx((1 - root) / root * (n - q - 2) / q, rel=1e-12)


@pytest.mark.parametrize(("p", "q"), [(2, 3), (3, 2), (2, 2), (1, 4)])
def test_hotelling_lawley_with_the_fewest_samples(p, q):
    rho = np.array([0.9, 0.5])[: min(p, q)]
    trace = statistics.hotelling_lawley(rho)
    s, m = min(p, q), (abs(p - q) - 1) / 2  # and SAS's n is 0

    found = statistics.multivariate_tests(rho, p + q + 2, p, q).hotelling_lawley

    assert found.f == pytest.approx(2 * trace / (s**2 * (2 * m + s + 1)), rel=1e-14)
    assert (found.df1, found.df2) == (s * (2 * m + s + 1), 2)


@pytest.mark.parametrize(("p", "q"), [(3, 5), (2, 2), (1, 4)])
def test_bartlett_written_out(p, q):
    n, k = 40, min(p, q)
    rho = np.array([0.8, 0.5, 0.1])[:k]

    found = statistics.bartlett_test(rho, n, p, q)

    for i in range(k):
        with mpmath.workdps(40):
            product = mpmath.fprod(1 - mpmath.mpf(float(r)) ** 2 for r in rho[i:])
            chi2 = -(n - 1 - mpmath.mpf(p + q + 1) / 2) * mpmath.log(product)
            df = (p - i) * (q - i)
            tail = mpmath.gammainc(mpmath.mpf(df) / 2, chi2 / 2, regularized=True)
        assert found.df[i] == df
        assert found.chi2[i] == pytest.approx(float(chi2), rel=1e-13)
        assert found.p_values[i] == pytest.approx(float(tail), rel=1e-10)


def test_correlations_next_to_one_keep_their_digits():
    rho = np.array([0.9999999])
    unexplained = float(1 - Fraction(rho[0]) ** 2)

    assert statistics.wilks(rho) == pytest.approx(unexplained, rel=1e-15)
    assert statistics.hotelling_lawley(rho) == pytest.approx(1.0 / unexplained - 1.0, rel=1e-14)
    assert statistics.bartlett_test(rho, 10, 1, 1).chi2[0] == pytest.approx(
        -7.5 * math.log(unexplained), rel=1e-15
    )
    assert statistics.wilks_test(rho, 10, 1, 1).f[0] == pytest.approx(
        8.0 * (1.0 / unexplained - 1.0), rel=1e-12
    )


def test_many_correlations_do_not_underflow():
    rho = np.full(500, 0.99)  # lambda is 1e-850

    found = statistics.wilks_test(rho, 2000, 500, 500)

    assert statistics.wilks(rho) == 0.0
    assert np.all(np.isfinite(found.f))
    assert np.all(np.isfinite(statistics.bartlett_test(rho, 2000, 500, 500).chi2))


# --- simulated --------------------------------------------------------------------------------


def null_draws(n: int, p: int, q: int, draws: int) -> np.ndarray:
    rng = np.random.default_rng(RNG_SEED)
    out = []
    for _ in range(draws):
        x = np.linalg.qr(rng.normal(size=(n - 1, p)))[0]
        y = np.linalg.qr(rng.normal(size=(n - 1, q)))[0]
        out.append(np.linalg.svd(x.T @ y, compute_uv=False))
    return np.clip(out, 0.0, 1.0)


@pytest.mark.parametrize(("n", "p", "q"), [(15, 2, 4), (30, 5, 5), (60, 4, 9)])
def test_p_values_of_independent_data_are_uniform(n, p, q):
    draws = null_draws(n, p, q, 600)

    found = [statistics.wilks_test(rho, n, p, q).p_values[0] for rho in draws]

    # a Kolmogorov-Smirnov distance of 0.066 has probability 1 %
    assert stats.kstest(found, "uniform").statistic < 0.066


def test_dependent_data_are_found():
    rho = np.sqrt(null_draws(60, 4, 9, 20) ** 2 * 0.5 + 0.5)

    for test in (statistics.wilks_test, statistics.bartlett_test):
        assert max(test(r, 60, 4, 9).p_values[0] for r in rho) < 1e-6


# --- limits -----------------------------------------------------------------------------------


def test_a_correlation_of_one_is_infinitely_significant():
    rho = np.array([1.0, 0.5])

    wilks_test = statistics.wilks_test(rho, 20, 3, 2)
    bartlett = statistics.bartlett_test(rho, 20, 3, 2)
    tests = statistics.multivariate_tests(rho, 20, 3, 2)

    assert statistics.wilks(rho) == 0.0
    assert statistics.pillai(rho) == 1.25
    assert statistics.hotelling_lawley(rho) == statistics.roy(rho) == math.inf
    assert (wilks_test.f[0], wilks_test.p_values[0], wilks_test.statistics[0]) == (math.inf, 0, 0)
    assert (bartlett.chi2[0], bartlett.p_values[0]) == (math.inf, 0.0)
    assert wilks_test.statistics[1] == pytest.approx(0.75)
    assert 0.05 < wilks_test.p_values[1] < 0.2
    assert bartlett.p_values[1] == pytest.approx(wilks_test.p_values[1], rel=0.02)
    for test in (tests.wilks, tests.hotelling_lawley, tests.roy):
        assert (test.f, test.p_value) == (math.inf, 0.0)
    assert 0.0 < tests.pillai.p_value < 1.0
    all_one = statistics.multivariate_tests(np.ones(2), 20, 3, 2)
    assert (all_one.pillai.f, all_one.pillai.p_value) == (math.inf, 0.0)


def test_correlations_of_zero_have_p_values_of_one():
    rho = np.zeros(3)

    assert statistics.wilks(rho) == 1.0
    assert statistics.roy(rho) == statistics.pillai(rho) == 0.0
    np.testing.assert_array_equal(statistics.wilks_test(rho, 20, 3, 4).p_values, 1.0)
    np.testing.assert_array_equal(statistics.bartlett_test(rho, 20, 3, 4).p_values, 1.0)


def test_no_correlation_at_all():
    none = np.empty(0)

    assert statistics.wilks(none) == 1.0
    assert statistics.pillai(none) == statistics.hotelling_lawley(none) == 0.0
    assert statistics.roy(none) == 0.0


@pytest.mark.parametrize(
    ("test", "enough"),
    [
        (statistics.wilks_test, 6),
        (statistics.bartlett_test, 6),
        (statistics.multivariate_tests, 7),
    ],
)
def test_too_few_samples(test: Test, enough: int):
    rho = np.array([0.9, 0.5])

    test(rho, enough, 2, 3)
    with pytest.raises(ValueError, match=f"n_samples={enough - 1} .* p=2 and q=3: at least"):
        test(rho, enough - 1, 2, 3)


@pytest.mark.parametrize(
    "test", [statistics.wilks_test, statistics.bartlett_test, statistics.multivariate_tests]
)
def test_numbers_that_do_not_fit_each_other(test: Test):
    with pytest.raises(ValueError, match="no correlation to test: the ranks are p=0 and q=3"):
        test(np.empty(0), 20, 0, 3)
    with pytest.raises(ValueError, match=r"shape \(2,\), but ranks p=3 and q=4 make 3"):
        test(np.array([0.9, 0.5]), 20, 3, 4)
    with pytest.raises(TypeError):
        test(np.array([0.9, 0.5]), 20.5, 2, 2)
