"""Bootstrap: each resample against the measure itself, known standard errors, and coverage."""

import numpy as np
import pytest
from scipy import stats

import fastcca
from cases import BACKENDS
from test_permutation import OF_ARRAYS, related, smooth_maps


def draws(seed: int, count: int, n: int) -> list[np.ndarray]:
    """The resamples that a seed stands for."""
    children = np.random.SeedSequence(seed).spawn(count)
    return [np.random.default_rng(child).integers(n, size=n) for child in children]


# --- against the measure of resamples ---------------------------------------------------------


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize(
    ("measure", "options"), [*((m, {}) for m in OF_ARRAYS), ("svcca", {"keep": (2, 1)})]
)
def test_every_resample_is_the_measure_of_it(measure, options, backend):
    x, y = related(60, 4, 3)
    of = OF_ARRAYS[measure]

    found = fastcca.bootstrap(
        x, y, measure=measure, n_resamples=3, seed=7, backend=backend, **options
    )

    expected = [of(x[i], y[i], backend=backend, **options) for i in draws(7, 3, 60)]
    assert found.value == pytest.approx(of(x, y, backend=backend, **options), abs=1e-14)
    np.testing.assert_allclose(found.bootstrap_distribution, expected, rtol=1e-12)
    assert found.standard_error == pytest.approx(np.std(expected, ddof=1))
    assert found.bias == pytest.approx(np.mean(expected) - found.value)


@pytest.mark.parametrize("spatial", ["fold", "resize", "pool", "flatten"])
def test_maps_are_drawn_whole(spatial):
    x, y = smooth_maps(120, 2, 0), smooth_maps(120, 3, 1)
    x += y[..., :2]
    how = {"layout": "NHWC", "spatial": spatial}

    found = fastcca.bootstrap(x, y, measure="cka", n_resamples=3, seed=5, **how)

    expected = [fastcca.cka(x[i], y[i], **how) for i in draws(5, 3, 120)]
    np.testing.assert_allclose(found.bootstrap_distribution, expected, rtol=1e-12)
    assert found.n_units == 120


def test_drawing_positions_would_make_errors_too_small():
    x, y = smooth_maps(100, 2, 0), smooth_maps(100, 2, 1)
    x += y
    flat = [maps.reshape(-1, 2) for maps in (x, y)]

    whole = fastcca.bootstrap(x, y, layout="NHWC", n_resamples=100, seed=0)
    positions = fastcca.bootstrap(*flat, n_resamples=100, seed=0)

    # 12 positions that say the same thing
    assert whole.standard_error / positions.standard_error == pytest.approx(np.sqrt(12), rel=0.3)


def test_groups_of_any_size_are_drawn_whole():
    x, y = related(50, 3, 3)
    labels = np.array(["a", "b", "c", "d", "e"])[np.random.default_rng(0).integers(5, size=50)]

    found = fastcca.bootstrap(x, y, groups=labels, n_resamples=3, seed=1)

    expected = []
    for drawn in draws(1, 3, 5):
        rows = np.concatenate([np.flatnonzero(labels == "abcde"[i]) for i in drawn])
        expected.append(fastcca.cca(x[rows], y[rows]).mean)
    np.testing.assert_allclose(found.bootstrap_distribution, expected, rtol=1e-12)


# --- statistics -------------------------------------------------------------------------------


def test_standard_error_is_that_of_scipy():
    x, y = related(80, 1, 1)

    found = fastcca.bootstrap(x, y, n_resamples=1000, seed=0)
    other = stats.bootstrap(
        (x[:, 0], y[:, 0]),
        lambda a, b: abs(np.corrcoef(a, b)[0, 1]),
        paired=True,
        vectorized=False,
        n_resamples=1000,
        rng=np.random.default_rng(0),
        method="percentile",
    )

    assert found.standard_error == pytest.approx(other.standard_error, rel=0.1)
    mine = fastcca.bootstrap(x, y, n_resamples=1000, seed=0, method="percentile")
    np.testing.assert_allclose(
        mine.confidence_interval, other.confidence_interval, rtol=0, atol=other.standard_error / 3
    )


