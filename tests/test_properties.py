"""What may change the answers of the measures and what may not, for anything hypothesis draws.

Bounds come from docs/accuracy.md: `promise` is that of a correlation; what inverts no covariance is
good to n eps. A map that rounds its result moves a correlation by condition eps (1 + offset).
"""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

import fastcca
from cases import BACKENDS, COMPILED, mixing
from oracle import exact_rank
from strategies import (
    EPS,
    FULL_RANK,
    assert_close,
    debiased,
    debiased_gain,
    integers,
    offset,
    orthogonal,
    pairs,
    promise,
    size,
    spectra,
)

pytestmark = pytest.mark.filterwarnings(
    "ignore::fastcca.RankWarning", "ignore::fastcca.AccuracyWarning"
)
ANY_BACKEND = st.sampled_from(BACKENDS)
VARIANTS = ("paper", "symmetric", "google")
CRITERIA = ("variance", "singular_values")
PLAIN = spectra(FULL_RANK, ("float64",), spare=2)  # no correlation is 1 by construction
# In [0, 1] and without an inverse: no error grows with the condition.
NUMBERS = {"cka": fastcca.cka, "procrustes": fastcca.procrustes}


def gap(correlations):
    """Between neighbours and to 0: variates are known to the inverse of it."""
    return np.min(-np.diff(np.append(correlations, 0.0)), initial=1.0)


# Of the condition in the error of the regression, which the core takes from moments.
POWER = {COMPILED: 2, "numpy": 1}


# --- not a bit ------------------------------------------------------------------------------------

EXPONENTS = st.integers(-60, 60)


@given(pairs(), ANY_BACKEND, st.sampled_from(["auto", "moments", "qr"]))
def test_powers_of_two_of_single_features_change_no_bit_of_cca(pair, backend, method):
    """Signs do: a zero that comes out of a sum is positive whatever the signs of its terms."""
    factors = [np.ldexp(1.0, pair.rng.integers(-60, 61, size=a.shape[1])) for a in pair]
    x, y = (a.astype(np.float64) for a in pair)

    expected = fastcca.cca(x, y, backend=backend, method=method)
    found = fastcca.cca(x * factors[0], y * factors[1], backend=backend, method=method)

    assert (found.method, found.condition) == (expected.method, expected.condition)
    np.testing.assert_array_equal(found.correlations, expected.correlations)
    for name, factor in zip("xy", factors, strict=True):
        weights, loadings = (getattr(found, f"{name}_{s}").T for s in ("weights", "loadings"))
        before = [getattr(expected, f"{name}_{s}").T for s in ("weights", "loadings")]
        np.testing.assert_array_equal(weights * factor, before[0])
        np.testing.assert_array_equal(loadings / factor, before[1])


@given(
    pairs(4),
    ANY_BACKEND,
    st.sampled_from(VARIANTS),
    st.sampled_from(CRITERIA),
    EXPONENTS,
    EXPONENTS,
)
def test_a_power_of_two_of_each_side_changes_no_bit_but_the_scale(
    pair, backend, variant, criterion, i, j
):
    x, y = (a.astype(np.float64) for a in pair)
    scaled = np.ldexp(x, i), np.ldexp(y, j)

    found, expected = (
        fastcca.pwcca(*a, variant=variant, backend=backend) for a in (scaled, (x, y))
    )
    assert found.value == expected.value
    found, expected = (
        fastcca.svcca(*a, criterion=criterion, backend=backend) for a in (scaled, (x, y))
    )
    assert (found.x_kept, found.y_kept) == (expected.x_kept, expected.y_kept)
    np.testing.assert_array_equal(found.correlations, expected.correlations)
    for measure in (*NUMBERS.values(), debiased, fastcca.linear_regression_r2):
        assert measure(*scaled, backend=backend) == measure(x, y, backend=backend), measure
    found, expected = (fastcca.pls(*a, backend=backend) for a in (scaled, (x, y)))
    np.testing.assert_array_equal(found.singular_values, np.ldexp(expected.singular_values, i + j))
    np.testing.assert_array_equal(found.x_weights, expected.x_weights)
    found, expected = (fastcca.pca(a, backend=backend) for a in (scaled[0], x))
    np.testing.assert_array_equal(
        found.explained_variance, np.ldexp(expected.explained_variance, 2 * i)
    )
    np.testing.assert_array_equal(found.components, expected.components)


