"""Moments and QRFactor from hypothesis: any division and tree of merges, any array as input."""

import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import fastcca
from cases import BACKENDS, COMPILED, DTYPES
from strategies import EPS, SEEDS, WIDTHS, assert_close, offset, pairs, promise, size

pytestmark = pytest.mark.filterwarnings(
    "ignore::fastcca.RankWarning", "ignore::fastcca.AccuracyWarning"
)
STATES = st.sampled_from([fastcca.Moments, fastcca.QRFactor])


def state_of(kind, *blocks):
    state = kind()
    state.update(*blocks)
    return state


def covariance_and_mean(state):
    names = state.block_names
    joint = np.block([[state.covariance(a, b) for b in names] for a in names])
    return joint, np.concatenate([state.mean(name) for name in names])


# --- divisions ------------------------------------------------------------------------------------


@st.composite
def divisions(draw, n):
    """Ranges of samples, in their order, one sample each at the finest."""
    cuts = sorted(draw(st.sets(st.integers(1, n - 1)))) if n > 1 else []
    return [slice(a, b) for a, b in zip([0, *cuts], [*cuts, n], strict=True)]


def assert_same_state(state, pair, kind):
    """A mean is known to eps of its size, and so is every sample less its mean."""
    samples = np.hstack([a.astype(np.float64) for a in pair])
    n, width = samples.shape
    assert state.n_samples == n
    joint, mean = covariance_and_mean(state)
    expected, expected_mean = covariance_and_mean(state_of(kind, *pair))
    scale = np.abs(samples).max(axis=0)
    assert np.all(np.abs(mean - expected_mean) <= 4 * EPS * n * scale)
    # rounding of products, of unit deviation or of the size of the values: eps², of n terms
    deviation = np.sqrt(np.diag(expected))
    unit = deviation + EPS * n * scale + 1e-300
    assert np.all(
        np.abs(joint - expected)
        <= 4 * EPS * (n + width) * np.outer(unit, unit)
        + (4 * EPS * n * (np.outer(scale, deviation) + np.outer(deviation, scale)))
    )


@given(pairs(), STATES, st.data())
def test_batches_in_any_division(pair, kind, data):
    state = kind()
    for rows in data.draw(divisions(len(pair.x))):
        state.update(*(a[rows] for a in pair))
    assert_same_state(state, pair, kind)


@given(pairs(), STATES, st.data())
def test_merges_in_any_division_tree_and_order(pair, kind, data):
    parts = [state_of(kind, *(a[r] for a in pair)) for r in data.draw(divisions(len(pair.x)))]
    while len(parts) > 1:
        i, j = pair.rng.choice(len(parts), 2, replace=False)
        merged = parts[i] + parts[j]
        parts = [part for k, part in enumerate(parts) if k not in (i, j)] + [merged]
    assert_same_state(parts[0], pair, kind)


@given(pairs(), STATES, st.data())
def test_cca_of_divided_samples(pair, kind, data):
    """Ranks, and correlations to the promise; what a mean rounds costs its size."""
    whole = fastcca.cca(state_of(kind, *pair))
    state = kind()
    for rows in data.draw(divisions(len(pair.x))):
        state.merge(state_of(kind, *(a[rows] for a in pair)))
    found = fastcca.cca(state)
    assert (found.x_rank, found.y_rank) == (whole.x_rank, whole.y_rank)
    power = 2 if kind is fastcca.Moments else 1
    rounding = 10 * EPS * size(pair) * whole.condition**power * (1 + offset(*pair))
    slack = promise(found, size(pair)) + promise(whole, size(pair)) + rounding
    assert_close(found.correlations, whole.correlations, slack)


@pytest.mark.cpu_only("a pickle is loaded there, and goes on with its sums")
@given(pairs(), STATES, st.data())
def test_stored_states_go_on_with_the_same_bits(pair, kind, data):
    rows = data.draw(divisions(len(pair.x)))
    straight, stored = kind(), kind()
    for part in rows:
        batch = [a[part] for a in pair]
        stored = pickle.loads(pickle.dumps(stored))
        # What is read, or stored, takes the batches before together.
        assert pickle.dumps(stored) == pickle.dumps(straight)
        straight.update(*batch)
        stored.update(*batch)
    assert pickle.dumps(stored) == pickle.dumps(straight)


