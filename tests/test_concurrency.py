"""Many Python threads at once give the bits of one."""

import pickle
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from threadpoolctl import ThreadpoolController, threadpool_info, threadpool_limits

import fastcca
from fastcca._runtime.threads import _SharedLimit

THREADS = 6
PATIENCE = 120


def bits(result):
    fields = ("correlations", "singular_values", "x_weights", "y_weights")
    found = [getattr(result, name).tobytes() for name in fields if hasattr(result, name)]
    assert found
    return found


CALLS = {
    "cca": lambda x, y, _: bits(fastcca.cca(x, y)),
    "qr": lambda x, y, _: bits(fastcca.cca(x, y, method="qr")),
    "svcca": lambda x, y, _: bits(fastcca.svcca(x, y)),
    "pls": lambda x, y, _: bits(fastcca.pls(x, y)),
    "dft_cca": lambda _x, _y, maps: bits(fastcca.dft_cca(*maps, layout="NHWC", weights=True)),
}


def data(seed):
    rng = np.random.default_rng(seed)
    x, y = rng.normal(size=(2, 6000, 30)).astype("f4")
    return x, y, rng.normal(size=(2, 60, 4, 4, 3))


def blas_threads():
    return [info["num_threads"] for info in threadpool_info() if info["user_api"] == "blas"]


@pytest.fixture
def one_blas_thread():
    """On several, its bits depend on how many the limits of other calls leave it at the moment."""
    with threadpool_limits(1, user_api="blas"):
        yield


@pytest.mark.usefixtures("one_blas_thread")
@pytest.mark.parametrize("shared", [True, False])
def test_many_threads_give_the_bits_of_one(shared):
    inputs = [data(0)] * THREADS if shared else [data(seed) for seed in range(THREADS)]
    expected = [{name: call(*some) for name, call in CALLS.items()} for some in inputs]
    together = threading.Barrier(THREADS, timeout=PATIENCE)

    def work(i):
        names = list(CALLS)
        found = {}
        together.wait()
        for k in range(len(names)):
            name = names[(i + k) % len(names)]
            found[name] = CALLS[name](*inputs[i])
            assert found[name] == expected[i][name], name
        return found

    with ThreadPoolExecutor(THREADS) as pool:
        assert list(pool.map(work, range(THREADS), timeout=PATIENCE)) == expected


def test_the_limit_of_the_blas_ends_with_the_last_call_that_needs_it():
    """Calls that overlapped once left the BLAS of the process on one thread for good."""
    limits = _SharedLimit()
    controller = ThreadpoolController()
    with threadpool_limits(3, user_api="blas"):
        before = blas_threads()
        limits.enter(controller)
        limits.enter(controller)
        assert set(blas_threads()) == {1}
        limits.leave()
        assert set(blas_threads()) == {1}
        limits.leave()
        assert blas_threads() == before
        limits.enter(controller)
        limits.forget_other_threads()
        assert blas_threads() == before


def test_merges_into_each_other_do_not_wait_for_each_other():
    rng = np.random.default_rng(0)
    a, b = fastcca.Moments(), fastcca.Moments()
    a.update(rng.normal(size=(50, 60)))
    b.update(rng.normal(size=(50, 60)))
    together = threading.Barrier(2, timeout=PATIENCE)

    def work(into, other):
        together.wait()
        for _ in range(20):
            into.merge(other)
        return True

    with ThreadPoolExecutor(2) as pool:
        jobs = [pool.submit(work, a, b), pool.submit(work, b, a)]
        assert all(job.result(PATIENCE) for job in jobs)
    assert a.n_samples > 50
    assert np.isfinite(a.covariance("x", "x")).all()


@pytest.mark.parametrize("kind", [fastcca.Moments, fastcca.QRFactor])
def test_no_first_batch_is_lost_where_several_come_at_once(kind):
    batch = np.random.default_rng(0).normal(size=(50, 3))
    together = threading.Barrier(4)

    def add(state):
        together.wait(PATIENCE)
        state.update(batch)
        return True

    with ThreadPoolExecutor(4) as pool:
        for _ in range(50):
            state = kind()
            assert all(job.result(PATIENCE) for job in [pool.submit(add, state) for _ in range(4)])
            assert state.n_samples == 4 * len(batch)


def test_a_state_can_be_read_while_it_grows():
    rng = np.random.default_rng(0)
    batch = rng.normal(size=(500, 40))
    moments = fastcca.Moments()
    moments.update(batch)
    mean = moments.mean("x")
    done = threading.Event()

    def write():
        for _ in range(50):
            moments.update(batch)
        done.set()

    def read():
        while not done.is_set():
            copy = pickle.loads(pickle.dumps(moments.copy()))
            assert copy.n_samples % 500 == 0
            # Whole batches alone: the same samples over and over have the same mean.
            np.testing.assert_allclose(copy.mean("x"), mean, atol=1e-12)
        return True

    with ThreadPoolExecutor(3) as pool:
        readers = [pool.submit(read) for _ in range(2)]
        pool.submit(write).result(PATIENCE)
        assert all(reader.result(PATIENCE) for reader in readers)
    assert moments.n_samples == 51 * 500


@pytest.mark.parametrize("measure", ["cca", "pls", "svcca"])
def test_a_result_is_of_one_moment_while_samples_are_added(measure):
    # The mean of the batch k is k, so that the mean of all tells how many there were.
    noise = np.random.default_rng(3).normal(scale=300, size=(3000, 2, 20, 4))
    noise -= noise.mean(axis=2, keepdims=True)
    batches = [k + noise[k] for k in range(3000)]
    moments = fastcca.Moments()
    moments.update(*batches[0])
    failed = []

    def add():
        try:
            for batch in batches[1:]:
                moments.update(*batch)
        except BaseException as error:
            failed.append(error)
            raise

    adding = threading.Thread(target=add)
    adding.start()
    seen = set()
    while adding.is_alive():
        result = getattr(fastcca, measure)(moments)
        counts = result.n_samples // 20
        assert result.n_samples == counts * 20
        np.testing.assert_allclose(result.x_mean, (counts - 1) / 2, atol=1e-6)
        np.testing.assert_allclose(result.y_mean, (counts - 1) / 2, atol=1e-6)
        seen.add(counts)
    adding.join(PATIENCE)
    assert not failed
    assert len(seen) > 1
