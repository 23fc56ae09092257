"""How the layers of a network come to what they are at the end of training."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from fastcca._layers.caveats import Notes, warn_of
from fastcca._layers.pairwise import compared, pairwise
from fastcca._layers.pairwise_result import PairwiseResult


@dataclass(frozen=True, eq=False, slots=True)
class DynamicsResult:
    """Similarities of layers during training with layers at its end.

    Attributes
    ----------
    values : ndarray, (T, L, M), float64
        At time t, layer i with layer j of the final network.
    steps : tuple, (T,)
        The keys of the checkpoints, or 0, 1, ... .
    layer_names, final_names : tuple of str
        Names of the L layers of a checkpoint and of the M layers of the final network.
    measure : str
        What the values are.
    """

    values: npt.NDArray[np.float64] = field(repr=False)
    steps: tuple[Any, ...]
    layer_names: tuple[str, ...]
    final_names: tuple[str, ...]
    measure: str

    @property
    def to_final(self) -> npt.NDArray[np.float64]:
        """Similarity of every layer with itself at the end, (T, L); NaN where that is missing."""
        out = np.full(self.values.shape[:2], np.nan)
        for i, name in enumerate(self.layer_names):
            if name in self.final_names:
                out[:, i] = self.values[:, i, self.final_names.index(name)]
        return out

    def converged(self, threshold: float = 0.95) -> dict[str, Any]:
        """Return from which step on each layer stays at least so similar to itself at the end.

        Such a layer can be frozen for the rest of training (freeze training, Raghu et al. 2017).

        Parameters
        ----------
        threshold : float
            In [0, 1].

        Returns
        -------
        dict of str to step
            None for a layer that is below the threshold at the last step.
        """
        if not 0.0 <= threshold <= 1.0:
            raise ValueError(f"threshold={threshold} must lie between 0 and 1")
        out: dict[str, Any] = {}
        for name, curve in zip(self.layer_names, self.to_final.T, strict=True):
            below = np.flatnonzero(~(curve >= threshold))  # NaN is below
            first = int(below[-1]) + 1 if below.size else 0
            out[name] = self.steps[first] if first < len(self.steps) else None
        return out


def dynamics(
    checkpoints: Mapping[Any, Any] | Iterable[Any], final: Any, **options: Any
) -> DynamicsResult:
    """Compare every layer at every checkpoint with the layers of the final network.

    Parameters
    ----------
    checkpoints : iterable, or mapping from steps
        For each time the layers, a dict or list of arrays as `pairwise` takes them, on the same
        inputs as `final`. They are taken one after the other: a generator holds one at a time.
    final : dict or list of arrays
        The layers at the end of training.
    **options
        Those of `pairwise`; ``progress`` starts anew for every checkpoint.

    Returns
    -------
    DynamicsResult

    Raises
    ------
    ValueError
        Without a checkpoint, or where the layers of two differ; and as `pairwise`.
    TypeError
        As `pairwise`.

    Warns
    -----
    RankWarning, AccuracyWarning
        As `pairwise`, once for all checkpoints, which are named.

    References
    ----------
    Raghu, Gilmer, Yosinski, Sohl-Dickstein (2017), "SVCCA: Singular Vector Canonical Correlation
    Analysis for Deep Learning Dynamics and Interpretability", arXiv:1706.05806.
    """
    given = checkpoints.items() if isinstance(checkpoints, Mapping) else enumerate(checkpoints)
    steps: list[Any] = []
    results: list[PairwiseResult] = []
    notes: list[Notes] = []
    for step, layers in given:
        asked = inspect.signature(pairwise).bind(layers, final, **options)
        asked.apply_defaults()
        found, noted = compared(*asked.args, **asked.kwargs)
        if results and found.x_names != results[0].x_names:
            raise ValueError(
                f"the checkpoint {step!r} has the layers {found.x_names}, but {steps[0]!r} has "
                f"{results[0].x_names}; all must have the same"
            )
        steps.append(step)
        results.append(found)
        notes.append(noted)
    if not results:
        raise ValueError("checkpoints is empty; it needs at least one")
    warn_of(notes, checkpoints=steps)
    return DynamicsResult(
        np.stack([found.values for found in results]),
        tuple(steps),
        results[0].x_names,
        results[0].y_names,
        results[0].measure,
    )
