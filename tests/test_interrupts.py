"""Ctrl-C and other signals end long calls, which leave their state as it was.

Every call would take hours: samples are one row, repeated by a stride of 0.
"""

import json
import os
import signal
import subprocess
import sys
import textwrap

import pytest

pytestmark = pytest.mark.skipif(
    not hasattr(signal, "setitimer"), reason="sends signals as POSIX does"
)

START = """
import json, os, pickle, signal, sys, threading, time
import numpy as np
import fastcca
from fastcca import _core

# Children of a shell's background jobs start with Ctrl-C ignored.
signal.signal(signal.SIGINT, signal.default_int_handler)
rng = np.random.default_rng(0)

def endless(p, n=10**10):
    return np.broadcast_to(rng.normal(size=p).astype("f4"), (n, p))

def interrupted(call, error=KeyboardInterrupt):
    # The timer's thread needs the GIL: a call that waits with it in hand would never end.
    timer = threading.Timer(0.15, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    try:
        call()
    except BaseException as e:
        assert type(e) is error, repr(e)
        assert e.__cause__ is None
        return True
    finally:
        timer.join()
    return False
"""


def run(code, timeout=60):
    """What the code prints, as JSON. Endless threads of it end with the process."""
    out = subprocess.run(
        [sys.executable, "-c", START + textwrap.dedent(code) + "\nsys.stdout.flush(); os._exit(0)"],
        env={**os.environ, "FASTCCA_NUM_THREADS": "2"},
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )
    assert out.returncode == 0, out.stderr
    return json.loads(out.stdout)


@pytest.mark.parametrize("threads", [1, 2])
def test_ctrl_c_ends_an_update_and_keeps_the_state(threads):
    results = run(f"""
    fastcca.set_num_threads({threads})
    results = {{}}
    for kind in (fastcca.Moments, fastcca.QRFactor):
        for p in (9, 600):
            first, last = rng.normal(size=(2, 700, p))
            state, untouched = kind(), kind()
            state.update(first)
            untouched.update(first)
            before = pickle.dumps(state)
            ended = interrupted(lambda: state.update(endless(p)))
            same = pickle.dumps(state) == before
            state.update(last)
            untouched.update(last)
            right = pickle.dumps(state) == pickle.dumps(untouched)
            results[f"{{kind.__name__}} {{p}}"] = [ended, same, right]
    print(json.dumps(results))
    """)
    assert len(results) == 4
    for name, result in results.items():
        assert result == [True, True, True], name


def test_ctrl_c_ends_every_function():
    results = run("""
    x, y = rng.normal(size=(2, 300, 5))
    expected = fastcca.cca(x, y).correlations.tobytes()
    long_x, long_y = endless(5), endless(4)
    maps = np.broadcast_to(rng.normal(size=(4, 4, 3)), (10**9, 4, 4, 3))
    states = [_core.Moments() for _ in range(3)]
    pair = _core.Moments()
    pair.update(["x", "x.imag", "y", "y.imag"], list(rng.normal(size=(4, 1000, 60))))
    energy = [1.0] * 60
    many = [pair] * 100_000
    calls = {
        "cca": lambda: fastcca.cca(long_x, long_y),
        "qr": lambda: fastcca.cca(long_x, long_y, method="qr"),
        "svcca": lambda: fastcca.svcca(long_x, long_y),
        "pls": lambda: fastcca.pls(long_x, long_y),
        "pca": lambda: fastcca.pca(long_x),
        "cka": lambda: fastcca.cka(long_x, long_y),
        "permutation_test": lambda: fastcca.permutation_test(x, y, n_permutations=100_000),
        "bootstrap": lambda: fastcca.bootstrap(x, y, n_resamples=100_000),
        "dft_cca": lambda: fastcca.dft_cca(maps, maps, layout="NHWC"),
        "update_many": lambda: _core.update_many(
            states, ["x"], [[endless(5)] for _ in states], ["float32"]
        ),
        "solve_many": lambda: _core.solve_complex_cca_many(
            many, (0, 1), (2, 3), 0.0, True, energy, energy, 2
        ),
    }
    results = {name: interrupted(call) for name, call in calls.items()}
    results["right afterwards"] = fastcca.cca(x, y).correlations.tobytes() == expected
    results["states"] = [state.n_samples for state in states] == [0, 0, 0]
    print(json.dumps(results))
    """)
    assert len(results) == 13
    assert all(results.values()), results


