"""The numpy reference against extended precision, closed forms and defining properties.

`fastcca.reference` is the oracle of most other tests, so it is checked here against everything
but itself: 60-digit arithmetic, exact rational ranks, formulas that have nothing to do with a
singular value decomposition, and the equations that define canonical variates.
"""

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from cases import (
    DTYPES,
    LAYOUTS,
    aligned,
    google_logits,
    in_layout,
    known_correlations,
    rank_deficient,
    small_integers,
)
from fastcca import reference
from oracle import exact_cca, exact_rank

EPS = 2.0**-52


def moments_of(x: np.ndarray, y: np.ndarray) -> dict[str, Any]:
    """Arguments of cca_from_moments, from centred data."""
    x64, y64 = x.astype(np.float64), y.astype(np.float64)
    x_mean, y_mean = x64.mean(axis=0), y64.mean(axis=0)
    xc, yc = x64 - x_mean, y64 - y_mean
    return {
        "n_samples": x.shape[0],
        "x_mean": x_mean,
        "y_mean": y_mean,
        "x_scatter": xc.T @ xc,
        "y_scatter": yc.T @ yc,
        "cross_scatter": xc.T @ yc,
        "x_epsilon": reference.input_epsilon(x.dtype),
        "y_epsilon": reference.input_epsilon(y.dtype),
    }


def covariances_of(x: np.ndarray, y: np.ndarray) -> dict[str, Any]:
    """Arguments of symmetric_cca but epsilon, from centred data."""
    m = moments_of(x, y)
    degrees = m.pop("n_samples") - 1
    return {
        "x_cov": m["x_scatter"] / degrees,
        "y_cov": m["y_scatter"] / degrees,
        "cross_cov": m["cross_scatter"] / degrees,
        **{key: m[key] for key in ("x_mean", "y_mean", "x_epsilon", "y_epsilon")},
    }


def by_data(x: np.ndarray, y: np.ndarray, **options: Any) -> reference.Solution:
    return reference.cca(x, y, **options)


def by_moments(x: np.ndarray, y: np.ndarray, **options: Any) -> reference.Solution:
    return reference.cca_from_moments(**moments_of(x, y), **options)


both_routes = pytest.mark.parametrize("solve", [by_data, by_moments])


# --- extended precision -----------------------------------------------------------------------

SHAPES = [(30, 3, 5), (30, 5, 3), (25, 4, 4), (20, 1, 4), (20, 4, 1), (10, 1, 1), (9, 3, 4)]


