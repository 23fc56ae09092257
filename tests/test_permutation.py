"""Permutation tests: each permutation against the measure itself, uniform p-values, and power."""

import itertools
import warnings

import numpy as np
import pytest
from scipy import stats

import fastcca
from cases import BACKENDS
from fastcca._runtime import memory as _memory

OF_ARRAYS = {
    "cca": lambda x, y, **o: fastcca.cca(x, y, **o).mean,
    "r2_cca": lambda x, y, **o: fastcca.cca(x, y, **o).mean_squared,
    "svcca": lambda x, y, **o: fastcca.svcca(x, y, **o).mean,
    "pwcca": lambda x, y, **o: fastcca.pwcca(x, y, **o).value,
    "pls": lambda x, y, **o: fastcca.pls(x, y, **o).singular_values.sum(),
    "cka": fastcca.cka,
    "procrustes": fastcca.procrustes,
    "linear_regression_r2": fastcca.linear_regression_r2,
}
WITH_OPTIONS = [
    *((measure, {}) for measure in OF_ARRAYS),
    ("cca", {"ridge": 0.3}),
    ("svcca", {"keep": 2}),
    ("svcca", {"keep": (3, 1)}),
    ("svcca", {"keep": 0.8, "criterion": "singular_values"}),
    ("pwcca", {"variant": "symmetric"}),
    ("linear_regression_r2", {"rank_tolerance": 0.3}),
]


def related(n: int, p: int, q: int, seed: int = 0, noise: float = 1.0):
    rng = np.random.default_rng(seed)
    shared = rng.normal(size=(n, 2))
    x = shared @ rng.normal(size=(2, p)) + noise * rng.normal(size=(n, p)) + 5.0
    y = shared @ rng.normal(size=(2, q)) + noise * rng.normal(size=(n, q)) - 3.0
    return x, y


def orders(seed: int, count: int, n: int) -> list[np.ndarray]:
    """The permutations that a seed stands for: a promise, so that results can be made again."""
    children = np.random.SeedSequence(seed).spawn(count)
    return [np.random.default_rng(child).permutation(n) for child in children]


# --- against the measure of rearranged samples ------------------------------------------------


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize(("p", "q"), [(6, 3), (3, 6), (4, 4)])
@pytest.mark.parametrize(("measure", "options"), WITH_OPTIONS)
def test_every_permutation_is_the_measure_of_it(measure, options, p, q, backend):
    x, y = related(60, p, q)
    of = OF_ARRAYS[measure]

    test = fastcca.permutation_test(
        x, y, measure=measure, n_permutations=3, seed=7, backend=backend, **options
    )

    expected = [of(x, y[order], backend=backend, **options) for order in orders(7, 3, 60)]
    assert test.value == pytest.approx(of(x, y, backend=backend, **options), abs=1e-14)
    np.testing.assert_allclose(test.null, expected, rtol=0, atol=1e-9)
    assert np.ptp(test.null) > 1e-3


def test_rank_deficient_dead_and_large_blocks():
    # so many samples that the product is summed over blocks; float32 with collinear features
    x, y = related(9000, 64, 40)
    x[:, 5] = x[:, 6] + x[:, 7]
    x[:, 9] = 2.0
    x = np.asfortranarray(x.astype(np.float32))

    test = fastcca.permutation_test(x, y, n_permutations=2, seed=3)

    expected = [fastcca.cca(x, y[order]).mean for order in orders(3, 2, 9000)]
    np.testing.assert_allclose(test.null, expected, rtol=0, atol=1e-8)


@pytest.mark.filterwarnings("ignore::fastcca.RankWarning")
@pytest.mark.parametrize("measure", ["pls", "cka", "procrustes", "svcca", "linear_regression_r2"])
@pytest.mark.parametrize(("p", "q"), [(50, 4), (4, 50), (50, 60)])
def test_more_features_than_samples(measure, p, q):
    x, y = related(30, p, q)
    options = {"keep": 3} if measure == "svcca" else {}

    test = fastcca.permutation_test(x, y, measure=measure, n_permutations=2, seed=1, **options)

    expected = [OF_ARRAYS[measure](x, y[order], **options) for order in orders(1, 2, 30)]
    np.testing.assert_allclose(test.null, expected, rtol=1e-7, atol=1e-9)


