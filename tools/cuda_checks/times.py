"""Times beside those of the device's own matrix products."""

import ctypes
import statistics
import time
from collections.abc import Callable
from functools import partial

import numpy as np

import fastcca

from .libraries import library, must

ROUNDS = 5
GEMM_SIZE = 8192
MAPS = (5_000, 16, 16, 64)
CASES = ((100_000, 512, "float32"), (1_000_000, 512, "float16"), (100_000, 4096, "float32"))


def seconds(call: Callable[[], object]) -> float:
    """Median of some rounds after one that is not counted."""
    call()
    found = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        call()
        found.append(time.perf_counter() - start)
    return statistics.median(found)


def gemm_rate(double: bool) -> float:
    """Flops per second of cuBLAS's own product of two square matrices."""
    cuda = library("libcudart.so.13", "cudaMalloc")
    blas = library("libcublas.so.13", "cublasCreate_v2")
    scalar = ctypes.c_double if double else ctypes.c_float
    handle, stream, a, c = (ctypes.c_void_p() for _ in range(4))
    size = GEMM_SIZE * GEMM_SIZE * ctypes.sizeof(scalar)

    must(blas.cublasCreate_v2(ctypes.byref(handle)))
    must(cuda.cudaStreamCreateWithFlags(ctypes.byref(stream), 1))
    must(blas.cublasSetStream_v2(handle, stream))
    must(cuda.cudaMalloc(ctypes.byref(a), ctypes.c_size_t(size)))
    must(cuda.cudaMalloc(ctypes.byref(c), ctypes.c_size_t(size)))
    must(cuda.cudaMemsetAsync(a, 0, ctypes.c_size_t(size), stream))
    one, zero, n = scalar(1.0), scalar(0.0), ctypes.c_int(GEMM_SIZE)
    gemm = blas.cublasDgemm_v2 if double else blas.cublasSgemm_v2

    def call() -> None:
        factors = (ctypes.byref(one), a, n, a, n, ctypes.byref(zero), c, n)
        must(gemm(handle, 0, 1, n, n, n, *factors))
        must(cuda.cudaStreamSynchronize(stream))

    rate = 2.0 * GEMM_SIZE**3 / seconds(call)
    for pointer in (a, c):
        must(cuda.cudaFree(pointer))
    must(blas.cublasDestroy_v2(handle))
    must(cuda.cudaStreamDestroy(stream))
    return rate


def times_of(n: int, p: int, dtype: str, precision: str) -> tuple[float, float]:
    """Return seconds of moments and of a whole cca of two blocks in the host's memory."""
    rng = np.random.default_rng(0)
    x = rng.standard_normal((n, p), dtype=np.float32).astype(dtype)
    y = np.ascontiguousarray(x[:, ::-1]) + x[::-1]

    def moments() -> None:
        fastcca.Moments(precision=precision, backend="cuda").update(x, y)

    def cca() -> None:
        fastcca.cca(x, y, precision=precision, backend="cuda", method="moments")

    return seconds(moments), seconds(cca)


def print_times_of_maps() -> None:
    """Print seconds of `dft_cca` on both backends."""
    rng = np.random.default_rng(0)
    x = rng.standard_normal(MAPS, dtype=np.float32)
    y = x[:, ::-1] + rng.standard_normal(MAPS, dtype=np.float32)
    found = {b: seconds(partial(fastcca.dft_cca, x, y, backend=b)) for b in ("cpu", "cuda")}
    told = ", ".join(f"{backend} {value:.3f}s" for backend, value in found.items())
    print(f"  dft_cca of maps {MAPS}: {told}")


def check() -> bool:
    """Print times beside those of the product alone."""
    rates = {"double": gemm_rate(True), "single": gemm_rate(False)}
    for precision, rate in rates.items():
        print(f"  gemm in {precision} precision: {rate / 1e12:.2f} Tflop/s")
    print("    samples features   dtype precision   moments       cca   floor")
    for n, p, dtype in CASES:
        for precision, rate in rates.items():
            moments, cca = times_of(n, p, dtype, precision)
            floor = n * (2.0 * p) ** 2 / rate
            print(
                f"  {n:9} {p:8} {dtype:>7} {precision:>9} {moments:8.3f}s {cca:8.3f}s {floor:6.3f}s"
            )
    print_times_of_maps()
    return True