@both_routes
@pytest.mark.parametrize(("n", "p", "q"), SHAPES)
def test_agrees_with_sixty_digits(solve, n, p, q):
    rng = np.random.default_rng(n * p + q)
    shared = rng.normal(size=(n, 2))
    x = shared @ rng.normal(size=(2, p)) + rng.normal(size=(n, p)) + 5.0
    y = shared @ rng.normal(size=(2, q)) + rng.normal(size=(n, q)) * 100.0
    truth = exact_cca(x, y)

    found = solve(x, y)

    assert (found.x_rank, found.y_rank, found.n_samples) == (p, q, n)
    np.testing.assert_allclose(found.correlations, truth.correlations, rtol=0, atol=1e-13)
    np.testing.assert_allclose(found.x_mean, truth.x_mean, rtol=1e-14, atol=1e-14)
    np.testing.assert_allclose(found.y_mean, truth.y_mean, rtol=1e-14, atol=1e-13)
    assert found.x_condition == pytest.approx(truth.x_condition, rel=1e-12)
    assert found.y_condition == pytest.approx(truth.y_condition, rel=1e-12)
    a, b = aligned(found.x_weights, found.y_weights, truth.x_weights)
    np.testing.assert_allclose(a, truth.x_weights, rtol=1e-9, atol=1e-11)
    np.testing.assert_allclose(b, truth.y_weights, rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize("kappa", [1e2, 1e4, 1e6, 1e8, 1e11])
@pytest.mark.parametrize(("p", "q"), [(4, 3), (3, 5)])
def test_error_grows_as_the_condition_on_the_data_route(kappa, p, q):
    x, y = known_correlations([0.95, 0.5, 0.1], n=40, p=p, q=q, kappa=kappa, seed=int(kappa) + p)
    truth = exact_cca(x, y)

    found = reference.cca(x, y)

    assert (found.x_rank, found.y_rank) == (p, q)
    assert np.abs(found.correlations - truth.correlations).max() <= 10 * kappa * EPS
    assert found.x_condition == pytest.approx(truth.x_condition, rel=kappa * 100 * EPS)
    assert found.y_condition == pytest.approx(truth.y_condition, rel=kappa * 100 * EPS)


@pytest.mark.parametrize("kappa", [1e1, 1e2, 1e4, 1e6])
def test_error_grows_as_the_squared_condition_on_the_moments_route(kappa):
    x, y = known_correlations([0.95, 0.5, 0.1], n=40, p=4, q=3, kappa=kappa, seed=int(kappa))
    truth = exact_cca(x, y)

    found = by_moments(x, y)

    assert np.abs(found.correlations - truth.correlations).max() <= 10 * kappa**2 * EPS


def test_moments_lose_directions_that_the_data_still_hold():
    x, y = known_correlations([0.9], n=40, p=4, q=3, kappa=1e8)

    assert reference.cca(x, y).x_rank == 4
    assert by_moments(x, y).x_rank < 4


@pytest.mark.parametrize("ridge", [1e-6, 0.1, 10.0])
@both_routes
def test_ridge_agrees_with_sixty_digits(solve, ridge):
    rng = np.random.default_rng(5)
    x = rng.normal(size=(25, 3)) @ rng.normal(size=(3, 3))
    y = x[:, :2] @ rng.normal(size=(2, 4)) * 1e3 + rng.normal(size=(25, 4)) * 1e3
    truth = exact_cca(x, y, ridge=ridge)

    found = solve(x, y, ridge=ridge)

    np.testing.assert_allclose(found.correlations, truth.correlations, rtol=0, atol=1e-12)
    assert found.x_condition == pytest.approx(truth.x_condition, rel=1e-11)
    a, b = aligned(found.x_weights, found.y_weights, truth.x_weights)
    np.testing.assert_allclose(a, truth.x_weights, rtol=1e-8, atol=1e-10)
    np.testing.assert_allclose(b, truth.y_weights, rtol=1e-8, atol=1e-10)


def test_large_means_cost_no_more_than_their_rounding():
    x, y = known_correlations([0.9, 0.3], n=30, p=3, q=2, offset=1e7, seed=3)
    truth = exact_cca(x, y)  # of the stored values

    found = reference.cca(x, y)

    assert np.abs(found.correlations - truth.correlations).max() < 1e-13
    np.testing.assert_allclose(found.x_mean, truth.x_mean, rtol=1e-15)


# --- closed forms and invariances -------------------------------------------------------------


@both_routes
def test_one_unit_each_is_the_absolute_pearson_correlation(solve):
    rng = np.random.default_rng(1)
    x = rng.normal(size=50)
    y = -0.7 * x + rng.normal(size=50)
    dx = [v - math.fsum(x) / 50 for v in x]
    dy = [v - math.fsum(y) / 50 for v in y]
    xx, yy = math.fsum(a * a for a in dx), math.fsum(b * b for b in dy)
    pearson = math.fsum(a * b for a, b in zip(dx, dy, strict=True)) / math.sqrt(xx * yy)

    found = solve(x[:, np.newaxis], y[:, np.newaxis])

    assert pearson < -0.4
    np.testing.assert_allclose(found.correlations, [-pearson], rtol=1e-14)


@both_routes
def test_one_unit_against_many_is_the_multiple_correlation(solve):
    rng = np.random.default_rng(2)
    x = rng.normal(size=(60, 4))
    y = x @ [1.0, -2.0, 0.5, 0.0] + rng.normal(size=60) * 3.0
    design = np.column_stack([np.ones(60), x])
    residual = y - design @ np.linalg.lstsq(design, y)[0]
    r_squared = 1.0 - residual @ residual / np.sum((y - y.mean()) ** 2)

    found = solve(x, y[:, np.newaxis])

    np.testing.assert_allclose(found.correlations**2, [r_squared], rtol=1e-12)


@both_routes
def test_prescribed_correlations_come_back(solve):
    rho = [1.0, 0.99, 0.5, 0.5, 1e-3]
    x, y = known_correlations(rho, n=200, p=8, q=6, kappa=20.0)

    found = solve(x, y)

    np.testing.assert_allclose(found.correlations, [*rho, 0.0], rtol=0, atol=1e-12)


@both_routes
def test_a_block_against_an_affine_image_of_itself_correlates_fully(solve):
    rng = np.random.default_rng(4)
    x = rng.normal(size=(50, 4))
    y = x @ rng.normal(size=(4, 6)) - 3.0  # six units, rank four

    found = solve(x, y)

    assert (found.x_rank, found.y_rank) == (4, 4)
    np.testing.assert_allclose(found.correlations, np.ones(4), rtol=0, atol=1e-13)
    assert found.correlations.max() <= 1.0


@both_routes
def test_invariant_to_affine_maps_of_either_side(solve):
    rng = np.random.default_rng(6)
    x, y = known_correlations([0.8, 0.4, 0.2], n=80, p=3, q=5, seed=6)
    expected = [0.8, 0.4, 0.2]
    map_x = np.linalg.qr(rng.normal(size=(3, 3)))[0] * [1e-5, 1.0, 1e4]

    found = solve(x @ map_x + 0.001, (y @ rng.normal(size=(5, 5)) - 7.0)[:, ::-1])

    np.testing.assert_allclose(found.correlations, expected, rtol=0, atol=1e-10)


@both_routes
def test_swapping_the_sides_swaps_the_results(solve):
    x, y = known_correlations([0.8, 0.4, 0.2], n=60, p=3, q=5, offset=2.0, seed=8)

    forth, back = solve(x, y), solve(y, x)

    np.testing.assert_allclose(forth.correlations, back.correlations, rtol=0, atol=1e-14)
    a, b = aligned(back.y_weights, back.x_weights, forth.x_weights)
    np.testing.assert_allclose(a, forth.x_weights, rtol=0, atol=1e-12)
    np.testing.assert_allclose(b, forth.y_weights, rtol=0, atol=1e-12)
    assert (forth.x_rank, forth.y_rank) == (back.y_rank, back.x_rank)
    np.testing.assert_array_equal(forth.x_mean, back.y_mean)


@pytest.mark.parametrize("scale", [1e-200, 1e-30, 1e30, 1e200])
def test_the_unit_of_measurement_does_not_matter(scale):
    x, y = known_correlations([0.8, 0.4], n=60, p=3, q=2, offset=1.0, seed=9)

    found = reference.cca(x * scale, y)

    np.testing.assert_allclose(found.correlations, [0.8, 0.4], rtol=0, atol=1e-13)
    assert found.x_rank == 3


def test_independent_data_have_the_expected_mean_square():
    # E[mean rho^2] = max(p, q) / (n - 1) for independent Gaussian blocks; each mean has a
    # standard deviation near 0.02 here, so that of the average over 200 is about 0.0015.
    n, p, q = 60, 4, 7
    rng = np.random.default_rng(10)
    squares = [
        np.mean(reference.cca(rng.normal(size=(n, p)), rng.normal(size=(n, q))).correlations ** 2)
        for _ in range(200)
    ]

    assert np.mean(squares) == pytest.approx(q / (n - 1), abs=5 * np.std(squares) / math.sqrt(200))
    assert np.std(squares) < 0.05


@given(
    data=hnp.arrays(
        np.int64, st.tuples(st.integers(3, 12), st.integers(2, 7)), elements=st.integers(-4, 4)
    ),
    split=st.integers(1, 6),
)
def test_definition_holds_for_any_small_integers(data, split):
    """Variates are uncorrelated with unit variance, and pairwise correlated by rho."""
    assume(split < data.shape[1])
    x, y = data[:, :split], data[:, split:]
    n = data.shape[0]

    found = reference.cca(x, y)

    assert found.x_rank == exact_rank(x)
    assert found.y_rank == exact_rank(y)
    k = min(found.x_rank, found.y_rank)
    assert found.correlations.shape == (k,)
    assert np.all(np.diff(found.correlations) <= 0.0)
    assert np.all((found.correlations >= 0.0) & (found.correlations <= 1.0))
    u = (x - found.x_mean) @ found.x_weights
    v = (y - found.y_mean) @ found.y_weights
    np.testing.assert_allclose(u.T @ u / (n - 1), np.eye(k), atol=1e-10)
    np.testing.assert_allclose(v.T @ v / (n - 1), np.eye(k), atol=1e-10)
    np.testing.assert_allclose(u.T @ v / (n - 1), np.diag(found.correlations), atol=1e-10)
    if k:  # the best pair: what is left of x and y is not correlated with it
        np.testing.assert_allclose(
            (x - found.x_mean).T @ v / (n - 1),
            (x - found.x_mean).T @ u / (n - 1) * found.correlations,
            atol=1e-9,
        )


# --- rank rule --------------------------------------------------------------------------------


@both_routes
@pytest.mark.parametrize("offset", [0.0, 1.0, 100.0, 1e4])
@pytest.mark.parametrize(("p", "rank"), [(32, 8), (48, 32)])
def test_float32_layers_keep_their_rank_at_any_offset(solve, offset, p, rank):
    x, latent = rank_deficient(500, p, rank, offset=offset, seed=rank)
    y, _ = rank_deficient(500, p + 8, rank, offset=offset, seed=rank)  # the same latent
    assert np.linalg.matrix_rank(x.astype(np.float64) - x.mean(axis=0)) > rank

    found = solve(x, y)

    assert (found.x_rank, found.y_rank) == (rank, rank)
    # the rounding is independent of the latent and takes its share from every correlation
    noise = 2.0**-24 * max(found.x_condition, found.y_condition) * (1.0 + offset)
    assert found.correlations.min() >= 1.0 - 4.0 * noise**2 - 1e-8
    with_latent = solve(x, latent)
    assert (with_latent.x_rank, with_latent.y_rank) == (rank, rank)


def test_the_stored_precision_decides_not_the_computed_one():
    x, latent = rank_deficient(500, 16, 4)

    assert reference.cca(x, latent).x_rank == 4
    assert reference.cca(x.astype(np.float64), latent).x_rank == 16  # as if all digits were data


def moments_with(x_cov: np.ndarray, x_mean: np.ndarray, x_epsilon: float) -> dict[str, Any]:
    """Arguments of cca_from_moments for a given x block, and one uncorrelated unit as y."""
    p = x_mean.size
    return {
        "n_samples": 101,
        "x_mean": x_mean,
        "x_scatter": 100.0 * x_cov,
        "x_epsilon": x_epsilon,
        "y_mean": np.zeros(1),
        "y_scatter": np.array([[100.0]]),
        "y_epsilon": 2.0**-52,
        "cross_scatter": np.zeros((p, 1)),
    }


@pytest.mark.parametrize(("share", "rank"), [(0.95, 1), (1.05, 2)])
def test_a_direction_is_kept_from_three_roundings_on(share, rank):
    epsilon, mean = 2.0**-10, np.array([50.0, -50.0])  # deviations are one
    noise = (3.0 * epsilon) ** 2 * (1.0 + 50.0**2)  # of every direction: the means are alike
    smallest = share * noise
    correlation = np.array([[1.0, 1.0 - smallest], [1.0 - smallest, 1.0]])
    deviation = np.array([3.0, 0.01])  # the unit of measurement must not matter

    found = reference.cca_from_moments(
        **moments_with(correlation * np.outer(deviation, deviation), mean * deviation, epsilon)
    )

    assert found.x_rank == rank


def test_only_units_that_take_part_lend_a_direction_their_noise():
    # The narrow direction lies between units 0 and 1, whose means are zero; unit 2 is all mean.
    correlation = np.array([[1.0, 0.999, 0.0], [0.999, 1.0, 0.0], [0.0, 0.0, 1.0]])
    first_two, last = np.array([0.0, 0.0, 200.0]), np.array([200.0, 200.0, 0.0])

    kept = reference.cca_from_moments(**moments_with(correlation, first_two, 2.0**-10))
    dropped = reference.cca_from_moments(**moments_with(correlation, last, 2.0**-10))

    assert (kept.x_rank, dropped.x_rank) == (3, 2)


@both_routes
def test_rounding_of_a_wide_float64_block_is_no_rank(solve):
    # Here it is the decomposition's own error, relative to the largest direction, that decides.
    x, latent = rank_deficient(300, 200, 2, dtype=np.float64)

    assert solve(x, latent).x_rank == 2


@pytest.mark.parametrize("offset", [0.0, 3.0])
@pytest.mark.parametrize(("dtype", "rank"), [(np.float16, 3), (np.float32, 3), (np.float64, 3)])
@both_routes
def test_rank_in_every_float_precision(solve, dtype, rank, offset):
    x, latent = rank_deficient(2000, 7, rank, offset=offset, dtype=dtype, seed=1)

    found = solve(x, latent)

    assert found.x_rank == rank
    assert found.correlations.min() > 0.999


@both_routes
def test_small_real_directions_of_float32_are_kept(solve):
    # the smallest direction has 1e-4 of the largest one's deviation: float32 rounds at 6e-8
    x, y = known_correlations([0.9, 0.5], n=300, p=5, q=4, kappa=1e4, dtype=np.float32)

    found = solve(x, y)

    assert (found.x_rank, found.y_rank) == (5, 4)
    np.testing.assert_allclose(found.correlations[:2], [0.9, 0.5], atol=0.01)


@both_routes
def test_duplicated_and_dependent_units_change_nothing(solve):
    x = small_integers(40, 3, seed=1)
    y = small_integers(40, 4, seed=2) + x[:, :1]
    truth = exact_cca(x, y)
    redundant = np.column_stack([x, x[:, 0], x[:, 1] - 2 * x[:, 2], 3 * x[:, 2] + 7])

    found = solve(redundant, y)

    assert (found.x_rank, found.y_rank) == (3, 4)
    np.testing.assert_allclose(found.correlations, truth.correlations, rtol=0, atol=1e-13)
    u = (redundant - found.x_mean) @ found.x_weights
    u_truth = (x - truth.x_mean) @ truth.x_weights
    np.testing.assert_allclose(np.abs(np.sum(u * u_truth, axis=0)) / 39, np.ones(3), rtol=1e-12)


@both_routes
def test_units_that_sum_to_a_constant_lose_one_dimension(solve):
    rng = np.random.default_rng(3)
    x = rng.normal(size=(200, 6))
    normalised = ((x - x.mean(axis=1, keepdims=True)) / x.std(axis=1, keepdims=True)).astype(
        np.float32
    )

    found = solve(normalised, x)

    assert (found.x_rank, found.y_rank) == (5, 6)


@pytest.mark.parametrize(("n", "p", "q"), [(5, 10, 3), (6, 3, 20), (4, 9, 9), (2, 3, 3), (2, 1, 1)])
@both_routes
def test_fewer_samples_than_units(solve, n, p, q):
    rng = np.random.default_rng(n)
    x, y = rng.normal(size=(n, p)), rng.normal(size=(n, q)) + 10.0

    found = solve(x, y)

    assert (found.x_rank, found.y_rank) == (min(n - 1, p), min(n - 1, q))
    by_construction = found.x_rank + found.y_rank - (n - 1)
    np.testing.assert_allclose(found.correlations[:by_construction], 1.0, rtol=0, atol=1e-12)


@pytest.mark.parametrize(
    ("dtype", "epsilon"),
    [
        (np.float16, 2.0**-10),
        (np.float32, 2.0**-23),
        (np.float64, 2.0**-52),
        (">f4", 2.0**-23),
        (np.int8, 2.0**-52),
        (np.uint64, 2.0**-52),
        (np.bool_, 2.0**-52),
    ],
)
def test_input_epsilon(dtype, epsilon):
    assert reference.input_epsilon(dtype) == epsilon


# --- dead units -------------------------------------------------------------------------------


@both_routes
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("constant", [0.0, 0.1, -1.0 / 3.0, 1e8, 1e-30])
def test_constant_units_are_dead(solve, dtype, constant):
    x, y = known_correlations([0.7, 0.2], n=53, p=2, q=3, dtype=dtype, seed=1)
    column = np.full((53, 1), constant, dtype=dtype)
    with_dead = np.column_stack([column, x[:, :1], column, x[:, 1:]])

    found = solve(with_dead, y)

    np.testing.assert_array_equal(found.x_dead, [0, 2])
    assert np.issubdtype(found.x_dead.dtype, np.integer)
    assert found.y_dead.size == 0
    assert (found.x_rank, found.y_rank) == (2, 3)
    np.testing.assert_allclose(found.correlations, [0.7, 0.2], atol=1e-5)
    assert found.x_weights.shape == (4, 2)
    np.testing.assert_array_equal(found.x_weights[[0, 2]], 0.0)
    assert np.abs(found.x_weights[[1, 3]]).max() > 0.1
    np.testing.assert_allclose(found.x_mean[[0, 2]], column[0].astype(np.float64)[0], rtol=1e-15)


def test_the_mean_of_many_equal_values_leaves_no_deviation():
    x = np.full((100_003, 2), 0.1)  # a running sum of these is off by many roundings
    y = np.arange(100_003.0)[:, np.newaxis]

    found = reference.cca(x, y)

    np.testing.assert_array_equal(found.x_dead, [0, 1])


@pytest.mark.parametrize(("share", "dead"), [(0.95, [0]), (1.05, [])])
def test_a_unit_is_alive_from_three_roundings_on(share, dead):
    epsilon = 2.0**-23
    deviation = share * 3.0 * epsilon * 1e6

    found = reference.cca_from_moments(
        **moments_with(np.diag([deviation**2, 1.0]), np.array([-1e6, 0.0]), epsilon)
    )

    np.testing.assert_array_equal(found.x_dead, dead)


@both_routes
def test_a_unit_that_wobbles_by_its_rounding_is_dead(solve):
    x, y = known_correlations([0.7], n=50, p=2, q=2, dtype=np.float32)
    wobble = np.float32(1e4) + np.float32(2.0**-10) * (np.arange(50) % 2)  # one spacing at 1e4
    wave = np.float32(1e4) + np.float32(2.0**-7) * (np.arange(50) % 2)  # eight
    assert len(set(wobble.astype(np.float32))) == 2

    found = solve(np.column_stack([x, wobble, wave]).astype(np.float32), y)

    np.testing.assert_array_equal(found.x_dead, [2])


@both_routes
@pytest.mark.parametrize("dead_side", ["x", "y", "both"])
def test_a_block_without_a_live_unit(solve, dead_side):
    live = np.random.default_rng(0).normal(size=(20, 3))
    dead = np.full((20, 2), 0.3)
    x = live if dead_side == "y" else dead
    y = live if dead_side == "x" else dead

    found = solve(x, y)

    assert found.correlations.shape == (0,)
    assert found.x_weights.shape == (x.shape[1], 0)
    assert found.y_weights.shape == (y.shape[1], 0)
    for block, rank, condition, gone in (
        (x, found.x_rank, found.x_condition, found.x_dead),
        (y, found.y_rank, found.y_condition, found.y_dead),
    ):
        if block is dead:
            assert (rank, condition) == (0, 1.0)
            np.testing.assert_array_equal(gone, [0, 1])
        else:
            assert rank == 3
            assert condition >= 1.0
            assert gone.size == 0


# --- ridge ------------------------------------------------------------------------------------


@both_routes
@pytest.mark.parametrize("ridge", [0.0, 0.01, 1.0, 100.0])
def test_ridge_on_one_unit_each_has_a_closed_form(solve, ridge):
    x, y = known_correlations([0.8], n=30, p=1, q=1, offset=3.0, seed=2)

    found = solve(x * 7.0, y, ridge=ridge)

    np.testing.assert_allclose(found.correlations, [0.8 / (1.0 + ridge)], rtol=1e-13)
    u = (x * 7.0 - found.x_mean) @ found.x_weights
    np.testing.assert_allclose(u.var(axis=0, ddof=1), [1.0 / (1.0 + ridge)], rtol=1e-12)


@both_routes
@pytest.mark.parametrize("rank", [3, 6])
def test_ridge_weights_are_orthonormal_in_the_regularised_covariance(solve, rank):
    """a' (R + ridge I) a = 1 with R the correlations: the variance itself is below one."""
    ridge = 0.3
    x, latent = rank_deficient(200, 6, rank, dtype=np.float64, seed=4)
    y = latent[:, :3] + np.random.default_rng(5).normal(size=(200, 3))

    found = solve(x, y, ridge=ridge)

    assert found.x_rank == rank
    deviation = x.std(axis=0, ddof=1)
    a = found.x_weights * deviation[:, np.newaxis]
    correlation = np.corrcoef(x, rowvar=False)
    np.testing.assert_allclose(
        a.T @ (correlation + ridge * np.eye(6)) @ a, np.eye(3), rtol=0, atol=1e-12
    )
    variance = ((x - found.x_mean) @ found.x_weights).var(axis=0, ddof=1)
    assert np.all((variance > 0.1) & (variance < 1.0))
    v = (y - found.y_mean) @ found.y_weights
    u = (x - found.x_mean) @ found.x_weights
    np.testing.assert_allclose(u.T @ v / 199, np.diag(found.correlations), atol=1e-12)


@both_routes
def test_ridge_is_added_after_the_rank_decision(solve):
    x, _ = rank_deficient(300, 12, 4, seed=6)
    y, _ = rank_deficient(300, 9, 4, seed=6)

    plain, ridged = solve(x, y), solve(x, y, ridge=0.5)

    assert (ridged.x_rank, ridged.y_rank) == (plain.x_rank, plain.y_rank) == (4, 4)
    assert ridged.x_condition == plain.x_condition
    assert np.all(ridged.correlations < plain.correlations)


# --- the two routes, and what else a solution promises ----------------------------------------


def test_both_routes_and_the_truth_on_google_activations():
    stored = google_logits()
    x, y = stored["x"].T, stored["y"].T

    data, moments = reference.cca(x, y), by_moments(x, y)

    truth = stored["truth_longdouble_cca"]
    np.testing.assert_allclose(data.correlations, truth, rtol=0, atol=1e-13)
    np.testing.assert_allclose(moments.correlations, truth, rtol=0, atol=1e-12)
    assert (data.x_rank, data.y_rank) == (moments.x_rank, moments.y_rank) == (10, 10)
    assert data.x_condition == pytest.approx(moments.x_condition, rel=1e-10)
    a, b = aligned(moments.x_weights, moments.y_weights, data.x_weights)
    np.testing.assert_allclose(a, data.x_weights, rtol=0, atol=1e-10)
    np.testing.assert_allclose(b, data.y_weights, rtol=0, atol=1e-10)


@both_routes
def test_weights_can_be_left_out(solve):
    x, y = known_correlations([0.8, 0.3], n=50, p=3, q=2)

    found = solve(x, y, weights=False)

    assert found.x_weights is None
    assert found.y_weights is None
    np.testing.assert_allclose(found.correlations, [0.8, 0.3], atol=1e-14)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("dtype", DTYPES)
def test_every_layout_and_dtype_gives_the_same_answer(layout, dtype, tmp_path):
    x = small_integers(30, 3, seed=1)
    y = small_integers(30, 2, seed=2) + np.sign(x[:, :2])
    truth = exact_cca(x, y)
    stored = in_layout(x.astype(dtype), layout, tmp_path)
    before = np.array(stored)

    found = reference.cca(stored, y)

    np.testing.assert_allclose(found.correlations, truth.correlations, rtol=0, atol=1e-14)
    np.testing.assert_array_equal(stored, before)


def test_arguments_are_not_written_to():
    x, y = known_correlations([0.8, 0.3], n=50, p=3, q=2, offset=2.0)
    arguments = moments_of(x, y)
    covariances = covariances_of(x, y)
    for array in (x, y, *arguments.values(), *covariances.values()):
        if isinstance(array, np.ndarray):
            array.flags.writeable = False  # any write raises

    reference.cca(x, y)
    reference.cca_from_moments(**arguments)
    reference.symmetric_cca(**covariances, epsilon=0.0)
    reference.symmetric_cca(**covariances, epsilon=0.1)


def test_results_do_not_alias_the_arguments():
    x, y = known_correlations([0.8, 0.3], n=50, p=3, q=2, offset=2.0)
    arguments = moments_of(x, y)

    found = reference.cca_from_moments(**arguments)

    assert not np.shares_memory(found.x_mean, arguments["x_mean"])
    assert not np.shares_memory(found.y_mean, arguments["y_mean"])


@both_routes
def test_solution_is_frozen(solve):
    x, y = known_correlations([0.8], n=20, p=1, q=1)
    found = solve(x, y)

    with pytest.raises(AttributeError):
        found.x_rank = 3


def test_overflow_is_an_error_with_the_unit_and_the_remedy():
    x, y = known_correlations([0.8], n=20, p=2, q=2)
    arguments = moments_of(x, y)
    arguments["x_scatter"][1, 1] = np.inf

    with pytest.raises(ValueError, match=r"feature 1 overflows float64; divide"):
        reference.cca_from_moments(**arguments)
    with pytest.raises(ValueError, match=r"feature 1 overflows float64; divide"):
        reference.cca(x * [1.0, 1.7e308 / np.abs(x).max()], y)


# --- symmetric form ---------------------------------------------------------------------------


@pytest.mark.parametrize("epsilon", [0.0, 1e-10, 0.5])
@pytest.mark.parametrize(("p", "q"), [(3, 5), (5, 3), (4, 4), (1, 3)])
def test_symmetric_roots_whiten(p, q, epsilon):
    x, y = known_correlations([0.7], n=60, p=p, q=q, kappa=10.0, offset=1.0, seed=p)
    cov = covariances_of(x, y)

    found = reference.symmetric_cca(**cov, epsilon=epsilon)

    for root, own, size in (
        (found.x_inverse_sqrt, cov["x_cov"], p),
        (found.y_inverse_sqrt, cov["y_cov"], q),
    ):
        np.testing.assert_allclose(root, root.T, rtol=0, atol=1e-12)
        assert np.linalg.eigvalsh(root).min() > 0.0
        whitened = root @ (own + epsilon * np.eye(size)) @ root
        np.testing.assert_allclose(whitened, np.eye(size), rtol=0, atol=1e-11)
    k = min(p, q)
    assert found.u.shape == (p, p)
    assert found.correlations.shape == (k,)
    assert found.vt.shape == (q, q)
    assert (found.x_rank, found.y_rank) == (p, q)
    np.testing.assert_allclose(found.u.T @ found.u, np.eye(p), atol=1e-13)
    np.testing.assert_allclose(found.vt @ found.vt.T, np.eye(q), atol=1e-13)
    np.testing.assert_allclose(
        (found.u[:, :k] * found.correlations) @ found.vt[:k],
        found.x_inverse_sqrt @ cov["cross_cov"] @ found.y_inverse_sqrt,
        atol=1e-12,
    )
    assert np.all(np.diff(found.correlations) <= 0.0)


def test_symmetric_form_without_epsilon_has_the_canonical_correlations():
    x, y = known_correlations([0.9, 0.6, 0.05], n=100, p=4, q=3, kappa=50.0, offset=5.0)

    found = reference.symmetric_cca(**covariances_of(x, y), epsilon=0.0)

    np.testing.assert_allclose(found.correlations, exact_cca(x, y).correlations, rtol=0, atol=1e-11)


def test_symmetric_form_with_epsilon_shrinks_by_the_closed_form():
    x, y = known_correlations([0.8], n=40, p=1, q=1)
    cov = covariances_of(2.0 * x, y)  # variances 4 and 1, covariance 2 * 0.8

    found = reference.symmetric_cca(**cov, epsilon=0.5)

    assert found.correlations[0] == pytest.approx(1.6 / math.sqrt(4.5 * 1.5), rel=1e-13)
    assert found.x_inverse_sqrt[0, 0] == pytest.approx(4.5**-0.5, rel=1e-14)


def test_symmetric_form_of_a_deficient_layer_projects_on_what_is_kept():
    x, _ = rank_deficient(500, 9, 4, offset=10.0, seed=2)
    x[:, 5] = 3.0
    y, _ = rank_deficient(500, 6, 4, seed=2)
    cov = covariances_of(x, y)

    found = reference.symmetric_cca(**cov, epsilon=0.0)

    assert (found.x_rank, found.y_rank) == (4, 4)
    projector = found.x_inverse_sqrt @ cov["x_cov"] @ found.x_inverse_sqrt
    np.testing.assert_allclose(projector, projector @ projector, atol=1e-6)
    assert np.trace(projector) == pytest.approx(4.0, abs=1e-6)
    np.testing.assert_array_equal(found.x_inverse_sqrt[5], 0.0)
    np.testing.assert_array_equal(found.x_inverse_sqrt[:, 5], 0.0)
    np.testing.assert_allclose(found.correlations, [1, 1, 1, 1, 0, 0], atol=1e-5)


def test_symmetric_form_keeps_the_digits_of_badly_scaled_units():
    x, y = known_correlations([0.9, 0.6], n=60, p=4, q=2, kappa=3.0)
    scale = np.array([1e-3, 1.0, 1e3, 1e6])  # eigenvalues from 1e-6 to 1e12
    cov = covariances_of(x * scale, y)

    found = reference.symmetric_cca(**cov, epsilon=0.0)

    assert found.x_rank == 4
    np.testing.assert_allclose(found.correlations, [0.9, 0.6], rtol=0, atol=1e9 * EPS)
    whitened = found.x_inverse_sqrt @ cov["x_cov"] @ found.x_inverse_sqrt
    np.testing.assert_allclose(whitened, np.eye(4), rtol=0, atol=1e-6)


def test_symmetric_form_of_a_dead_block_is_zero():
    x, y = known_correlations([0.9], n=60, p=3, q=2)

    found = reference.symmetric_cca(**covariances_of(np.zeros_like(x), y), epsilon=0.0)

    assert found.x_rank == 0
    np.testing.assert_array_equal(found.x_inverse_sqrt, np.zeros((3, 3)))
    np.testing.assert_array_equal(found.correlations, [0.0, 0.0])
    np.testing.assert_allclose(found.u.T @ found.u, np.eye(3), atol=1e-14)


def test_symmetric_form_clips_eigenvalues_that_rounding_made_negative():
    x, y = known_correlations([0.9], n=60, p=2, q=2)
    cov = covariances_of(x, y)
    cov["x_cov"] = np.array([[1.0, 1.0 + 1e-9], [1.0 + 1e-9, 1.0]])  # smallest: -1e-9

    found = reference.symmetric_cca(**cov, epsilon=1e-10)

    assert np.linalg.eigvalsh(found.x_inverse_sqrt).max() == pytest.approx(1e5, rel=1e-9)
    assert np.all(found.correlations <= 1.0)