@pytest.mark.parametrize("spatial", ["fold", "flatten"])
def test_cka_of_more_features_than_positions(spatial):
    x, y = smooth_maps(6, 100, 0), smooth_maps(6, 90, 1)
    x[..., :90] += y
    order = np.array([0, 1, 2, 2, 1, 0])  # groups of two maps

    test = fastcca.permutation_test(
        x, y, measure="cka", layout="NHWC", spatial=spatial, groups=order, n_permutations=4, seed=3
    )

    first, second = [0, 1, 2], [5, 4, 3]
    expected = []
    for drawn in orders(3, 4, 3):
        rows = np.empty(6, dtype=int)
        rows[first], rows[second] = np.array(first)[drawn], np.array(second)[drawn]
        expected.append(fastcca.cka(x, y[rows], layout="NHWC", spatial=spatial))
    np.testing.assert_allclose(test.null, expected, rtol=1e-12)
    assert test.n_units == 3


@pytest.mark.filterwarnings("ignore::fastcca.RankWarning")
@pytest.mark.parametrize("measure", ["cca", "r2_cca", "pwcca"])
def test_where_all_is_one_nothing_is_found(measure):
    x, y = related(20, 30, 30)

    test = fastcca.permutation_test(x, y, measure=measure, n_permutations=19, seed=0)

    assert test.value == pytest.approx(1.0)
    assert test.p_value == 1.0
    assert test.calibrated == 0.0


@pytest.mark.filterwarnings("ignore::fastcca.RankWarning")
@pytest.mark.parametrize("measure", OF_ARRAYS)
def test_a_side_that_does_not_vary(measure):
    x, _ = related(20, 3, 3)

    test = fastcca.permutation_test(x, np.ones((20, 2)), measure=measure, n_permutations=3)

    assert test.value == 0.0
    assert test.p_value == 1.0
    assert test.calibrated == 0.0


# --- what is permuted -------------------------------------------------------------------------


def smooth_maps(n: int, channels: int, seed: int) -> np.ndarray:
    """Maps whose positions are copies of one another but for a little noise."""
    rng = np.random.default_rng(seed)
    noise = 0.1 * rng.normal(size=(n, 4, 3, channels))
    return rng.normal(size=(n, 1, 1, channels)) + noise


@pytest.mark.parametrize("spatial", ["fold", "resize", "pool", "flatten"])
def test_maps_change_places_whole(spatial):
    x, y = smooth_maps(120, 2, 0), smooth_maps(120, 3, 1)
    x += y[..., :2]
    how = {"layout": "NHWC", "spatial": spatial, "measure": "cka"}

    test = fastcca.permutation_test(x, y, n_permutations=3, seed=5, **how)

    del how["measure"]
    expected = [fastcca.cka(x, y[order], **how) for order in orders(5, 3, 120)]
    np.testing.assert_allclose(test.null, expected, rtol=0, atol=1e-12)
    assert test.n_units == 120


def test_channels_first_and_different_layouts():
    x, y = smooth_maps(80, 2, 0), smooth_maps(80, 3, 1)
    first = np.ascontiguousarray(x.transpose(0, 3, 1, 2))

    test = fastcca.permutation_test(first, y, layout=("NCHW", "NHWC"), n_permutations=3, seed=5)

    expected = [fastcca.cca(x, y[order], layout="NHWC").mean for order in orders(5, 3, 80)]
    np.testing.assert_allclose(test.null, expected, rtol=0, atol=1e-9)


def test_permuting_positions_would_find_relations_that_are_not_there():
    p_whole, p_positions = [], []
    for seed in range(40):
        x, y = smooth_maps(25, 2, 2 * seed), smooth_maps(25, 2, 2 * seed + 1)
        p_whole.append(
            fastcca.permutation_test(x, y, layout="NHWC", n_permutations=39, seed=seed).p_value
        )
        flat = [maps.reshape(-1, 2) for maps in (x, y)]
        p_positions.append(fastcca.permutation_test(*flat, n_permutations=39, seed=seed).p_value)

    assert np.mean(np.array(p_positions) <= 0.05) > 0.8
    assert np.mean(np.array(p_whole) <= 0.05) < 0.2
    assert stats.kstest(p_whole, "uniform").pvalue > 0.01