def test_a_handler_may_read_the_state_and_not_change_it():
    results = run("""
    class Enough(Exception): pass
    state = fastcca.Moments()
    state.update(rng.normal(size=(50, 600)))
    before = pickle.dumps(state)
    seen = []
    def handler(*_):
        seen.append([state.n_samples, pickle.dumps(state) == before])
        for change in (lambda: state.update(np.ones((3, 600))), lambda: state.merge(state)):
            try:
                change()
            except RuntimeError as e:
                seen[-1].append("not change it" in str(e))
        x, y = rng.normal(size=(2, 300, 5))
        fastcca.cca(x, y)
        if len(seen) == 3:
            raise Enough
        signal.setitimer(signal.ITIMER_REAL, 0.1)  # only now: a slow handler would interrupt itself
    signal.signal(signal.SIGALRM, handler)
    signal.setitimer(signal.ITIMER_REAL, 0.1)
    try:
        state.update(endless(600))
    except Enough as e:
        ended = e.__cause__ is None and e.__context__ is None
    signal.setitimer(signal.ITIMER_REAL, 0)
    print(json.dumps([ended, seen, pickle.dumps(state) == before]))
    """)
    assert results == [True, [[50, True, True, True]] * 3, True]


def test_handlers_that_return_change_nothing():
    """Nor does a signal end a call on another thread than Python's main one."""
    results = run("""
    x = rng.normal(size=(5000, 600)).astype("f4")
    def bits(times=1):
        state = fastcca.Moments()
        for _ in range(times):
            state.update(x)
        return pickle.dumps(state)
    expected = [bits(), bits(4)]
    ticks = []
    signal.signal(signal.SIGALRM, lambda *_: ticks.append(1))
    signal.setitimer(signal.ITIMER_REAL, 0.01, 0.01)
    here = bits()
    there = []
    # Not join: Python 3.11 takes a thread for ended whose join was interrupted.
    done = threading.Event()
    def work():
        there.append(bits(4))
        done.set()
    threading.Thread(target=work).start()
    interrupts = 0
    while not done.is_set():
        try:
            os.kill(os.getpid(), signal.SIGINT)
            done.wait(0.05)
        except KeyboardInterrupt:
            interrupts += 1
    signal.setitimer(signal.ITIMER_REAL, 0)
    print(json.dumps([here == expected[0], there == expected[1:], len(ticks) > 0, interrupts > 0]))
    """)
    assert results == [True, True, True, True]


@pytest.mark.cpu_only("calls on one device take turns, and the first one here never ends")
def test_waiting_for_a_state_stops_no_other_thread_and_can_be_ended():
    results = run("""
    x = rng.normal(size=(50, 9))
    results = {}
    for kind in (fastcca.Moments, fastcca.QRFactor):
        state = kind()
        state.update(x)
        threading.Thread(target=state.update, args=(endless(9),), daemon=True).start()
        time.sleep(0.1)
        core = state._state
        reads = {
            "n_samples": lambda: core.n_samples,
            "block_names": lambda: core.block_names,
            "mean": lambda: core.mean(0),
            "precision": lambda: core.precision(0),
            "matrix": lambda: core.scatter(0, 0) if hasattr(core, "scatter") else core.factor,
            "clone": core.clone,
            "merge": lambda: core.merge(type(core)()),
            "merged": lambda: type(core)().merge(core),
            "pickle": lambda: pickle.dumps(state),
        }
        for name, read in reads.items():
            results[f"{kind.__name__} {name}"] = interrupted(read)
    print(json.dumps(results))
    """)
    assert len(results) == 18
    assert all(results.values()), results
