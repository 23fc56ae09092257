"""The null law of canonical correlations against simulated draws and its own constraints."""

import itertools
import math

import numpy as np
import pytest
from scipy import integrate

from fastcca import reference
from fastcca._statistics.null_law import null_cca


def draw(n: int, p: int, q: int, rng: np.random.Generator) -> np.ndarray:
    """Canonical correlations of independent Gaussian blocks of n samples."""
    return reference.cca(rng.normal(size=(n, p)), rng.normal(size=(n, q))).correlations


# --- mean squared -----------------------------------------------------------------------------


@pytest.mark.parametrize(("n", "p", "q"), [(40, 3, 6), (25, 8, 8), (30, 1, 12), (20, 12, 14)])
def test_mean_squared_is_exact(n, p, q):
    rng = np.random.default_rng(n + p)
    means = [np.mean(draw(n, p, q, rng) ** 2) for _ in range(300)]
    standard_error = np.std(means, ddof=1) / math.sqrt(300)

    found = null_cca(n, p, q)

    assert found.mean_squared == max(p, q) / (n - 1)
    assert abs(np.mean(means) - found.mean_squared) < 3.0 * standard_error
    # n in place of n - 1 would be seen
    assert p == 1 or abs(np.mean(means) - max(p, q) / n) > 1.0 * standard_error


def test_one_block_may_be_fixed_and_anything():
    rng = np.random.default_rng(0)
    fixed = np.exp(3.0 * rng.normal(size=(30, 4)))  # far from Gaussian
    means = [
        np.mean(reference.cca(fixed, rng.normal(size=(30, 6))).correlations ** 2)
        for _ in range(300)
    ]

    standard_error = np.std(means, ddof=1) / math.sqrt(300)
    assert abs(np.mean(means) - null_cca(30, 4, 6).mean_squared) < 3.0 * standard_error


# --- mean -------------------------------------------------------------------------------------


@pytest.mark.parametrize(("n", "p", "q"), [(300, 40, 60), (200, 50, 50), (150, 90, 100)])
def test_mean_of_large_draws(n, p, q):
    rng = np.random.default_rng(n)
    means = [draw(n, p, q, rng).mean() for _ in range(20)]

    found = null_cca(n, p, q)

    assert found.mean == pytest.approx(np.mean(means), rel=0.16 / min(p, q))
    assert found.mean**2 < found.mean_squared


@pytest.mark.parametrize(
    ("n", "p", "q", "excess"), [(30, 2, 2, 0.05), (30, 5, 5, 0.025), (100, 10, 10, 0.015)]
)
def test_mean_of_small_draws_is_too_large_by_what_is_documented(n, p, q, excess):
    rng = np.random.default_rng(p)
    means = [draw(n, p, q, rng).mean() for _ in range(1500)]
    standard_error = np.std(means, ddof=1) / math.sqrt(1500)

    found = null_cca(n, p, q).mean

    assert found > np.mean(means) - 2.0 * standard_error
    assert found < (np.mean(means) + 2.0 * standard_error) * (1.0 + excess)


@pytest.mark.parametrize(("n", "q"), [(10, 1), (12, 5), (1000, 30), (5, 3), (100_000, 7)])
def test_mean_of_a_single_correlation_is_exact(n, q):
    # rho^2 ~ Beta(q / 2, (n - 1 - q) / 2); of q = 1, E|r| = Gamma((n-1)/2) / (sqrt(pi) Gamma(n/2))
    a, b = q / 2, (n - 1 - q) / 2
    log_beta = math.lgamma(a) + math.lgamma(b) - math.lgamma(a + b)
    mean, _ = integrate.quad(
        lambda r: 2.0 * math.exp(2 * a * math.log(r) + (b - 1) * math.log1p(-r * r) - log_beta),
        0.0,
        1.0,
        points=[min(math.sqrt(q / (n - 1)), 0.9)],
        limit=500,
    )

    assert null_cca(n, 1, q).mean == pytest.approx(mean, rel=1e-7)
    assert null_cca(n, q, 1).mean == null_cca(n, 1, q).mean


def test_chance_of_two_variables():
    # of two independent variables and 3 samples, r = cos of a uniform angle
    assert null_cca(3, 1, 1).mean == pytest.approx(2.0 / math.pi, rel=1e-12)


# --- the law ----------------------------------------------------------------------------------

SIZES = [
    (1000, 50, 100),
    (1000, 100, 50),
    (1000, 100, 100),
    (1001, 400, 600),  # the bulk just reaches 1
    (1001, 500, 500),  # from 0 to 1
    (100, 60, 60),  # 21 correlations of 1
    (100, 30, 98),
    (10_000, 2, 3),
    (10, 4, 4),
]


