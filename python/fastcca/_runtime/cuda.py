"""The compiled module of CUDA devices: whether it is there, and whether it can run here."""

from __future__ import annotations

import ctypes
import functools
import importlib
import importlib.util
import os
from pathlib import Path
from types import ModuleType
from typing import Any

_NAME = "fastcca._cuda"
_BUILD = "build it in, with FASTCCA_CUDA=1 pip install --no-binary fastcca fastcca"
_LIBRARIES = 'install them with pip install "fastcca[cuda13]"'
_DRIVER = "CUDA 13 needs an NVIDIA driver of version 580 or newer"
# Of the packages that the extra cuda13 brings, each after those that it needs.
_PRELOADED = ("cudart", "nvJitLink", "cublasLt", "cublas", "cusparse", "cusolver", "cufft")


def unusable() -> str:
    """Return why CUDA cannot be used here, with the way out; an empty text where it can.

    This starts the driver, which no child process survives that is forked afterwards.
    """
    loaded, reason = _load()
    if loaded is None:
        return reason
    if _forked:
        return (
            "this process was forked from one that had used CUDA, which CUDA does not allow; "
            "start processes by multiprocessing's method 'spawn' or 'forkserver'"
        )
    reason = _config(loaded)["unusable"]
    return f"{reason}; {_DRIVER}" if reason else ""


def module() -> Any:
    """Return the module.

    Raises
    ------
    RuntimeError
        Where CUDA cannot be used.
    """
    if reason := unusable():
        raise RuntimeError(f"backend='cuda' cannot run here: {reason}")
    return _load()[0]


def device_count() -> int:
    """Return how many devices there are; CUDA must be usable."""
    return len(_config(module())["devices"])


def config() -> dict[str, object]:
    """Return what `build_config` tells of CUDA."""
    loaded, _ = _load()
    reason = unusable()
    out: dict[str, object] = {
        "built": importlib.util.find_spec(_NAME) is not None,
        "usable": not reason,
        "unusable": reason,
    }
    if loaded is not None and not _forked:
        out |= {k: v for k, v in _config(loaded).items() if k != "unusable"}
    return out


def _config(loaded: ModuleType) -> dict[str, Any]:
    global _started
    _started = True
    found: dict[str, Any] = loaded.config()
    return found


@functools.cache
def _load() -> tuple[ModuleType | None, str]:
    """Import the module once; None and the reason where that fails."""
    if importlib.util.find_spec(_NAME) is None:
        return None, f"this fastcca was built without CUDA; {_BUILD}"
    try:
        return importlib.import_module(_NAME), ""
    except ImportError:
        # Its own search path holds NVIDIA's libraries where pip put all of it into one folder.
        _preload()
    try:
        return importlib.import_module(_NAME), ""
    except ImportError as error:
        return None, f"NVIDIA's libraries are missing ({error}); {_LIBRARIES}"


def _preload() -> None:
    """Load NVIDIA's libraries from their PyPI packages, wherever these are installed."""
    for folder in _library_folders():
        for name in _PRELOADED:
            for path in sorted(folder.glob(f"lib{name}.so.*")):
                try:
                    ctypes.CDLL(str(path))
                except OSError:
                    continue  # the import that follows says what is missing


def _library_folders() -> list[Path]:
    try:
        spec = importlib.util.find_spec("nvidia.cu13")
    except ImportError:
        return []
    if spec is None or spec.submodule_search_locations is None:
        return []
    return [Path(root) / "lib" for root in spec.submodule_search_locations]


_started = False
_forked = False


def _note_fork() -> None:
    global _forked
    _forked = _started


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_note_fork)
