"""Streams of small batches: what waits to be accumulated counts, is checked, and is never lost."""

import pickle
import threading

import numpy as np
import pytest

import fastcca
from cases import COMPILED

# On a device nothing waits, and the stand-in for it is slow.
N = 3000 if COMPILED == "cpu" else 120
rng = np.random.default_rng(7)
X = rng.normal(size=(N, 6)) + 10.0
Y = rng.normal(size=(N, 3)) + X[:, :3]


def streamed(*blocks, size=1, moments=None, **named):
    """Moments of blocks, `size` samples at a time."""
    moments = fastcca.Moments() if moments is None else moments
    n = len(next(iter([*blocks, *named.values()])))
    for start in range(0, n, size):
        part = slice(start, start + size)
        moments.update(*(b[part] for b in blocks), **{k: b[part] for k, b in named.items()})
    return moments


def assert_right(moments, x, y, rtol=1e-12):
    """Against numpy's two passes over the samples."""
    assert moments.n_samples == len(x)
    np.testing.assert_allclose(moments.mean("x"), x.mean(axis=0), rtol=rtol)
    expected = np.cov(x, y, rowvar=False)
    p = x.shape[1]
    scale = np.sqrt(np.diag(expected).real)
    for names, i, j in (("xx", slice(p), slice(p)), ("xy", slice(p), slice(p, None))):
        error = np.abs(moments.covariance(*names) - expected[i, j])
        assert (error / np.outer(scale[i], scale[j])).max() < rtol


@pytest.mark.parametrize("dtype", ["f2", "f4", "f8", "i4", "?", ">f4", ">f8", "c8", "c16"])
def test_thousands_of_single_samples(dtype):
    x, y = (a.astype(dtype) if dtype != "?" else a > 10 for a in (X, Y))
    if np.dtype(dtype).kind == "c":
        x, y = x + 1j * np.roll(x, 1, axis=0), y - 1j * y
    wide = np.complex128 if np.dtype(dtype).kind == "c" else np.float64
    moments = streamed(x, y)
    assert_right(moments, x.astype(wide), y.astype(wide))
    whole = fastcca.cca(x, y).correlations
    np.testing.assert_allclose(fastcca.cca(moments).correlations, whole, atol=1e-10)


@pytest.mark.parametrize("size", [2, 100, 1024])
def test_batches_of_any_size_and_order_of_memory(size):
    moments = streamed(X, Y, size=size)
    assert_right(moments, X, Y)
    with_gaps = np.repeat(np.asfortranarray(X), 2, axis=1)[:, ::2]
    other = streamed(with_gaps, np.asfortranarray(Y), size=size)
    assert pickle.dumps(other) == pickle.dumps(moments)


def test_the_same_bits_on_any_number_of_threads():
    x = rng.normal(size=(N, 80)).astype("f4")
    found = []
    for threads in (1, 2, 5):
        fastcca.set_num_threads(threads)
        try:
            found.append(pickle.dumps(streamed(x, size=50)))
        finally:
            fastcca.set_num_threads(0)
    assert found[0] == found[1] == found[2]


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf, 1e200])
def test_a_bad_batch_is_refused_at_once_and_the_others_stay(bad):
    moments = streamed(X[:40], Y[:40], size=4)
    spoiled = Y[:3].copy()
    spoiled[2, 1] = bad
    message = "so large" if np.isfinite(bad) else "sample 2, feature 1"
    with pytest.raises(ValueError, match=message):
        moments.update(X[:3], spoiled)
    with pytest.raises(ValueError, match="3 features, but 6"):
        moments.update(Y[:3], Y[:3])
    assert moments.n_samples == 40
    streamed(X[40:90], Y[40:90], size=5, moments=moments)
    assert_right(moments, X[:90], Y[:90])


def test_what_underflows_or_overflows_with_the_samples_before_is_refused_at_once():
    for before, now in ((0.0, 1e-200), (1e-200, 0.0), (0.0, 1e200), (1e200, 1.0)):
        moments = streamed(np.full((5, 2), before))
        with pytest.raises(ValueError, match="float64"):
            moments.update(np.full((1, 2), now))
        assert moments.n_samples == 5
        assert (moments.mean("x") == before).all()


