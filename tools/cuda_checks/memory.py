"""Running out of the device's memory, and going on."""

import ctypes
import math
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np

import fastcca

from .libraries import library, must


def check() -> bool:
    """Ask for states too large for the device, and for what is free of it, and go on."""
    rng = np.random.default_rng(0)
    small = rng.normal(size=(4000, 50))
    state = fastcca.Moments(backend="cuda")
    state.update(small)
    before = state.covariance("x", "x")
    cuda = library("libcudart.so.13", "cudaMalloc")
    _, total = _free_and_total(cuda)
    # Of three matrices, as update needs at most, one fits into half of the device, or none at all.
    fitting = math.isqrt(total // (2 * 3 * 8))
    good = _is_refused(4 * fitting, "more than the device has")
    with _filled(cuda, leave=total // 16):
        good &= _is_refused(fitting, "more than is free")
        state.update(small)
    again = state.covariance("x", "x")
    expected = before * (len(small) - 1) * 2 / (2 * len(small) - 1)
    goes_on = np.allclose(again, expected, rtol=1e-12)
    print(f"  the state made before {'goes on' if goes_on else 'is spoiled'}")
    fastcca.Moments(backend="cuda").update(np.ones((4, fitting), dtype=np.float16))
    print(f"  {fitting} features, which were refused, fit again")
    return good and goes_on


def _is_refused(features: int, why: str) -> bool:
    try:
        fastcca.Moments(backend="cuda").update(np.ones((4, features), dtype=np.float16))
    except MemoryError as error:
        print(f"  {why}: {error}")
        return True
    print(f"  {why}: {features} features were not refused")
    return False


def _free_and_total(cuda: ctypes.CDLL) -> tuple[int, int]:
    free, total = ctypes.c_size_t(), ctypes.c_size_t()
    must(cuda.cudaMemGetInfo(ctypes.byref(free), ctypes.byref(total)))
    return free.value, total.value


@contextmanager
def _filled(cuda: ctypes.CDLL, leave: int) -> Iterator[None]:
    """Hold all of the device's free memory but so many bytes."""
    free, _ = _free_and_total(cuda)
    memory = ctypes.c_void_p()
    must(cuda.cudaMalloc(ctypes.byref(memory), ctypes.c_size_t(max(free - leave, 1))))
    try:
        yield
    finally:
        must(cuda.cudaFree(memory))
