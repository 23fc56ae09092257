"""fastcca.Moments: one pass, batches, merges, views, storage."""

import copy
import os
import pickle
import subprocess
import sys
import threading

import numpy as np
import pytest

import fastcca
from cases import COMPILED, DTYPES, LAYOUTS, in_layout, small_integers


@pytest.fixture
def rng():
    return np.random.default_rng(41)


def moments_of(*blocks, **named):
    moments = fastcca.Moments()
    moments.update(*blocks, **named)
    return moments


def fingerprint(moments):
    return pickle.dumps(moments)


def joint_covariance(moments):
    names = moments.block_names
    return np.block([[moments.covariance(a, b) for b in names] for a in names])


def test_against_exact_sums():
    # Integers: every sum is exact in float64, so the answer is known to the last bit but one.
    x, y = small_integers(500, 7, seed=1), small_integers(500, 5, seed=2)
    moments = moments_of(x, y)
    joint = np.hstack([x, y]).astype(object).astype(int)
    n = len(joint)
    sums = joint.sum(axis=0)
    exact = (n * (joint.T @ joint) - np.outer(sums, sums)) / (n * (n - 1))
    np.testing.assert_allclose(joint_covariance(moments), exact.astype(float), rtol=1e-13)
    np.testing.assert_allclose(moments.mean("y"), sums[7:] / n, rtol=1e-15)


@pytest.mark.parametrize("mean", [0.0, 1e3, 1e8])
def test_cancellation(rng, mean):
    """Means far above the spread: the formula without a shift has no digit left here."""
    x = rng.normal(size=(5000, 4)) + mean
    spread = x - mean  # exact
    expected = np.cov(spread.T)
    found = moments_of(x).covariance("x", "x")
    np.testing.assert_allclose(found, expected, atol=1e-13)
    if mean == 1e8:
        naive = (x.T @ x - len(x) * np.outer(x.mean(0), x.mean(0))) / (len(x) - 1)
        assert np.max(np.abs(naive - expected)) > 1e-2


def test_samples_sorted_by_size(rng):
    """The shift must not come from the first samples alone."""
    x = np.sort(rng.normal(size=(20000, 3)), axis=0) * 1e4
    expected = np.cov(x.T)
    np.testing.assert_allclose(moments_of(x).covariance("x", "x"), expected, rtol=1e-12)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("width", [5, 37])
def test_layout_and_dtype_change_no_bit(tmp_path, layout, dtype, width):
    values = small_integers(300, width, seed=3)
    found = moments_of(in_layout(values.astype(dtype), layout, tmp_path))
    expected = moments_of(values)
    np.testing.assert_array_equal(found.covariance("x", "x"), expected.covariance("x", "x"))
    np.testing.assert_array_equal(found.mean("x"), expected.mean("x"))


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.uint32, np.uint64, np.bool_])
def test_unsigned_and_bool(dtype):
    values = np.abs(small_integers(300, 6, seed=4)).astype(dtype)
    found = moments_of(values).covariance("x", "x")
    np.testing.assert_array_equal(found, moments_of(values.astype(float)).covariance("x", "x"))


def test_every_float16_value(rng):
    halves = np.arange(2**16, dtype=np.uint16).view(np.float16)
    values = halves[np.isfinite(halves)].reshape(-1, 2)
    found = moments_of(values)
    expected = moments_of(values.astype(np.float64))
    np.testing.assert_array_equal(found.covariance("x", "x"), expected.covariance("x", "x"))


@pytest.mark.parametrize("shape", [(40_000, 20), (3000, 300), (2000, 700)])
def test_same_bits_on_any_number_of_threads(rng, shape):
    x = rng.normal(size=shape).astype(np.float32)
    y = rng.normal(size=(shape[0], 9))
    prints = []
    try:
        for threads in (1, 2, 3, 7):
            fastcca.set_num_threads(threads)
            prints.append(fingerprint(moments_of(x, y)))
    finally:
        fastcca.set_num_threads(0)
    assert len(set(prints)) == 1


# --- batches and merges -------------------------------------------------------------------------


