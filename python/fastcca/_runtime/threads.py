"""Threads of the compiled core, and one thread of the BLAS where there are many of ours."""

from __future__ import annotations

import functools
import operator
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from fastcca import _core

if TYPE_CHECKING:
    from threadpoolctl import ThreadpoolController, threadpool_limits


def set_num_threads(k: int) -> None:
    """Limit the threads of the compiled core; the bits of `Moments` do not depend on it.

    Parameters
    ----------
    k : int
        At least 1; 0 returns to the default, FASTCCA_NUM_THREADS or all cores that the process may
        run on. The BLAS part follows the limits of SciPy's BLAS, which `threadpoolctl` sets.
    """
    k = operator.index(k)
    if not 0 <= k <= 4096:
        raise ValueError(f"k={k} must lie between 0 (the default) and 4096")
    _core.set_num_threads(k)


def get_num_threads() -> int:
    """Return how many threads the compiled core uses at most."""
    return _core.num_threads()


@contextmanager
def threads_for_many() -> Iterator[int]:
    """Limit the BLAS to one thread, and yield on how many threads to solve problems.

    Threads of ours that each call a BLAS with threads of its own wait for each other, for far
    longer than the problems take. The limit needs threadpoolctl and holds for the whole process
    while it lasts. Without threadpoolctl one problem is solved after the other.
    """
    controller = _controller()
    if controller is None:
        yield 1
        return
    _limit.enter(controller)
    try:
        yield _core.num_threads()
    finally:
        _limit.leave()


class _SharedLimit:
    """The limit of all threads of the process that need it: the last one to leave lifts it.

    One limit for each of them would take the limit of another for the state to go back to.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._users = 0
        self._limiter: threadpool_limits | None = None

    def enter(self, controller: ThreadpoolController) -> None:
        with self._lock:
            if self._users == 0:
                self._limiter = controller.limit(limits=1, user_api="blas")
            self._users += 1

    def leave(self) -> None:
        with self._lock:
            self._users -= 1
            if self._users == 0:
                self._lift()

    def forget_other_threads(self) -> None:
        """Be as new in a forked process, where they do not exist."""
        self._lock = threading.Lock()
        self._users = 0
        self._lift()

    def _lift(self) -> None:
        limiter, self._limiter = self._limiter, None
        if limiter is not None:
            limiter.restore_original_limits()


_limit = _SharedLimit()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_limit.forget_other_threads)


@functools.cache
def _controller() -> ThreadpoolController | None:
    try:
        from threadpoolctl import ThreadpoolController
    except ImportError:
        return None
    return ThreadpoolController()