@given(pairs(4))
def test_the_exchanged_view_of_moments_changes_no_bit(pair):
    moments, factor = fastcca.Moments(), fastcca.QRFactor()
    for state in (moments, factor):
        state.update(a=pair.x, b=pair.y)
        forth, back = fastcca.cca(state.pair("a", "b")), fastcca.cca(state.pair("b", "a"))
        if state is moments:
            np.testing.assert_array_equal(forth.correlations, back.correlations)
            np.testing.assert_array_equal(forth.x_weights, back.y_weights)
            np.testing.assert_array_equal(forth.y_loadings, back.x_loadings)
        assert (forth.x_rank, forth.y_rank) == (back.y_rank, back.x_rank)
    forth, back = (moments.pair(*names) for names in ("ab", "ba"))
    assert fastcca.cka(forth) == fastcca.cka(back)
    assert fastcca.procrustes(forth) == fastcca.procrustes(back)
    np.testing.assert_array_equal(
        fastcca.pls(forth).singular_values, fastcca.pls(back).singular_values
    )


@given(pairs(4), ANY_BACKEND)
def test_compare_gives_the_numbers_of_the_measures(pair, backend):
    measures = ("cca", "r2_cca", "svcca", "pwcca", "cka", "procrustes", "linear_regression_r2")
    found = fastcca.compare(*pair, measures, backend=backend)
    whole = fastcca.cca(*pair, backend=backend)
    assert found == {
        "cca": whole.mean,
        "r2_cca": whole.mean_squared,
        "svcca": fastcca.svcca(*pair, weights=False, backend=backend).mean,
        "pwcca": fastcca.pwcca(*pair, backend=backend).value,
        "linear_regression_r2": fastcca.linear_regression_r2(*pair, backend=backend),
        **{name: measure(*pair, backend=backend) for name, measure in NUMBERS.items()},
    }


# --- maps -----------------------------------------------------------------------------------------


@given(PLAIN, ANY_BACKEND, st.floats(-1e3, 1e3))
def test_affine_maps_change_no_correlation(pair, backend, shift):
    maps = [orthogonal(pair.rng, a.shape[1]) @ mixing(a.shape[1], 10.0, pair.rng) for a in pair]
    x, y = (a @ m + shift for a, m in zip(pair, maps, strict=True))

    before = fastcca.cca(*pair, backend=backend)
    after = fastcca.cca(x, y, backend=backend)

    assert (after.x_rank, after.y_rank) == (x.shape[1], y.shape[1])
    kappa = max(before.condition, after.condition)
    rounding = size(pair) * kappa * EPS * (1 + offset(*pair, x, y))
    tolerance = promise(before, size(pair)) + promise(after, size(pair)) + rounding
    assert_close(after.correlations, before.correlations, tolerance)

    before = fastcca.linear_regression_r2(*pair, backend=backend)
    after = fastcca.linear_regression_r2(x, pair.y, backend=backend)
    slack = 20 * EPS * (kappa ** POWER[backend] + size(pair)) + rounding
    assert_close(after, before, slack)

    before = fastcca.pwcca(*pair, backend=backend)
    after = fastcca.pwcca(pair.x, y, backend=backend)
    between = gap(before.correlations)
    assume(between > 1e-3)
    assert_close(after.value, before.value, tolerance / between)


@given(integers(), ANY_BACKEND, st.data())
def test_unimodular_maps_of_integers_change_neither_rank_nor_correlation(pair, backend, data):
    """Nothing rounds but the library: ranks are exact, and one that is deficient stays so."""
    mapped = []
    for a in pair:
        p = a.shape[1]
        out = a[:, pair.rng.permutation(p)] * pair.rng.choice([-1.0, 1.0], size=p)
        for _ in range(data.draw(st.integers(0, 4)) if p > 1 else 0):
            i, j = pair.rng.choice(p, 2, replace=False)
            out[:, i] += pair.rng.integers(-2, 3) * out[:, j]
        mapped.append(out + float(data.draw(st.integers(-1000, 1000))))

    before = fastcca.cca(*pair, backend=backend)
    after = fastcca.cca(*mapped, backend=backend)

    ranks = exact_rank(pair.x), exact_rank(pair.y)
    assert (before.x_rank, before.y_rank) == ranks
    assert (after.x_rank, after.y_rank) == ranks
    assert before.correlations.size == min(ranks)
    means = size(pair) * after.condition * EPS * (1 + offset(*mapped))  # of what is subtracted
    tolerance = promise(before, size(pair)) + promise(after, size(pair)) + means
    assert_close(after.correlations, before.correlations, tolerance)