def test_groups_are_maps_folded_by_hand():
    x, y = smooth_maps(50, 2, 0), smooth_maps(50, 3, 1)
    x += y[..., :2]
    flat = [maps.reshape(-1, maps.shape[-1]) for maps in (x, y)]
    labels = np.repeat([f"image {i:03}" for i in range(50)], 12)
    shuffled = np.random.default_rng(0).permutation(600)
    # within a group the order stays: the position of a map
    shuffled = shuffled[np.argsort(shuffled % 12, kind="stable")]

    folded = fastcca.permutation_test(x, y, layout="NHWC", n_permutations=9, seed=2)
    grouped = fastcca.permutation_test(*flat, groups=labels, n_permutations=9, seed=2)
    scattered = fastcca.permutation_test(
        flat[0][shuffled], flat[1][shuffled], groups=labels[shuffled], n_permutations=9, seed=2
    )

    np.testing.assert_allclose(grouped.null, folded.null, rtol=0, atol=1e-12)
    np.testing.assert_allclose(scattered.null, folded.null, rtol=0, atol=1e-12)
    assert grouped.n_units == folded.n_units == 50


# --- statistics -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("measure", "options"),
    [("cca", {}), ("svcca", {"keep": 2}), ("pwcca", {}), ("pls", {}), ("cka", {})],
)
def test_p_values_of_unrelated_data_are_uniform(measure, options):
    permutations = 49
    p_values = []
    for seed in range(200):
        rng = np.random.default_rng(seed)
        x, y = np.exp(rng.normal(size=(30, 3))), rng.normal(size=(30, 2))  # not Gaussian
        test = fastcca.permutation_test(
            x, y, measure=measure, n_permutations=permutations, seed=seed, **options
        )
        p_values.append(test.p_value)

    # p-values lie on a lattice of 1/50: spread evenly over its cells they are continuous
    spread = np.array(p_values) - np.random.default_rng(0).uniform(size=200) / (permutations + 1)
    assert stats.kstest(spread, "uniform").pvalue > 0.01
    assert np.mean(np.array(p_values) <= 0.1) == pytest.approx(0.1, abs=0.07)


@pytest.mark.parametrize("measure", OF_ARRAYS)
def test_related_data_are_found(measure):
    x, y = related(80, 4, 5)

    test = fastcca.permutation_test(x, y, measure=measure, n_permutations=99, seed=0)

    assert test.p_value == 0.01
    assert 0.1 < test.calibrated < test.value / test.largest
    expected = (test.value - test.null.mean()) / (test.largest - test.null.mean())
    assert test.calibrated == pytest.approx(expected, abs=1e-14)


@pytest.mark.parametrize("measure", ["cca", "svcca", "pls", "cka", "procrustes"])
def test_a_block_with_itself_is_calibrated_to_one(measure):
    x, _ = related(60, 4, 4)

    test = fastcca.permutation_test(x, x, measure=measure, n_permutations=9, seed=0)

    assert test.calibrated == pytest.approx(1.0, abs=1e-9)


def test_the_null_has_the_mean_that_is_known():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(60, 5)), rng.normal(size=(60, 8))

    test = fastcca.permutation_test(x, y, measure="r2_cca", n_permutations=400, seed=0)

    error = test.null.std(ddof=1) / np.sqrt(400)
    assert abs(test.null.mean() - fastcca.null_cca(60, 5, 8).mean_squared) < 3.0 * error


def test_thresholds_go_with_p_values():
    x, y = related(40, 3, 3, noise=3.0)
    test = fastcca.permutation_test(x, y, n_permutations=99, seed=0)

    for level in (0.01, 0.05, 0.3, test.p_value, test.p_value - 0.01, 0.999, 1.0):
        if level > 0:
            assert (test.value > test.threshold(level)) == (test.p_value <= level)
    assert test.threshold(0.009) == np.inf
    with pytest.raises(ValueError, match="level=0"):
        test.threshold(0.0)


