"""Which implementation does the work: the compiled core, on the CPU or CUDA, or the reference."""

from __future__ import annotations

import os
from collections.abc import Mapping

import numpy as np

from fastcca import _core
from fastcca._runtime import cuda
from fastcca._runtime.compiled import is_cuda
from fastcca._runtime.device_array import device_of
from fastcca._warnings import warn


def backends() -> tuple[str, ...]:
    """Return the names of the backends that can run here, the preferred one first.

    "cuda" is the compiled core on an NVIDIA GPU, "cpu" the same on the CPU, "numpy" the reference
    implementation: clear, slower, and used to check the others.

    Where "cuda" was built, this starts its driver, and processes forked later cannot use it.
    """
    on_cpu = ("numpy",) if _core.lapack_error() else ("cpu", "numpy")
    return on_cpu if cuda.unusable() else ("cuda", *on_cpu)


def resolve(backend: str | None, /, **data: object) -> str:
    """Return where to work: "cpu", "numpy", or a CUDA device such as "cuda:0".

    That is the argument, FASTCCA_BACKEND, or where the data are: their own CUDA device, or the
    CPU. A state, of moments or a factor, stays where it is unless something else is asked for.

    Parameters
    ----------
    backend : str or None
    data
        Arrays, states, or None, by the names that errors use.

    Raises
    ------
    ValueError
        For a backend that is unknown or cannot run here.
    TypeError
        For arrays that it does not read where they are.
    """
    place = _resolved(backend, data)
    if place == "numpy" and backend is None and not chosen_by_environment():
        warn(
            f"no usable LAPACK was found ({_core.lapack_error()}); using backend='numpy', "
            "which gives the same numbers more slowly",
            RuntimeWarning,
        )
    return place


def _resolved(backend: str | None, data: Mapping[str, object]) -> str:
    source = "backend"
    if backend is None:
        backend = chosen_by_environment()
        source = "FASTCCA_BACKEND"
    on_device = check_one_memory(data)
    if backend is None:
        return _where_data_are(data, on_device)
    said = f"{source}={backend!r}"
    if isinstance(backend, str) and (backend == "cuda" or is_cuda(backend)):
        return _cuda_device(backend, said, data, on_device)
    if backend not in ("cpu", "numpy"):
        known = ", ".join(("cpu", "numpy", "cuda"))
        raise ValueError(f"{said} is unknown; there are {known}, and here run {backends()}")
    if on_device:
        name, device = next(iter(on_device.items()))
        raise TypeError(
            f"{name} lies on CUDA device {device}, which {said} does not read: use backend='cuda', "
            f"or copy it to the CPU, with {name}.cpu() in PyTorch"
        )
    if backend == "cpu" and _core.lapack_error():
        raise ValueError(f"{said} cannot run here: {_core.lapack_error()}")
    return backend


def chosen_by_environment() -> str | None:
    """Return what FASTCCA_BACKEND names, if anything."""
    return os.environ.get("FASTCCA_BACKEND") or None


def state_place(backend: str | None, /, **data: object) -> str:
    """Return where to keep a new state: "cpu" or a CUDA device."""
    place = _resolved(backend, data)
    return "cpu" if place == "numpy" else place


def check_one_memory(data: Mapping[str, object]) -> dict[str, int]:
    """Return the CUDA device of every array that lies on one; TypeError where they differ."""
    if all(type(value) is np.ndarray for value in data.values()):  # as of most batches
        return {}
    places = {name: device_of(value, name) for name, value in data.items() if _is_array(value)}
    if len(set(places.values())) < 2:
        return {name: place for name, place in places.items() if place is not None}
    told = ", ".join(
        f"{name} {'in the memory of the CPU' if place is None else f'on CUDA device {place}'}"
        for name, place in places.items()
    )
    raise TypeError(
        f"the arrays lie in different places ({told}); move them to one, with "
        "y.to(x.device) or x.cpu() in PyTorch"
    )


def _is_array(value: object) -> bool:
    return value is not None and not hasattr(value, "_place")


def _where_data_are(data: Mapping[str, object], on_device: dict[str, int]) -> str:
    for value in data.values():
        if place := getattr(value, "_place", None):
            return str(place)
    if on_device:
        # Where CUDA cannot be used, reading the array says so.
        return "cpu" if cuda.unusable() else f"cuda:{next(iter(on_device.values()))}"
    return "numpy" if _core.lapack_error() else "cpu"


def _cuda_device(
    backend: str, said: str, data: Mapping[str, object], on_device: dict[str, int]
) -> str:
    """Return the device that is asked for, or else that of the data, or the first."""
    if reason := cuda.unusable():
        raise ValueError(f"{said} cannot run here: {reason}")
    if backend == "cuda":
        for value in data.values():
            place = getattr(value, "_place", "")
            if is_cuda(place):
                return str(place)
        return f"cuda:{next(iter(on_device.values()), 0)}"
    number = backend.removeprefix("cuda:")
    count = cuda.device_count()
    if not number.isdecimal() or int(number) >= count:
        raise ValueError(
            f"{said} is no CUDA device; there {'is' if count == 1 else 'are'} {count}: "
            f"{', '.join(f'cuda:{i}' for i in range(count))}"
        )
    for name, device in on_device.items():
        if device != int(number):
            raise TypeError(
                f"{name} lies on CUDA device {device}, which {said} does not read: use "
                f"backend='cuda', or copy it to device {number}"
            )
    return f"cuda:{int(number)}"
