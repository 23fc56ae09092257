"""Many small problems at once: our threads, and one thread of the BLAS in each."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from fastcca import _core

if TYPE_CHECKING:
    from threadpoolctl import ThreadpoolController

__all__ = ["threads_for_many"]


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
    with controller.limit(limits=1, user_api="blas"):
        yield _core.num_threads()


@functools.cache
def _controller() -> ThreadpoolController | None:
    try:
        from threadpoolctl import ThreadpoolController
    except ImportError:
        return None
    return ThreadpoolController()
