"""Warnings that the package raises, in the line of the caller who can act on them."""

import sys
import warnings
from pathlib import Path

__all__ = ["SAMPLES_PER_FEATURE", "AccuracyWarning", "RankWarning", "warn"]

SAMPLES_PER_FEATURE = 5
"""Below this many samples per feature, chance alone makes correlations that mislead."""

_PACKAGE = str(Path(__file__).parent)


class RankWarning(UserWarning):
    """The samples are too few for the features, or a block has no variance at all.

    Correlations are then inflated by chance, or are one by construction, or there are none.
    """


class AccuracyWarning(UserWarning):
    """The moments of ill-conditioned data have lost digits, and the samples are not there.

    Pass the samples themselves, or accumulate a `fastcca.QRFactor` in place of `fastcca.Moments`.
    """


def warn(message: str, category: type[Warning]) -> None:
    """Warn the first caller outside of the package, however deep inside this is called."""
    level = 2
    while _is_inside(level) and level < 100:
        level += 1
    warnings.warn(message, category, stacklevel=level)


def _is_inside(level: int) -> bool:
    # The level counts from the caller of `warn`, as `warnings` counts.
    try:
        return sys._getframe(level).f_code.co_filename.startswith(_PACKAGE)
    except ValueError:  # there are no more callers: this is the entry point of the package
        return False