def test_intervals():
    x, y = related(100, 3, 3)
    options = {"n_resamples": 200, "seed": 0, "confidence_level": 0.9}

    percentile = fastcca.bootstrap(x, y, method="percentile", **options)
    basic = fastcca.bootstrap(x, y, method="basic", **options)

    low, high = np.quantile(percentile.bootstrap_distribution, [0.05, 0.95])
    assert percentile.confidence_interval == pytest.approx((low, high))
    assert basic.confidence_interval.low == pytest.approx(2 * basic.value - high)
    assert basic.confidence_interval.high == pytest.approx(2 * basic.value - low)
    same = fastcca.bootstrap(x, x, method="basic", **options).confidence_interval
    assert same == pytest.approx((1.0, 1.0))
    assert same.high <= 1.0


def test_percentiles_of_cca_miss_where_samples_are_few():
    n, p, rho, runs = 100, 10, 0.5, 40  # a row of the table in docs/significance.md
    covered = {"percentile": 0, "basic": 0}
    for seed in range(runs):
        rng = np.random.default_rng(seed)
        x = rng.normal(size=(n, p))
        y = rho * x + np.sqrt(1 - rho**2) * rng.normal(size=(n, p))
        for method in covered:
            found = fastcca.bootstrap(x, y, n_resamples=60, seed=seed, method=method)
            assert found.bias > 0.0
            low, high = found.confidence_interval
            covered[method] += low <= rho <= high

    assert covered["percentile"] < 0.5 * runs
    assert covered["basic"] > 0.8 * runs


# --- seeds, threads, errors -------------------------------------------------------------------


def test_the_same_on_any_number_of_threads():
    x, y = related(2000, 20, 30)
    found = []
    try:
        for threads in (1, 2, 3):
            fastcca.set_num_threads(threads)
            found.append(fastcca.bootstrap(x, y, n_resamples=5, seed=1).bootstrap_distribution)
    finally:
        fastcca.set_num_threads(0)

    np.testing.assert_array_equal(found[0], found[1])
    np.testing.assert_array_equal(found[0], found[2])


def test_progress_may_end_it():
    x, y = related(40, 3, 3)

    def stop(done, total):
        if done == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fastcca.bootstrap(x, y, n_resamples=5000, progress=stop)


@pytest.mark.parametrize(
    ("arguments", "error", "says"),
    [
        ({"measure": "ccca"}, ValueError, "measure='ccca' is unknown"),
        ({"variant": "paper"}, TypeError, "'variant' is no option of measure='cca'"),
        ({"n_resamples": 1}, ValueError, "n_resamples=1"),
        ({"confidence_level": 95}, ValueError, "confidence_level=95"),
        ({"method": "BCa"}, ValueError, "method='BCa' is unknown"),
        ({"groups": [0] * 20}, ValueError, "1 group"),
        ({"seed": 1.5}, TypeError, r"seed=1\.5"),
    ],
)
def test_errors(arguments, error, says):
    x, y = related(20, 2, 2)

    with pytest.raises(error, match=says):
        fastcca.bootstrap(x, y, **arguments)


def test_moments_have_no_samples_to_draw():
    x, y = related(20, 2, 2)
    moments = fastcca.Moments()
    moments.update(x, y)

    with pytest.raises(ValueError, match="needs the samples themselves"):
        fastcca.bootstrap(moments, None)
    with pytest.raises(ValueError, match="x has 1 value that is not finite"):
        fastcca.bootstrap(np.where(x == x[3, 1], np.inf, x), y)


@pytest.mark.parametrize("measure", ["cca", "cka", "procrustes"])
def test_a_basic_interval_of_a_value_near_0_is_not_turned_around(measure):
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(20, 1)), rng.normal(size=(20, 1))
    found = fastcca.bootstrap(x, y, measure=measure, method="basic", n_resamples=200, seed=0)
    assert 0.0 <= found.confidence_interval.low <= found.confidence_interval.high <= 1.0
