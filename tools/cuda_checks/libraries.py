"""NVIDIA's libraries as this process has loaded them, or what stands in for them."""

import ctypes

__all__ = ["library", "must"]


def library(name: str, symbol: str) -> ctypes.CDLL:
    """Return the library that a symbol comes from; fastcca has loaded it."""
    loaded = ctypes.CDLL(None)
    return loaded if hasattr(loaded, symbol) else ctypes.CDLL(name)


def must(status: int) -> None:
    """Raise where a call has failed."""
    if status != 0:
        raise RuntimeError(f"a call of CUDA returned {status}")