def test_merge_in_place_leaves_the_other(rng):
    x = rng.normal(size=(40, 3))
    first, second = moments_of(x[:15]), moments_of(x[15:])
    before = fingerprint(second)
    first.merge(second)
    assert fingerprint(second) == before
    np.testing.assert_allclose(first.covariance("x", "x"), np.cov(x.T), rtol=1e-12)


def test_merge_with_itself_and_with_nothing(rng):
    x = rng.normal(size=(30, 3))
    moments = moments_of(x)
    moments.merge(fastcca.Moments())
    assert moments.n_samples == 30
    moments.merge(moments)
    assert moments.n_samples == 60
    np.testing.assert_allclose(
        moments.covariance("x", "x"), np.cov(np.vstack([x, x]).T), rtol=1e-12
    )
    empty = fastcca.Moments()
    empty.merge(moments)
    assert fingerprint(empty) == fingerprint(moments)


def test_sum_of_states(rng):
    x = rng.normal(size=(40, 3))
    total = sum([moments_of(x[:10]), moments_of(x[10:25]), moments_of(x[25:])])
    assert total.n_samples == 40


def test_merged_state_is_symmetric(rng):
    moments = fastcca.Moments()
    for _ in range(5):
        moments.update(rng.normal(size=(50, 6)) + rng.normal(size=6))
    cov = moments.covariance("x", "x")
    np.testing.assert_array_equal(cov, cov.T)


def test_coarsest_precision_is_remembered(rng):
    """One float16 batch among float64 ones: its rounding noise must not count as a direction."""
    latent = rng.normal(size=(2000, 3))
    x = latent @ rng.normal(size=(3, 6))
    mixed = moments_of(x[:1000].astype(np.float16), latent[:1000])
    mixed.update(x[1000:], latent[1000:])
    merged = moments_of(x[1000:], latent[1000:])
    merged.merge(moments_of(x[:1000].astype(np.float16), latent[:1000]))
    stored = pickle.loads(pickle.dumps(mixed))
    for moments in (mixed, merged, stored):
        assert fastcca.cca(moments).x_rank == 3


# --- a rejected batch changes nothing ------------------------------------------------------------


GROWING = np.outer(np.arange(5), [1e200, 1.0])


@pytest.mark.parametrize(
    ("batch", "error", "message"),
    [
        ({"x": np.full((5, 3), np.nan), "y": np.ones((5, 2))}, ValueError, "x has 15 values"),
        ({"x": np.ones((5, 3)), "y": np.full((5, 2), np.inf)}, ValueError, "y has 10 values"),
        ({"x": np.ones((5, 3)), "y": GROWING}, ValueError, "y holds values so large"),
        ({"x": np.ones((5, 4)), "y": np.ones((5, 2))}, ValueError, "x has 4 features, but 3"),
        ({"x": np.ones((5, 3)), "y": np.ones((4, 2))}, ValueError, "x has 5 samples and y has 4"),
        ({"x": np.ones((5, 3))}, ValueError, r"blocks \(x\) but the state holds \(x, y\)"),
        ({"y": np.ones((5, 2)), "x": np.ones((5, 3))}, ValueError, "same order"),
        ({"x": np.ones((5, 3)), "z": np.ones((5, 2))}, ValueError, r"\(x, z\)"),
        ({"x": np.ones((5, 3)), "y": np.ones((5, 2), object)}, TypeError, "y has dtype object"),
        ({"x": np.ones((5, 3)), "y": np.ones((5, 2), complex)}, ValueError, r"\(x, y, y.imag\)"),
        ({"x": np.ones((0, 3)), "y": np.ones((0, 2))}, ValueError, r"x has shape \(0, 3\)"),
        ({}, ValueError, "at least one block"),
    ],
)
def test_a_rejected_batch_changes_nothing(rng, batch, error, message):
    moments = moments_of(rng.normal(size=(20, 3)), rng.normal(size=(20, 2)))
    before = fingerprint(moments)
    with pytest.raises(error, match=message):
        moments.update(**batch)
    assert fingerprint(moments) == before


