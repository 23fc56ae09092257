"""Shared test data: published cases, data with known answers, one array in many layouts."""

import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

DATA = Path(__file__).parent / "data"
# Which backend of compiled code the suite runs on; conftest.py makes it the default one.
COMPILED = os.environ.get("FASTCCA_TEST_BACKEND", "cpu")
BACKENDS = (COMPILED, "numpy")

Array = NDArray[np.float64]
AnyArray = NDArray[Any]


# --- published answers ------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class PublishedCase:
    x: Array  # (n, p)
    y: Array  # (n, q)
    truth: Array  # (k,), correctly rounded from 30 digits
    published: dict[str, Any]  # numbers as printed, in (lists of) strings
    raw: dict[str, Any]  # the whole file


def published_case(name: str) -> PublishedCase:
    """One of carbig, frets, lifecyclesavings, linnerud, mmreg."""
    raw = json.loads((DATA / f"{name}.json").read_text(encoding="utf-8"))
    truth = np.array([float(digits) for digits in raw["cancor_30_digits"]])
    return PublishedCase(
        np.array(raw["x"], dtype=np.float64),
        np.array(raw["y"], dtype=np.float64),
        truth,
        raw["published"],
        raw,
    )


def google_logits() -> dict[str, AnyArray]:
    """google/svcca's MNIST logits, x and y as stored: (10 neurons, 10 000 datapoints) float32."""
    with np.load(DATA / "google_mnist_logits.npz") as stored:
        return {name: stored[name] for name in stored.files}


def assert_printed(actual: Any, printed: Any) -> None:
    """Every printed digit: `actual` is within half a unit of the last place of each number."""
    numbers = np.array(printed)  # of strings
    values = np.asarray(actual, dtype=np.float64)
    assert values.shape == numbers.shape
    for value, number in zip(values.ravel(), numbers.ravel(), strict=True):
        digits = Decimal(str(number))
        half_unit = Decimal((0, (5,), int(digits.as_tuple().exponent) - 1))
        assert abs(Decimal(float(value)) - digits) <= half_unit * Decimal("1.000001"), (
            f"{value!r} does not round to {number}"
        )


def aligned(
    x_weights: Array, y_weights: Array, x_target: Array, y_target: Array | None = None
) -> tuple[Array, Array]:
    """The weights with one sign per pair of columns changed to agree with the target's."""
    signs = np.where(np.sum(x_weights * x_target, axis=0) < 0.0, -1.0, 1.0)
    if y_target is not None:  # the sign is common to both sides: nothing is left to choose here
        assert y_weights.shape == y_target.shape
    return x_weights * signs, y_weights * signs


# --- data with known answers ------------------------------------------------------------------


def known_correlations(
    rho: list[float],
    *,
    n: int,
    p: int,
    q: int,
    kappa: float = 1.0,
    offset: float = 0.0,
    dtype: DTypeLike = np.float64,
    seed: int = 0,
) -> tuple[AnyArray, AnyArray]:
    """Blocks x (n, p) and y (n, q) with sample canonical correlations `rho`, then zeros.

    Each block has unit variances, the condition number `kappa`, and means of about `offset`
    standard deviations. The answer is exact before the data are rounded to `dtype`, which moves
    it by about kappa * eps(dtype) * (1 + offset).
    """
    assert len(rho) <= min(p, q)
    assert n > p + q
    rng = np.random.default_rng(seed)
    gaussian = rng.normal(size=(n, p + q))
    basis, _ = np.linalg.qr(gaussian - gaussian.mean(axis=0))
    basis *= np.sqrt(n - 1)  # uncorrelated, unit variance, mean zero
    x, y = basis[:, :p], basis[:, p:].copy()
    for i, r in enumerate(rho):
        y[:, i] = r * x[:, i] + np.sqrt((1.0 - r) * (1.0 + r)) * y[:, i]

    def mixed(block: Array) -> AnyArray:
        means = offset * rng.uniform(0.5, 1.5, size=block.shape[1])
        return (block @ mixing(block.shape[1], kappa, rng) + means).astype(dtype)

    return mixed(x), mixed(y)


