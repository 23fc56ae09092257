"""Arrays from files: ``.npy``, ``.npz`` and ``.safetensors``, never pickles."""

from __future__ import annotations

import json
import re
import zipfile
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastcca._inputs.bfloat16 import BFLOAT16
from fastcca.cli.errors import UserError, require_extra

READABLE = (".npy", ".npz", ".safetensors")
PICKLES = (".p", ".pkl", ".pickle", ".pt", ".pth", ".joblib")

# The 8-bit floats are missing.
_SAFETENSORS_DTYPES: dict[str, str | np.dtype[Any]] = {
    "BOOL": "?",
    "I8": "<i1",
    "I16": "<i2",
    "I32": "<i4",
    "I64": "<i8",
    "U8": "<u1",
    "U16": "<u2",
    "U32": "<u4",
    "U64": "<u8",
    "F16": "<f2",
    "BF16": BFLOAT16,
    "F32": "<f4",
    "F64": "<f8",
    "C64": "<c8",
}


def read_array(spec: str) -> NDArray[Any]:
    """Read one array, as a read-only memory map where the format permits one.

    Parameters
    ----------
    spec
        ``FILE``, or ``FILE:NAME`` for one array of a file that holds several.

    Returns
    -------
    ndarray
        The array as stored. ``.npy`` and ``.safetensors`` are mapped, not loaded;
        ``.npz`` is a zip archive and its array is loaded.

    Raises
    ------
    UserError
        If the file or the array is missing, ambiguous, damaged, of an unknown kind or a pickle.
    """
    path, name = _split(spec)
    suffix = path.suffix.lower()
    if suffix in PICKLES:
        raise _pickle_refused(path)
    try:
        with path.open("rb") as file:
            head = file.read(8)
        if suffix not in READABLE:
            if _looks_like_pickle(head):
                raise _pickle_refused(path)
            raise UserError(f"cannot tell what {path} is; files end in {', '.join(READABLE)}")
        if suffix == ".npy":
            return _read_npy(path, name, head)
        if suffix == ".npz":
            return _read_npz(path, name, head)
        return _read_safetensors(path, name)
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror or error}") from error


def read_layers(spec: str) -> dict[str, NDArray[Any]]:
    """Read all arrays of a file or folder, as `read_array` reads each.

    Parameters
    ----------
    spec
        A folder of ``.npy`` files, an ``.npz`` or ``.safetensors`` file, or ``FILE`` or
        ``FILE:NAME`` as in `read_array` for a single layer.

    Returns
    -------
    dict of str to ndarray
        By name, for ``.npy`` that of the file without its suffix; numbers in names count as
        numbers, so that conv2 comes before conv10.

    Raises
    ------
    UserError
        As `read_array`, and where there is no array.
    """
    path = Path(spec)
    if path.is_dir():
        files = sorted(path.glob("*.npy"), key=lambda file: _natural(file.stem))
        if not files:
            raise UserError(f"{path} is a folder without .npy files")
        return {file.stem: read_array(str(file)) for file in files}
    if not (path.is_file() and path.suffix.lower() in (".npz", ".safetensors")):
        chosen_from, name = _split(spec)
        return {name or chosen_from.stem: read_array(spec)}
    try:
        names = _npz_names(path) if path.suffix.lower() == ".npz" else _safetensors_names(path)
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror or error}") from error
    if not names:
        raise UserError(f"{path} holds no array")
    return {name: read_array(f"{spec}:{name}") for name in sorted(names, key=_natural)}


def _natural(name: str) -> list[tuple[int, int, str]]:
    """Sort key in which runs of digits are numbers."""
    return [
        (0, int(part), "") if part.isdecimal() else (1, 0, part)
        for part in re.split(r"(\d+)", name)
        if part
    ]


def _split(spec: str) -> tuple[Path, str | None]:
    """Split ``FILE:NAME``; both halves may hold colons, so the file is what exists."""
    if Path(spec).exists():
        return Path(spec), None
    for at, character in enumerate(spec):
        if character == ":" and Path(spec[:at]).is_file():
            return Path(spec[:at]), spec[at + 1 :]
    raise UserError(f"no such file: {spec}")