@given(spectra(dtypes=("float64",), smallest=4), ANY_BACKEND, st.floats(-10, 10))
def test_rotations_scales_and_shifts(pair, backend, shift):
    turns = [orthogonal(pair.rng, a.shape[1]) for a in pair]
    x, y = 3.0 * pair.x @ turns[0] + shift, pair.y @ turns[1] / 7.0 - shift
    rounding = 10 * EPS * size(pair) * (1 + offset(*pair, x, y) * np.sqrt(size(pair)))

    for measure in NUMBERS.values():
        assert_close(measure(x, y, backend=backend), measure(*pair, backend=backend), rounding)
    gain = debiased_gain(*pair)
    if gain < 1e6:
        found, expected = (debiased(*a, backend=backend) for a in ((x, y), pair))
        assert_close(found, expected, rounding * gain)
    r2 = fastcca.linear_regression_r2(pair.x, y, backend=backend)
    kappa = fastcca.cca(*pair, backend=backend).condition
    if kappa < 1e6:  # x keeps its rank
        expected = fastcca.linear_regression_r2(*pair, backend=backend)
        assert_close(r2, expected, 20 * EPS * kappa ** POWER[backend] + rounding)
    found, expected = (fastcca.pls(*a, backend=backend).singular_values for a in ((x, y), pair))
    power = np.sqrt(np.prod([a.var(axis=0, ddof=1).sum() for a in pair]))
    assert_close(found * 7.0 / 3.0, expected, rounding * power)
    found, expected = (fastcca.pca(a, backend=backend).explained_variance for a in (x, pair.x))
    assert_close(found / 9.0, expected, rounding * expected.sum())


@given(PLAIN, ANY_BACKEND, st.floats(0.5, 1.0), st.sampled_from(CRITERIA))
def test_rotations_scales_and_shifts_of_svcca(pair, backend, keep, criterion):
    """As well as the gap at the cut determines the axes."""
    turns = [orthogonal(pair.rng, a.shape[1]) for a in pair]
    x, y = 3.0 * pair.x @ turns[0] + 1.0, pair.y @ turns[1] / 7.0 - 1.0
    gaps = []
    for a in pair:
        variances = fastcca.pca(a, backend="numpy").explained_variance
        shares = variances if criterion == "variance" else np.sqrt(variances)
        reached = np.cumsum(shares) / shares.sum()
        assume(np.abs(reached[:-1] - keep).min(initial=1.0) > 1e-9)
        kept = int(np.sum(reached[:-1] < keep)) + 1
        after = variances[kept] if kept < variances.size else 0.0
        gaps.append((variances[kept - 1] - after) / variances[0])
    assume(min(gaps) > 1e-6)

    before, after = (
        fastcca.svcca(*a, keep=keep, criterion=criterion, backend=backend) for a in (pair, (x, y))
    )

    assert (after.x_kept, after.y_kept) == (before.x_kept, before.y_kept)
    rounding = 20 * EPS * size(pair) * (1 + offset(*pair, x, y))
    assert_close(after.correlations, before.correlations, rounding / min(gaps))


# --- the same data otherwise ----------------------------------------------------------------------


@given(pairs(4), ANY_BACKEND)
def test_exchanging_the_sides(pair, backend):
    x, y = pair
    forth, back = (fastcca.cca(*a, backend=backend) for a in ((x, y), (y, x)))
    assert (forth.x_rank, forth.y_rank) == (back.y_rank, back.x_rank)
    tolerance = promise(forth, size(pair)) + promise(back, size(pair))
    assert_close(back.correlations, forth.correlations, tolerance)
    between = gap(forth.correlations)
    if between > 1e-3:
        for name, other in (("x", "y"), ("y", "x")):
            a = getattr(forth, f"{name}_loadings")
            b = getattr(back, f"{other}_loadings")
            deviation = getattr(pair, name).astype(np.float64).std(axis=0, ddof=1).max()
            assert_close(np.abs(b), np.abs(a), tolerance / between * deviation)
        first, second = (
            fastcca.pwcca(*a, variant="symmetric", backend=backend).value for a in ((x, y), (y, x))
        )
        assert_close(second, first, tolerance / between)
    for measure in NUMBERS.values():
        difference = measure(x, y, backend=backend) - measure(y, x, backend=backend)
        assert abs(difference) <= 10 * EPS * size(pair)
    gain = debiased_gain(x, y)
    if gain < 1e6:
        difference = debiased(x, y, backend=backend) - debiased(y, x, backend=backend)
        assert abs(difference) <= 10 * EPS * size(pair) * gain
    forth, back = (fastcca.pls(*a, backend=backend).singular_values for a in ((x, y), (y, x)))
    assert_close(back, forth, 10 * EPS * size(pair) * max(forth[0], 1e-300))


