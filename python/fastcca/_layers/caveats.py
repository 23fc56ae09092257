"""What there is to warn of in the comparison of many layers, told once."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Any

from fastcca._warnings import SAMPLES_PER_FEATURE, AccuracyWarning, RankWarning, warn

# Checkpoints that a warning names.
_MOST_NAMED = 5


@dataclass(slots=True)
class Notes:
    """Names of layers, by what there is to say of them.

    Attributes
    ----------
    few : set of str
        Of too few samples: `n_samples` for up to `features`.
    lost : set of str
        Whose moments have lost digits.
    constant : set of str
        Without a feature that varies.
    """

    few: set[str] = field(default_factory=set)
    lost: set[str] = field(default_factory=set)
    constant: set[str] = field(default_factory=set)
    features: int = 0
    n_samples: int = 0


def warn_of(notes: Sequence[Notes], checkpoints: Sequence[Any] = ()) -> None:
    """Warn once of each kind, of all comparisons together.

    Parameters
    ----------
    notes : sequence of Notes
    checkpoints : sequence, optional
        What the comparisons are called, one for each of `notes`.
    """

    def told(kind: str) -> tuple[str, str]:
        names: set[str] = set().union(*(getattr(note, kind) for note in notes))
        at = [step for step, note in zip(checkpoints, notes, strict=False) if getattr(note, kind)]
        return ", ".join(repr(name) for name in sorted(names)), _at(at)

    layers, at = told("constant")
    if layers:
        warn(
            f"no feature of {layers} varies{at}, so there is nothing to correlate",
            RankWarning,
        )
    layers, at = told("few")
    if layers:
        worst = max((note for note in notes if note.few), key=lambda note: note.features)
        warn(
            f"{worst.n_samples} samples for up to {worst.features} features in {layers}{at}: "
            "chance alone makes large correlations. Use at least "
            f"{SAMPLES_PER_FEATURE} samples per feature, or reduce the features first",
            RankWarning,
        )
    layers, at = told("lost")
    if layers:
        warn(
            f"the moments have lost digits that the samples hold in pairs of {layers}{at}. Pass "
            "the samples themselves, or a QRFactor in place of the Moments",
            AccuracyWarning,
        )


def _at(checkpoints: Collection[Any]) -> str:
    if not checkpoints:
        return ""
    named = [repr(step) for step in checkpoints]
    if len(named) == 1:
        return f" at the checkpoint {named[0]}"
    if len(named) > _MOST_NAMED:
        return f" at {len(named)} checkpoints from {named[0]} to {named[-1]}"
    return f" at the checkpoints {', '.join(named)}"
