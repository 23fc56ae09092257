"""What the calls are made of: arrays, maps, states, files."""

from __future__ import annotations

import copy
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

import fastcca

rng = np.random.default_rng(20261201)


def related(n: int, p: int, q: int, noise: float = 0.7) -> tuple[Any, Any]:
    """Two blocks that share three directions."""
    hidden = rng.normal(size=(n, 3))
    x = hidden @ rng.normal(size=(3, p)) + noise * rng.normal(size=(n, p))
    y = hidden @ rng.normal(size=(3, q)) + noise * rng.normal(size=(n, q))
    return x, y


X, Y = related(400, 7, 5)
X32, Y32 = X.astype(np.float32), Y.astype(np.float32)
WIDE_X, WIDE_Y = related(60, 150, 90)
WIDE_MIXED = X[:60]
DEAD = X.copy()
DEAD[:, 2] = 4.0
FLAT = np.ones((400, 3))
HARD = np.hstack([X, X[:, :2] + 1e-7 * rng.normal(size=(400, 2))])
FEW_X, FEW_Y = X[:30], Y[:30]
Z = X + 1j * rng.normal(size=X.shape)
W = Y - 1j * rng.normal(size=Y.shape) + 0.3j * X[:, :5]
MAPS_X = rng.normal(size=(120, 6, 4, 3)) + X[:120, None, None, :3]
MAPS_Y = rng.normal(size=(120, 6, 4, 4)) + Y[:120, None, None, :4]
SMALL_Y = rng.normal(size=(120, 3, 5, 4)) + Y[:120, None, None, :4]
NCHW = np.ascontiguousarray(MAPS_X.transpose(0, 3, 1, 2))
TOKENS = rng.normal(size=(120, 9, 3)) + X[:120, None, :3]
HUGE, TINY = X * 1e160, X * 1e-170
BAD = X.copy()
BAD[17, 3] = np.nan
GROUPS = np.repeat(np.arange(80), 5)


def moments(*blocks: Any, **options: Any) -> fastcca.Moments:
    """Accumulate blocks in two batches."""
    state = fastcca.Moments(**options)
    for rows in (slice(0, 150), slice(150, None)):
        state.update(*(block[rows] for block in blocks))
    return state


def factor(*blocks: Any) -> fastcca.QRFactor:
    """Accumulate blocks in two batches."""
    state = fastcca.QRFactor()
    for rows in (slice(0, 150), slice(150, None)):
        state.update(*(block[rows] for block in blocks))
    return state


def layers() -> dict[str, Any]:
    """Three narrow layers and a wide one."""
    return {"conv1": WIDE_X[:, :6], "conv2": WIDE_Y[:, :5], "wide": WIDE_X, "out": WIDE_MIXED}


def named() -> fastcca.Moments:
    """Accumulate four blocks of two networks, of which pairs of one name are kept."""
    state = fastcca.Moments(pairs="same-name")
    state.update(**{"a/1": X, "b/1": Y, "a/2": X[:, :4], "b/2": Y[:, :3]})
    return state


def stored(data: Any) -> Any:
    """Put an array into a file of HDF5 that stays open."""
    import h5py

    folder = Path(tempfile.mkdtemp())
    file = h5py.File(folder / "data.h5", "w")
    return file.create_dataset("data", data=data, chunks=(25, *data.shape[1:]))


def old_pickle(state: Any, version: int) -> Any:
    """Read a state as a format before this one has stored it."""
    restore, (content,) = state.__reduce__()
    newer = {1: ("precision", "pairs"), 2: ("pairs",), 3: ()}[version]
    content = {key: value for key, value in copy.deepcopy(content).items() if key not in newer}
    return restore(content | {"format": version})
