"""Activations (neurons, datapoints), as google/svcca has them: checked, and brought to a pair."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from fastcca._inputs.arrays import AnyArray, as_numbers, float64_rows
from fastcca._inputs.bfloat16 import with_numbers
from fastcca._inputs.source import Arrays
from fastcca._runtime.backend import resolve
from fastcca._solve.pair import Pair

AXES = "(neurons, datapoints)"


def pair_of_samples(given: Mapping[str, object], samples: Sequence[AnyArray]) -> Pair:
    """Pair checked samples (datapoints, neurons), to be solved where the activations are."""
    return Pair(tuple(given), source=Arrays(tuple(given), samples), place=resolve(None, **given))


def mapped_datapoints(
    samples: AnyArray, mean: AnyArray, weights: AnyArray, added: AnyArray
) -> npt.NDArray[np.float64]:
    """Return ``((samples - mean) @ weights + added)'``: (k, datapoints)."""
    out = np.empty((weights.shape[1], samples.shape[0]), dtype=weights.dtype)
    for rows in float64_rows(samples):
        out[:, rows] = ((with_numbers(samples[rows]) - mean) @ weights + added).T
    return out


def checked_activations(acts1: object, acts2: object) -> list[AnyArray]:
    """View both as (neurons, datapoints), fewer neurons than datapoints, of the same datapoints."""
    acts = {name: as_numbers(a, name, AXES) for name, a in (("acts1", acts1), ("acts2", acts2))}
    first, second = acts.values()
    if first.shape[1] != second.shape[1]:
        raise ValueError(
            f"acts1 has {first.shape[1]} datapoints and acts2 {second.shape[1]} (shapes "
            f"{first.shape} and {second.shape}); column i of both must belong to the same one"
        )
    for name, array in acts.items():
        check_orientation(array, name)
    return [first, second]


def check_orientation(acts: AnyArray, name: str) -> None:
    """Raise ValueError unless there are fewer neurons than datapoints."""
    if acts.shape[0] >= acts.shape[1]:
        raise ValueError(
            f"{name} has shape {acts.shape}; it must be (neurons, datapoints) with fewer "
            "neurons than datapoints: transpose it, or bring more datapoints"
        )


def check_epsilon(epsilon: float) -> None:
    """Raise ValueError unless `epsilon` is a finite number, 0 or more."""
    if not (math.isfinite(epsilon) and epsilon >= 0.0):
        raise ValueError(f"epsilon={epsilon} must be a finite number, 0 or more")