def test_ties_count_against_the_finding():
    # of two distinct maps there are two orders, and both give the same
    x = np.array([[0.0], [1.0]])

    test = fastcca.permutation_test(x, x, measure="cka", n_permutations=20, seed=0)

    assert test.p_value == 1.0


# --- seeds, threads, interruption -------------------------------------------------------------


@pytest.mark.parametrize("measure", ["cca", "pwcca", "cka"])
def test_the_same_bits_on_any_number_of_threads(measure):
    x, y = related(3000, 40, 30)
    found = []
    try:
        for threads in (1, 2, 3):
            fastcca.set_num_threads(threads)
            found.append(
                fastcca.permutation_test(x, y, measure=measure, n_permutations=7, seed=1).null
            )
    finally:
        fastcca.set_num_threads(0)

    np.testing.assert_array_equal(found[0], found[1])
    np.testing.assert_array_equal(found[0], found[2])


def test_seeds():
    x, y = related(40, 3, 3)

    def null(seed):
        return fastcca.permutation_test(x, y, n_permutations=5, seed=seed).null

    sequence = np.random.SeedSequence(4)
    np.testing.assert_array_equal(null(4), null(4))
    np.testing.assert_array_equal(null(4), null(sequence))
    np.testing.assert_array_equal(null(4), null(sequence))  # and leaves it as it was
    np.testing.assert_array_equal(null(np.random.default_rng(1)), null(np.random.default_rng(1)))
    generator = np.random.default_rng(1)
    assert not np.array_equal(null(generator), null(generator))
    assert not np.array_equal(null(None), null(None))
    # more permutations have the first ones in common
    more = fastcca.permutation_test(x, y, n_permutations=8, seed=4).null
    np.testing.assert_array_equal(more[:5], null(4))


@pytest.mark.parametrize("threads", [1, 2])
def test_progress_is_told_and_may_end_it(threads):
    x, y = related(40, 3, 3)
    told = []

    def stop(done, total):
        told.append((done, total))
        if done == 3:
            raise KeyboardInterrupt

    try:
        fastcca.set_num_threads(threads)
        with pytest.raises(KeyboardInterrupt):
            fastcca.permutation_test(x, y, n_permutations=10_000, progress=stop)
    finally:
        fastcca.set_num_threads(0)
    assert told == [(1, 10_000), (2, 10_000), (3, 10_000)]


# --- errors -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "error", "says"),
    [
        ({"measure": "ccca"}, ValueError, "measure='ccca' is unknown"),
        ({"measure": "cka", "ridge": 1.0}, TypeError, "'ridge' is no option of measure='cka'"),
        ({"keep": 2}, TypeError, "'keep' is no option of measure='cca'; it has ridge"),
        ({"measure": "svcca", "keep": 0}, ValueError, "keep=0"),
        ({"measure": "pwcca", "variant": "google"}, ValueError, "variant='google'"),
        ({"ridge": -1.0}, ValueError, "ridge=-1.0"),
        ({"n_permutations": 0}, ValueError, "n_permutations=0"),
        ({"seed": "a"}, TypeError, "seed='a'"),
        ({"seed": -1}, ValueError, "seed=-1"),
        ({"groups": [0, 1]}, ValueError, r"groups has shape \(2,\)"),
        ({"groups": [0] * 20}, ValueError, "1 group"),
        ({"groups": [0] * 5 + [1] * 15}, ValueError, "between 5 and 15 samples"),
        ({"layout": "NHWC"}, ValueError, "x has 2 axes"),
        ({"backend": "cuda:99"}, ValueError, "backend='cuda:99'"),
    ],
)
def test_errors(arguments, error, says):
    x, y = related(20, 2, 2)

    with pytest.raises(error, match=says):
        fastcca.permutation_test(x, y, **arguments)


