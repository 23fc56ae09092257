"""Processes started every way, from a parent that has used its threads, never hang."""

import contextlib
import multiprocessing
import pickle
import threading
import warnings

import numpy as np
import pytest

import fastcca

METHODS = multiprocessing.get_all_start_methods()
of_forks = pytest.mark.cpu_only("CUDA does not survive a fork")
PATIENCE = 40  # seconds; a child that hangs is ended


def moments():
    rng = np.random.default_rng(0)
    state = fastcca.Moments()
    state.update(*rng.normal(size=(2, 6000, 30)))
    return pickle.dumps(state)


def answers():
    """Bits of one of everything; large enough for several threads, too small for the BLAS's."""
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(2, 6000, 30))
    maps = rng.normal(size=(2, 60, 4, 4, 3))
    state = fastcca.Moments()
    state.update(x, y)
    factor = fastcca.QRFactor()
    factor.update(x, y)
    return [
        pickle.dumps(state),
        pickle.dumps(factor),
        fastcca.cca(state).correlations.tobytes(),
        fastcca.svcca(state).correlations.tobytes(),
        fastcca.pls(state).singular_values.tobytes(),
        fastcca.dft_cca(*maps, layout="NHWC").correlations.tobytes(),
    ]


def send_answers(connection):
    connection.send(answers())
    connection.close()


def send_fresh_and_inherited(connection, busy):
    """A state that the parent's thread was changing says so, and waits for nobody."""
    try:
        found = str(busy.n_samples)
    except RuntimeError as error:
        found = str(error)
    # Nothing here needs the BLAS: OpenBLAS ends its threads for a fork, and a call of another
    # thread that is waiting for them then waits for good, in the parent.
    connection.send((moments(), found))
    connection.close()


@contextlib.contextmanager
def child(context, target, *args):
    """What a child process sends."""
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=target, args=(sender, *args))
    with warnings.catch_warnings():
        # Python 3.12 warns of a fork while there are threads: that this works is the test.
        warnings.simplefilter("ignore", DeprecationWarning)
        process.start()
    sender.close()
    try:
        assert receiver.poll(PATIENCE), "the child hangs"
        yield receiver.recv()
        process.join(PATIENCE)
        assert process.exitcode == 0
    finally:
        if process.is_alive():
            process.kill()
        process.join()
        process.close()
        receiver.close()


@pytest.fixture(autouse=True)
def few_threads(monkeypatch):
    monkeypatch.setenv("FASTCCA_NUM_THREADS", "3")
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "2")


@pytest.mark.parametrize(
    "method", [pytest.param(m, marks=of_forks) if m == "fork" else m for m in METHODS]
)
def test_children_give_the_same_bits(method):
    context = multiprocessing.get_context(method)
    with child(context, send_answers) as before:
        pass
    here = answers()  # by now the parent has used its threads
    assert before == here
    with child(context, send_answers) as after:
        assert answers() == here  # at the same time as the child
    assert after == here


@of_forks
@pytest.mark.skipif("fork" not in METHODS, reason="this system does not fork")
def test_fork_while_another_thread_is_inside_an_update():
    context = multiprocessing.get_context("fork")
    busy = fastcca.Moments()
    row = np.random.default_rng(0).normal(size=600).astype("f4")
    stop = threading.Event()

    def work():
        while not stop.is_set():
            busy.update(np.broadcast_to(row, (20_000, 600)))

    threads = [threading.Thread(target=work)]
    here = moments()
    for thread in threads:
        thread.start()
    try:
        for _ in range(3):
            with child(context, send_fresh_and_inherited, busy) as (there, found):
                assert there == here
                assert found.isdigit() or "when the process was forked" in found
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert busy.n_samples % 20_000 == 0