@pytest.mark.parametrize(("n", "p", "q"), SIZES)
def test_density_has_the_mass_and_the_moments_that_it_must_have(n, p, q):
    found = null_cca(n, p, q)
    lower, upper = found.bulk_edges
    middle, half = (lower + upper) / 2, (upper - lower) / 2

    def moment(power: int) -> float:
        def integrand(t: float) -> float:
            rho = middle + half * math.cos(t)  # the edges become smooth
            return float(rho**power * found.density(rho) * half * math.sin(t))

        return float(integrate.quad(integrand, 0.0, math.pi, limit=500)[0])

    share_of_ones = found.n_ones / min(p, q)
    assert moment(0) + share_of_ones == pytest.approx(1.0, abs=1e-6)
    assert moment(1) + share_of_ones == pytest.approx(found.mean, abs=1e-6)
    assert moment(2) + share_of_ones == pytest.approx(found.mean_squared, abs=1e-6)


@pytest.mark.parametrize(("n", "p", "q"), [(1000, 50, 100), (800, 100, 100), (500, 200, 350)])
def test_edges_hold_nearly_all_correlations_and_are_reached(n, p, q):
    rho = draw(n, p, q, np.random.default_rng(1))

    found = null_cca(n, p, q)

    ones, bulk = rho[: found.n_ones], rho[found.n_ones :]
    np.testing.assert_allclose(ones, 1.0, rtol=0, atol=1e-12)
    assert found.n_ones == max(p + q - (n - 1), 0)
    lower, upper = found.bulk_edges
    outside = (bulk < lower) | (bulk > upper)
    assert outside.mean() <= 0.02
    width = upper - lower
    assert np.all((bulk > lower - 0.02 * width) & (bulk < upper + 0.02 * width))
    assert bulk.max() > upper - 0.05 * width
    assert bulk.min() < lower + 0.05 * width


@pytest.mark.parametrize(("n", "p", "q"), [(1000, 50, 100), (100, 60, 60), (400, 150, 150)])
def test_density_is_the_histogram_of_a_draw(n, p, q):
    rng = np.random.default_rng(2)
    found = null_cca(n, p, q)
    draws = np.concatenate([draw(n, p, q, rng)[found.n_ones :] for _ in range(10)])
    cuts = np.linspace(*found.bulk_edges, 6)
    counts = np.histogram(draws, np.concatenate([[0.0], cuts[1:-1], [1.0]]))[0]

    shares = [
        integrate.quad(lambda r: float(found.density(r)), a, b, limit=500)[0]
        for a, b in itertools.pairwise(cuts)
    ]

    np.testing.assert_allclose(counts / (10 * min(p, q)), shares, atol=0.01)


def test_edges_of_equal_blocks_without_much_data():
    found = null_cca(101, 25, 25)

    assert found.edges == pytest.approx((0.0, 2.0 * math.sqrt(0.25 * 0.75)))
    assert found.edges == found.bulk_edges
    assert found.n_ones == 0


def test_density_at_and_beyond_the_edges():
    equal = null_cca(101, 25, 25)
    unequal = null_cca(101, 10, 25)
    touching = null_cca(101, 40, 60)

    assert equal.density(0.0) == pytest.approx(equal.density(1e-9), rel=1e-6)
    assert equal.density(0.0) > 0.5
    np.testing.assert_array_equal(equal.density([-0.1, 0.95, 1.0, 1.1]), 0.0)
    np.testing.assert_array_equal(unequal.density([0.0, unequal.edges[0] - 1e-9, 1.0]), 0.0)
    assert unequal.density(np.mean(unequal.edges)) > 1.0
    assert touching.density(1.0) == math.inf
    assert unequal.density(np.full((2, 3), 0.4)).shape == (2, 3)


# --- too few samples --------------------------------------------------------------------------


def test_correlations_of_one_by_construction():
    found = null_cca(100, 60, 60)

    assert found.n_ones == 21
    assert found.edges == (0.0, 1.0)
    assert 0.9 < found.bulk_edges[1] < 1.0
    assert found.mean_squared == 60 / 99


@pytest.mark.parametrize(("n", "p", "q"), [(10, 3, 9), (10, 20, 4), (10, 30, 40), (2, 1, 1)])
def test_a_block_that_fills_all_samples(n, p, q):
    rho = draw(n, p, q, np.random.default_rng(3))

    found = null_cca(n, p, q)

    np.testing.assert_allclose(rho, 1.0, rtol=0, atol=1e-12)
    assert found.n_ones == rho.size
    assert (found.mean, found.mean_squared, found.edges) == (1.0, 1.0, (1.0, 1.0))
    np.testing.assert_array_equal(found.density([0.5, 1.0]), 0.0)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((1, 2, 2), "n=1 samples"),
        ((10, 0, 2), "p=0 and q=2 must both be at least 1"),
        ((10, 2, -1), "p=2 and q=-1"),
    ],
)
def test_refuses_impossible_sizes(arguments, message):
    with pytest.raises(ValueError, match=message):
        null_cca(*arguments)


def test_refuses_fractions_and_takes_numpy_integers():
    with pytest.raises(TypeError):
        null_cca(10.5, 2, 2)
    assert null_cca(np.int64(20), np.int32(2), 3) == null_cca(20, 2, 3)


def test_is_frozen():
    with pytest.raises(AttributeError):
        null_cca(20, 2, 3).mean = 0.5