def test_data_that_cannot_be_used():
    x, y = related(20, 2, 2)
    for measure, backend in itertools.product(OF_ARRAYS, BACKENDS):
        bad = y.copy()
        bad[3, 1] = np.nan
        with pytest.raises(ValueError, match="y has 1 value that is not finite"):
            fastcca.permutation_test(x, bad, measure=measure, backend=backend)
    with pytest.raises(ValueError, match="y has 19"):
        fastcca.permutation_test(x, y[1:])
    with pytest.raises(TypeError, match="complex"):
        fastcca.permutation_test(x + 1j, y)
    moments = fastcca.Moments()
    moments.update(x, y)
    with pytest.raises(ValueError, match="needs the samples themselves"):
        fastcca.permutation_test(moments, None)


@pytest.mark.parametrize("measure", OF_ARRAYS)
def test_what_does_not_fit_is_refused(measure, monkeypatch):
    monkeypatch.setattr(_memory, "SMALL", 0)
    monkeypatch.setattr(_memory, "memory_limit", lambda: 100_000)
    x, y = related(5000, 3, 2)

    with pytest.raises(MemoryError, match=r"5000 samples in [23] and 2 dimensions take \d+ bytes"):
        fastcca.permutation_test(x, y, measure=measure, n_permutations=1)


def test_too_few_samples_warn():
    x, y = related(12, 4, 4)

    with pytest.warns(fastcca.RankWarning, match="12 samples for 4 features") as caught:
        fastcca.permutation_test(x, y, n_permutations=2)

    assert caught[0].filename == __file__


@pytest.mark.parametrize("measure", ["cka", "procrustes"])
@pytest.mark.parametrize("factor", [1e-160, 1e160])
def test_data_out_of_range_have_the_same_null(measure, factor):
    rng = np.random.default_rng(5)
    x, y = rng.normal(size=(30, 3)), rng.normal(size=(30, 2))
    options = {"measure": measure, "n_permutations": 20, "seed": 0}
    expected = fastcca.permutation_test(x, y, **options)
    found = fastcca.permutation_test(x * factor, y, **options)
    np.testing.assert_allclose(found.null, expected.null, rtol=1e-12)
    assert found.p_value == expected.p_value


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("factors", [(1e-160, 1.0), (1e160, 1.0), (1e-160, 1e160), (1e160, 1e-150)])
def test_pls_out_of_range_has_the_same_null_in_its_units(factors, backend):
    rng = np.random.default_rng(5)
    x, y = rng.normal(size=(30, 3)), rng.normal(size=(30, 2))
    options = {"measure": "pls", "n_permutations": 20, "seed": 0, "backend": backend}
    expected = fastcca.permutation_test(x, y, **options)
    found = fastcca.permutation_test(x * factors[0], y * factors[1], **options)
    unit = factors[0] * factors[1]
    np.testing.assert_allclose(found.null / unit, expected.null, rtol=1e-9)
    assert found.value / unit == pytest.approx(expected.value, rel=1e-12)
    assert found.largest / unit == pytest.approx(expected.largest, rel=1e-12)
    assert found.p_value == expected.p_value
    assert found.calibrated == pytest.approx(expected.calibrated, rel=1e-9)


@pytest.mark.parametrize("factor", [1e200, 1e-200])
def test_a_pls_whose_values_leave_the_range_is_refused(factor):
    rng = np.random.default_rng(5)
    x, y = rng.normal(size=(30, 3)) * factor, rng.normal(size=(30, 2)) * factor
    for call in (fastcca.pls, fastcca.permutation_test):
        options = {} if call is fastcca.pls else {"measure": "pls", "n_permutations": 2}
        with pytest.raises(ValueError, match="by a constant"):
            call(x, y, **options)


def test_svcca_warns_by_what_it_keeps():
    # 60 samples are few for 20 features, and enough for the one component that holds 99 %.
    rng = np.random.default_rng(8)
    shared = rng.normal(size=(60, 1))
    x, y = (shared + 1e-3 * rng.normal(size=(60, p)) for p in (20, 15))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert fastcca.svcca(x, y).x_kept == 1
        fastcca.permutation_test(x, y, measure="svcca", n_permutations=3, seed=0)
        fastcca.bootstrap(x, y, measure="svcca", n_resamples=3, seed=0)
    with pytest.warns(fastcca.RankWarning, match="60 samples for 20 features"):
        fastcca.permutation_test(x, y, measure="cca", n_permutations=3, seed=0)