# --- input ----------------------------------------------------------------------------------------


@st.composite
def guises(draw):
    """The same values twice: as a plain array, and by other strides, byte order and flags."""
    n, p, seed = draw(st.integers(2, 40)), draw(WIDTHS), draw(SEEDS)
    rng = np.random.default_rng(seed)
    dtype = np.dtype(draw(st.sampled_from([*DTYPES, "uint8", "uint16", "uint64", "bool"])))
    if dtype.kind == "f":
        values = (rng.normal(size=(n, p)) + draw(st.sampled_from([0.0, 30.0]))).astype(dtype)
    else:
        values = rng.integers(0, 2 if dtype.kind == "b" else 100, size=(n, p)).astype(dtype)
    if draw(st.booleans()):
        dtype = dtype.newbyteorder()
    order = draw(st.sampled_from(["C", "F", "record", "one row", "one column"]))
    if order == "record":
        records = np.zeros((n, p), dtype=[("pad", "i1"), ("value", dtype)])
        out = records["value"]
    else:
        steps = [draw(st.sampled_from([1, 2, 3, -1, -2])) for _ in range(2)]
        stored = [abs(step) * m for step, m in zip(steps, (n, p), strict=True)]
        out = np.zeros(stored, dtype=dtype, order=order if order in "CF" else "C")
        out = out[:: steps[0], :: steps[1]]
    out[...] = values
    if order == "one row":
        out = np.broadcast_to(out[:1], (n, p))
    elif order == "one column":
        out = np.broadcast_to(out[:, :1], (n, p))
    elif draw(st.booleans()):
        out.flags.writeable = False
    plain = np.ascontiguousarray(out, dtype=dtype.newbyteorder("="))
    return out, plain


@given(guises(), guises(), STATES)
def test_no_guise_of_an_array_changes_a_bit_of_a_state(x_guise, y_guise, kind):
    n = min(len(x_guise[0]), len(y_guise[0]))
    (x, plain_x), (y, plain_y) = ([a[:n] for a in guise] for guise in (x_guise, y_guise))
    before = [a.tobytes() for a in (x, y)]
    assert pickle.dumps(state_of(kind, x, y)) == pickle.dumps(state_of(kind, plain_x, plain_y))
    assert [a.tobytes() for a in (x, y)] == before


MEASURES = {
    "cca": lambda x, y, **options: fastcca.cca(x, y, **options).correlations,
    "cca by qr": lambda x, y, **options: fastcca.cca(x, y, method="qr", **options).correlations,
    "svcca": lambda x, y, **options: fastcca.svcca(x, y, **options).correlations,
    "pwcca": lambda x, y, **options: fastcca.pwcca(x, y, **options).value,
    "pls": lambda x, y, **options: fastcca.pls(x, y, **options).singular_values,
    "pca": lambda x, _, **options: fastcca.pca(x, **options).explained_variance,
    "cka": fastcca.cka,
    "debiased cka": lambda x, y, **options: fastcca.cka(x, y, debiased=True, **options),
    "procrustes": fastcca.procrustes,
    "regression": fastcca.linear_regression_r2,
}


@given(guises(), guises(), st.sampled_from([*MEASURES]), st.sampled_from(BACKENDS))
def test_no_guise_of_an_array_changes_an_answer(x_guise, y_guise, name, backend):
    """Not a bit on the core; numpy adds up in the order of its strides: to the condition eps."""
    n = min(len(x_guise[0]), len(y_guise[0]))
    (x, plain_x), (y, plain_y) = ([a[:n] for a in guise] for guise in (x_guise, y_guise))
    if name == "debiased cka" and n < 4:
        return
    before = [a.tobytes() for a in (x, y)]
    found = MEASURES[name](x, y, backend=backend)
    expected = MEASURES[name](plain_x, plain_y, backend=backend)
    if backend == COMPILED:
        np.testing.assert_array_equal(found, expected)
    elif name not in ("svcca", "pwcca", "debiased cka"):  # no bound at a cut, a tie, a difference
        assert_close(found, expected, 1e-9 * np.max(expected, initial=1.0))
    assert [a.tobytes() for a in (x, y)] == before