def _read_npy(path: Path, name: str | None, head: bytes) -> NDArray[Any]:
    if name is not None:
        raise UserError(f"{path} holds one array, which has no name: leave out ':{name}'")
    if not head.startswith(b"\x93NUMPY"):
        raise (
            _pickle_refused(path) if _looks_like_pickle(head) else _damaged(path, "no .npy header")
        )
    try:
        array: NDArray[Any] = np.load(path, mmap_mode="r", allow_pickle=False)
    except (ValueError, EOFError) as error:
        raise _refusal(path, error) from error
    return array


def _check_zip(path: Path, head: bytes) -> None:
    if not head.startswith(b"PK"):
        raise (
            _pickle_refused(path) if _looks_like_pickle(head) else _damaged(path, "not a zip file")
        )


def _npz_names(path: Path) -> list[str]:
    try:
        with path.open("rb") as file:
            _check_zip(path, file.read(8))
            file.seek(0)
            with np.load(file, allow_pickle=False) as archive:
                return list(archive.files)
    except (ValueError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise _refusal(path, error) from error


def _read_npz(path: Path, name: str | None, head: bytes) -> NDArray[Any]:
    _check_zip(path, head)
    try:
        # opened here, since np.load leaves a damaged file open
        with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
            array = archive[_choose(path, name, archive.files)]
    except (ValueError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise _refusal(path, error) from error
    if not isinstance(array, np.ndarray):
        raise _damaged(path, "what it holds under this name is no array")
    return array


def _safetensors_names(path: Path) -> list[str]:
    require_extra("files", {"safetensors": "safetensors"}, purpose=f"reading {path}")
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="numpy") as file:
            return list(file.keys())
    except SafetensorError as error:
        raise _damaged(path, str(error)) from error


def _read_safetensors(path: Path, name: str | None) -> NDArray[Any]:
    # The library checks the header; it would also copy the array, so the array is mapped here.
    # The format: 8 bytes of header length, the header in JSON, then the data.
    chosen = _choose(path, name, _safetensors_names(path))
    with path.open("rb") as stream:
        length = int.from_bytes(stream.read(8), "little")
        entry = json.loads(stream.read(length))[chosen]
    if entry["dtype"] not in _SAFETENSORS_DTYPES:
        raise UserError(
            f"{path}: {chosen} is of type {entry['dtype']}, which numpy does not have; "
            "save it as float32"
        )
    dtype, shape = np.dtype(_SAFETENSORS_DTYPES[entry["dtype"]]), tuple(entry["shape"])
    if 0 in shape:
        return np.empty(shape, dtype)
    offset = 8 + length + entry["data_offsets"][0]
    return np.memmap(path, dtype, mode="r", offset=offset, shape=shape)


def _choose(path: Path, name: str | None, names: Sequence[str]) -> str:
    shown = ", ".join(names[:20]) + (f" and {len(names) - 20} more" if len(names) > 20 else "")
    if name is None:
        if len(names) == 1:
            return names[0]
        if not names:
            raise UserError(f"{path} holds no array")
        raise UserError(f"{path} holds several arrays; choose one as {path}:NAME from: {shown}")
    if name not in names:
        raise UserError(f"{path} has no array '{name}'; it holds: {shown or 'none'}")
    return name


def _looks_like_pickle(head: bytes) -> bool:
    return len(head) > 1 and head[0] == 0x80 and 2 <= head[1] <= 5


def _pickle_refused(path: Path) -> UserError:
    return UserError(
        f"{path} is a pickle, and loading a pickle runs code from it. Where you trust the file, "
        f"load it yourself and save the array: numpy.save('{path.stem}.npy', array)"
    )


def _refusal(path: Path, error: Exception) -> UserError:
    # numpy has no exception of its own for arrays of Python objects, stored as pickles
    return _pickle_refused(path) if "object" in str(error).lower() else _damaged(path, str(error))


def _damaged(path: Path, reason: str) -> UserError:
    return UserError(f"cannot read {path}: {' '.join(reason.split())}")