def test_dtypes_take_turns():
    moments = fastcca.Moments()
    seen = []
    for i, dtype in enumerate(["f8", "f4", "f4", "f8", "f2", "i2", "f4", "f8"] * (N // 60)):
        part = slice(i * 7, i * 7 + 7)
        x, y = (16 * X[part]).astype(dtype), Y[part].astype("f4")
        moments.update(x, y)
        seen.append((x.astype(float), y.astype(float)))
    x, y = (np.concatenate(side) for side in zip(*seen, strict=True))
    assert_right(moments, x, y)
    assert moments._state.precision(0) == "float16"
    assert moments._state.precision(1) == "float32"


def test_reading_in_between_changes_nothing():
    moments = fastcca.Moments()
    for i in range(N // 10):
        moments.update(X[i : i + 1], Y[i : i + 1])
        assert moments.n_samples == i + 1
        assert moments.block_names == ("x", "y")
        if i % 7 == 3:
            np.testing.assert_allclose(moments.mean("y"), Y[: i + 1].mean(axis=0), rtol=1e-13)
            assert pickle.loads(pickle.dumps(moments)).n_samples == i + 1
            assert f"n_samples={i + 1}" in repr(moments)
    assert_right(moments, X[: N // 10], Y[: N // 10])


def test_copies_merges_views_and_pickles_have_what_waits():
    half = N // 2
    first, second = (streamed(X[i], Y[i], size=9) for i in (slice(half), slice(half, None)))
    copy = first.copy()
    view = first.pair("y", "x")
    assert view.n_samples == half
    assert_right(pickle.loads(pickle.dumps(first)), X[:half], Y[:half])
    both = first + second
    first.merge(second)
    for moments in (both, first):
        assert_right(moments, X, Y)
    assert view.n_samples == N
    assert_right(copy, X[:half], Y[:half])
    streamed(X[half:], Y[half:], size=3, moments=copy)
    assert_right(copy, X, Y)
    whole = fastcca.cca(Y, X).correlations
    np.testing.assert_allclose(fastcca.cca(view).correlations, whole, atol=1e-12)


def test_chosen_pairs_and_single_precision():
    z = rng.normal(size=(N, 2))
    moments = fastcca.Moments(pairs=[("a", "b")])
    streamed(a=X, b=Y, c=z, size=13, moments=moments)
    expected = fastcca.cca(X, Y).correlations
    np.testing.assert_allclose(fastcca.cca(moments.pair("a", "b")).correlations, expected)
    with pytest.raises(KeyError, match="keep no pair"):
        moments.pair("a", "c")
    single = fastcca.Moments(precision="single")
    streamed(X.astype("f4"), Y.astype("f4"), size=13, moments=single)
    found = fastcca.cca(single)
    assert np.abs(found.correlations - expected).max() < found.error_bound < 1e-3


def test_threads_that_add_read_and_copy_at_once():
    moments = fastcca.Moments()
    moments.update(X[:1], Y[:1])
    errors = []

    def add(start):
        for i in range(start, N, 4):
            if i > 0:
                moments.update(X[i : i + 1], Y[i : i + 1])

    def read():
        for _ in range(60):
            n = moments.n_samples
            if not n <= moments.copy().n_samples <= N:
                errors.append(n)

    threads = [threading.Thread(target=add, args=(i,)) for i in range(4)]
    threads.append(threading.Thread(target=read))
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors
    assert_right(moments, X, Y)


@pytest.mark.skipif(COMPILED != "cpu", reason="nothing waits on a device")
def test_a_state_that_was_read_keeps_no_samples():
    resource = pytest.importorskip("resource")

    def resident():
        with open("/proc/self/statm", encoding="ascii") as file:
            return int(file.read().split()[1]) * resource.getpagesize()

    try:
        resident()
    except OSError:
        pytest.skip("this system does not tell what memory is in use")
    x = rng.normal(size=(4000, 64))
    states = []
    before = resident()
    for _ in range(200):
        moments = streamed(x, size=400)
        moments.mean("x")
        states.append(moments)
    # 64 x 64 numbers each; the samples of one alone take 2 MB.
    assert resident() - before < 40e6
