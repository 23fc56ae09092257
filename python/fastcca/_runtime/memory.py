"""Sizes, checked before anything is allocated: Linux grants memory that it does not have."""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path

from fastcca._runtime import cuda
from fastcca._runtime.compiled import device_at, is_cuda

_CGROUP_LIMITS = (
    "/sys/fs/cgroup/memory.max",
    "/sys/fs/cgroup/memory/memory.limit_in_bytes",
)
# What is smaller is not worth a look.
SMALL = 256 * 2**20


def check_memory(needed: int, what: str, advice: str, place: str = "cpu") -> None:
    """Raise MemoryError where something takes more memory than there is at all.

    Parameters
    ----------
    needed : int
        Bytes.
    what : str
        What takes them, the subject of a sentence in the plural.
    advice : str
        A sentence.
    place : str
        Whose memory: a CUDA device's, such as "cuda:0", or this machine's.
    """
    if needed < SMALL:
        return
    on_device = is_cuda(place)
    limit = device_memory(device_at(place)) if on_device else memory_limit()
    if limit is not None and needed > limit:
        whose = f"CUDA device {device_at(place)}" if on_device else "this machine"
        raise MemoryError(
            f"{what} take {needed} bytes ({needed / 1e9:.1f} GB), but {whose} has "
            f"{limit / 1e9:.1f} GB of memory. {advice}"
        )


@cache
def device_memory(device: int) -> int:
    """Bytes of memory of a CUDA device."""
    return int(cuda.module().device_memory(device))


@cache
def memory_limit() -> int | None:
    """Bytes of memory that this process could have at most, None where that is not known."""
    limits = []
    if hasattr(os, "sysconf") and "SC_PHYS_PAGES" in os.sysconf_names:
        limits.append(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
    for path in _CGROUP_LIMITS:
        try:
            limits.append(int(Path(path).read_text(encoding="ascii")))
        except (OSError, ValueError):  # no such limit, or "max"
            continue
    return min(limits, default=None)