def test_merge_of_other_blocks_is_rejected(rng):
    moments = moments_of(rng.normal(size=(20, 3)))
    before = fingerprint(moments)
    for other in (moments_of(rng.normal(size=(20, 4))), moments_of(z=rng.normal(size=(20, 3)))):
        with pytest.raises(ValueError, match="other blocks"):
            moments.merge(other)
    with pytest.raises(TypeError, match="only merge Moments"):
        moments.merge(np.ones((3, 3)))
    assert fingerprint(moments) == before


def test_names_given_twice_and_too_many_positions(rng):
    a = rng.normal(size=(20, 3))
    with pytest.raises(TypeError, match="'x' is given twice"):
        fastcca.Moments().update(a, x=a)
    with pytest.raises(TypeError, match="name them"):
        fastcca.Moments().update(a, a, a)


# --- many blocks and views -----------------------------------------------------------------------


def test_many_blocks(rng):
    layers = {name: rng.normal(size=(100, p)) for name, p in zip("abc", (4, 2, 3), strict=True)}
    layers["self"] = layers["a"] @ rng.normal(size=(4, 4))
    moments = moments_of(**layers)
    assert moments.block_names == ("a", "b", "c", "self")
    assert repr(moments) == "Moments(n_samples=100, blocks={'a': 4, 'b': 2, 'c': 3, 'self': 4})"
    for first, second in [("a", "b"), ("b", "a"), ("c", "self"), ("a", "a")]:
        pair = moments.pair(first, second)
        expected = fastcca.cca(layers[first], layers[second])
        found = fastcca.cca(pair)
        np.testing.assert_allclose(found.correlations, expected.correlations, atol=1e-13)
        assert found.x_weights.shape == expected.x_weights.shape
        np.testing.assert_allclose(found.x_mean, layers[first].mean(axis=0), atol=1e-14)
    with pytest.raises(ValueError, match="4 blocks"):
        fastcca.cca(moments)
    with pytest.raises(KeyError, match="'d'"):
        moments.pair("a", "d")


def test_a_view_follows_its_state_and_cannot_be_changed(rng):
    a, b = rng.normal(size=(50, 3)), rng.normal(size=(50, 2))
    moments = moments_of(a=a, b=b)
    view = moments.pair("b", "a")
    assert view.block_names == ("b", "a")
    moments.update(a=a, b=b)
    assert view.n_samples == 100
    for change in (lambda: view.update(b, a), lambda: view.merge(moments)):
        with pytest.raises(ValueError, match="view of two blocks"):
            change()
    stored = pickle.loads(pickle.dumps(view))
    assert stored.block_names == ("b", "a")
    np.testing.assert_array_equal(stored.covariance("b", "a"), moments.covariance("b", "a"))
    np.testing.assert_array_equal(moments.covariance("b", "a"), moments.covariance("a", "b").T)


# --- storage -------------------------------------------------------------------------------------


@pytest.mark.cpu_only("a pickle is loaded there, and goes on with its sums")
@pytest.mark.parametrize("protocol", range(2, pickle.HIGHEST_PROTOCOL + 1))
def test_pickle_keeps_every_bit(rng, protocol):
    moments = moments_of(rng.normal(size=(30, 4)).astype(np.float32), rng.normal(size=(30, 2)))
    stored = pickle.loads(pickle.dumps(moments, protocol))
    assert fingerprint(stored) == fingerprint(moments)
    batch = rng.normal(size=(10, 4)), rng.normal(size=(10, 2))
    for state in (stored, moments):
        state.update(*batch)
    assert fingerprint(stored) == fingerprint(moments)


def test_copies_are_independent(rng):
    x = rng.normal(size=(30, 4))
    moments = moments_of(x)
    before = fingerprint(moments)
    for duplicate in (moments.copy(), copy.copy(moments), copy.deepcopy(moments)):
        duplicate.update(x)
        assert duplicate.n_samples == 60
    assert fingerprint(moments) == before


def test_empty_state_can_be_stored():
    stored = pickle.loads(pickle.dumps(fastcca.Moments()))
    assert stored.n_samples == 0
    assert stored.block_names == ()