def mixing(p: int, kappa: float, rng: np.random.Generator) -> Array:
    """A (p, p) matrix with unit columns and the condition number `kappa`.

    Singular values fall geometrically; plane rotations from the right give the columns unit
    norm and keep them (Bendel & Mickey 1978; Davies & Higham 2000).
    """
    singular = np.geomspace(1.0, 1.0 / kappa, p)
    singular *= np.sqrt(p / np.sum(singular**2))
    rotation, _ = np.linalg.qr(rng.normal(size=(p, p)))
    a = singular[:, np.newaxis] * rotation
    for _ in range(p - 1):
        norms = np.sum(a**2, axis=0)
        i, j = int(np.argmin(norms)), int(np.argmax(norms))
        missing, excess = 1.0 - norms[i], norms[j] - 1.0
        if max(missing, excess) < 1e-14:
            break
        # column i becomes c (ai + t aj), of unit norm: excess t^2 + 2 (ai'aj) t - missing = 0
        dot = float(a[:, i] @ a[:, j])
        t = missing / (dot + np.copysign(np.sqrt(dot**2 + missing * excess), dot))
        c = 1.0 / np.sqrt(1.0 + t**2)
        a[:, [i, j]] = np.stack([c * (a[:, i] + t * a[:, j]), c * (a[:, j] - t * a[:, i])], axis=1)
    return a


def rank_deficient(
    n: int,
    p: int,
    rank: int,
    *,
    offset: float = 0.0,
    dtype: DTypeLike = np.float32,
    seed: int = 0,
) -> tuple[AnyArray, Array]:
    """A layer x (n, p) that is a linear map of `rank` latent variables, rounded to `dtype`.

    Its means are about `offset` standard deviations. Returns x and the latent (n, rank).
    """
    rng = np.random.default_rng(seed)
    latent = rng.normal(size=(n, rank))
    x = latent @ rng.normal(size=(rank, p)) / np.sqrt(rank)
    x += offset * rng.uniform(0.5, 1.5, size=p) * rng.choice([-1.0, 1.0], size=p)
    return x.astype(dtype), latent


def small_integers(n: int, p: int, *, seed: int = 0) -> Array:
    """Integers from -60 to 60 as float64, which every dtype of DTYPES holds exactly."""
    return np.random.default_rng(seed).integers(-60, 61, size=(n, p)).astype(np.float64)


# --- one array in many guises -----------------------------------------------------------------

DTYPES = ("float16", "float32", "float64", "int8", "int16", "int32", "int64")


def _memory_map(a: AnyArray, folder: Path) -> AnyArray:
    path = folder / "array.npy"
    np.save(path, a)
    mapped: AnyArray = np.load(path, mmap_mode="r")
    return mapped


def _read_only(a: AnyArray) -> AnyArray:
    out = a.copy()
    out.flags.writeable = False
    return out


def _every_other(a: AnyArray) -> AnyArray:
    wide = np.full((2 * a.shape[0], 3 * a.shape[1]), 77, dtype=a.dtype)
    wide[::2, 1::3] = a
    return wide[::2, 1::3]


def _in_record(a: AnyArray) -> AnyArray:
    """Unaligned: the values sit one byte into each record."""
    records = np.zeros(a.shape, dtype=[("pad", "i1"), ("value", a.dtype)])
    records["value"] = a
    return records["value"]


LAYOUTS: dict[str, Callable[[AnyArray, Path], AnyArray]] = {
    "c": lambda a, _: np.array(a, order="C"),
    "fortran": lambda a, _: np.array(a, order="F"),
    "sliced": lambda a, _: _every_other(a),
    "negative": lambda a, _: a[::-1, ::-1].copy()[::-1, ::-1],
    "read_only": lambda a, _: _read_only(a),
    "memmap": _memory_map,
    "byte_swapped": lambda a, _: a.astype(a.dtype.newbyteorder()),
    "unaligned": lambda a, _: _in_record(a),
}


def in_layout(a: AnyArray, layout: str, folder: Path) -> AnyArray:
    """`a` with the same values and dtype in one of LAYOUTS; `folder` is for the memory map."""
    out = LAYOUTS[layout](a, folder)
    assert np.array_equal(out, a)
    return out