def changed(pair, how):
    """In another order of samples or features, with other signs, or with every sample twice."""
    x, y = pair
    if how == "samples":
        order = pair.rng.permutation(len(x))
        return x[order], y[order]
    if how == "features":
        return tuple(a[:, pair.rng.permutation(a.shape[1])] for a in pair)
    if how == "signs":
        return tuple(a * pair.rng.choice([-1, 1], size=a.shape[1]).astype(a.dtype) for a in pair)
    return tuple(np.concatenate([a, a]) for a in pair)


@given(pairs(4), ANY_BACKEND, st.sampled_from(["samples", "features", "signs", "twice"]))
def test_orders_signs_and_samples_twice(pair, backend, how):
    if how == "twice":  # variances shrink, and in other dtypes may sink into their rounding
        pair = replace(pair, x=pair.x.astype(np.float64), y=pair.y.astype(np.float64))
    other = changed(pair, how)
    rounding = 20 * EPS * size(pair) * (1 + offset(*pair))
    before, after = (fastcca.cca(*a, backend=backend) for a in (pair, other))
    assert (after.x_rank, after.y_rank) == (before.x_rank, before.y_rank)
    tolerance = promise(before, size(pair)) + promise(after, size(pair))
    tolerance += rounding * before.condition
    assert_close(after.correlations, before.correlations, tolerance)
    between = gap(before.correlations)
    if between > 1e-3:
        for variant in ("paper", "symmetric"):
            before, after = (
                fastcca.pwcca(*a, variant=variant, backend=backend).value for a in (pair, other)
            )
            assert_close(after, before, tolerance / between)
    for measure in NUMBERS.values():
        assert_close(measure(*other, backend=backend), measure(*pair, backend=backend), rounding)
    n = len(pair.x)
    factor = 2 * (n - 1) / (2 * n - 1) if how == "twice" else 1.0
    before, after = (fastcca.pca(a[0], backend=backend) for a in (tuple(pair), other))
    k = before.explained_variance.size
    assert np.all(
        after.explained_variance[k:] <= rounding * (before.explained_variance[0] + 1e-300)
    )  # twice as many samples as dimensions
    assert_close(
        after.explained_variance[:k],
        before.explained_variance * factor,
        rounding * max(before.explained_variance[0], 1e-300),
    )
    if how != "twice" and debiased_gain(*pair) < 1e6:
        before, after = (debiased(*a, backend=backend) for a in (pair, other))
        assert_close(after, before, rounding * debiased_gain(*pair))


@given(pairs(4), ANY_BACKEND, st.sampled_from([0.0, 0.1, 1e3]))
def test_a_feature_that_does_not_vary_changes_nothing(pair, backend, constant):
    x, y = pair
    at = int(pair.rng.integers(x.shape[1] + 1))
    wider = np.insert(x, at, x.dtype.type(constant), axis=1)
    before, after = (fastcca.cca(a, y, backend=backend) for a in (x, wider))
    assert (after.x_rank, after.y_rank) == (before.x_rank, before.y_rank)
    assert at in after.x_dead
    np.testing.assert_array_equal(after.x_weights[at], 0.0)
    tolerance = promise(before, size(pair)) + promise(after, size(pair))
    assert_close(after.correlations, before.correlations, tolerance)
    rounding = 10 * EPS * size(pair) * (1 + offset(*pair))
    for measure in NUMBERS.values():
        found, expected = measure(wider, y, backend=backend), measure(x, y, backend=backend)
        assert_close(found, expected, rounding)
    found, expected = (fastcca.pca(a, backend=backend) for a in (wider, x))
    assert found.rank == expected.rank
    assert_close(
        found.explained_variance,
        np.append(expected.explained_variance, 0.0)[: len(x)],
        rounding * max(expected.explained_variance[0], 1e-300),
    )