def test_newer_and_damaged_formats_are_refused(rng):
    restore, (content,) = moments_of(rng.normal(size=(30, 4))).__reduce__()
    with pytest.raises(ValueError, match="upgrade fastcca"):
        restore({**content, "format": content["format"] + 1})
    with pytest.raises(ValueError, match="do not fit together"):
        restore({**content, "means": [np.zeros(3)]})
    with pytest.raises(ValueError, match="unknown precision"):
        restore({**content, "precisions": ["float8"]})
    damaged = content["scatter"][0][0].copy()
    damaged[1, 2] = np.nan
    with pytest.raises(ValueError, match="stored moments hold values that are not finite"):
        restore({**content, "scatter": [[damaged]]})


# --- threads and processes ------------------------------------------------------------------------


def test_concurrent_updates_lose_nothing(rng):
    x = rng.normal(size=(400, 20))
    moments = fastcca.Moments()
    workers = [
        threading.Thread(target=lambda i=i: [moments.update(x[i::8]) for _ in range(5)])
        for i in range(8)
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert moments.n_samples == 2000
    expected = np.cov(np.vstack([x] * 5).T)
    np.testing.assert_allclose(moments.covariance("x", "x"), expected, rtol=1e-10, atol=1e-12)


@pytest.mark.cpu_only("CUDA does not survive a fork")
@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_fork_after_threads_were_used(rng):
    code = """
import os, sys
import numpy as np
import fastcca
x = np.random.default_rng(0).normal(size=(60_000, 20))
def total():
    m = fastcca.Moments(); m.update(x); return m.covariance("x", "x").sum()
fastcca.set_num_threads(4)
expected = total()
child = os.fork()
if child == 0:
    os._exit(0 if total() == expected else 1)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""
    subprocess.run([sys.executable, "-W", "ignore", "-c", code], check=True, timeout=120)


def test_covariance_needs_two_samples():
    moments = fastcca.Moments()
    moments.update(np.ones((1, 2)))
    with pytest.raises(ValueError, match="at least 2 samples, not 1"):
        moments.covariance("x", "x")
    moments.update(np.zeros((1, 2)))
    np.testing.assert_array_equal(moments.covariance("x", "x"), np.full((2, 2), 0.5))


@pytest.mark.parametrize("power", [31, 53, 62])
def test_counts_beyond_what_int32_and_float64_hold(rng, power):
    """Two states of very many samples are one of twice as many, with the same covariance."""
    moments = moments_of(rng.normal(size=(30, 4)), rng.normal(size=(30, 2)))
    restore, (content,) = moments.__reduce__()
    many = 2**power - 1
    grown = [[tile * (many / 30) for tile in row] for row in content["scatter"]]
    state = restore({**content, "n_samples": many, "scatter": grown})
    if power == 62:
        state.merge(state)
        assert state.n_samples == 2 * many
        before = pickle.dumps(state)
        with pytest.raises(ValueError, match="more than can be counted in 64 bits"):
            state.merge(state)
        assert pickle.dumps(state) == before
    else:
        state.update(rng.normal(size=(10, 4)), rng.normal(size=(10, 2)))
        assert state.n_samples == many + 10
    expected = moments.covariance("x", "y") * 29 / 30
    np.testing.assert_allclose(state.covariance("x", "y"), expected, rtol=0, atol=1e-6)
    assert fastcca.cca(state).n_samples == state.n_samples


@pytest.mark.parametrize("state", [fastcca.Moments, fastcca.QRFactor])
def test_what_cannot_fit_is_refused_before_anything_is_allocated(state):
    wide = np.broadcast_to(np.float32(1), (3, 5_000_000))
    empty = state()
    whose = "this machine" if COMPILED == "cpu" else "CUDA device 0"
    with pytest.raises(MemoryError, match=rf"take \d{{16}} bytes .* but {whose} has .* Reduce"):
        empty.update(wide, wide)
    assert empty.block_names == ()


def test_the_fourier_moments_that_cannot_fit_are_refused():
    maps = np.broadcast_to(np.float32(1), (3, 64, 64, 20_000))
    with pytest.raises(MemoryError, match="moments of 40000 channels at 2112 frequencies"):
        fastcca.dft_cca(maps, maps)
