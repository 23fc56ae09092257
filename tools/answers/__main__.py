"""Print what many calls of the public functions answer, warn of and refuse, a line each.

For a change that must not change answers: run it before and after, and compare.

    python tools/answers > before.txt
    python tools/answers | diff before.txt -

Numbers have 9 digits, fewer than any rounding reaches on these data.
"""

from __future__ import annotations

import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

from answers.calls import calls
from answers.refusals import refusals


def text_of(value: Any) -> str:
    """Write a value with 9 digits; what is rounding of zero as zero."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{k}: {text_of(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(text_of(v) for v in value) + "]"
    if isinstance(value, np.ndarray):
        return text_of(value.tolist())
    if isinstance(value, complex):
        return f"({text_of(value.real)}, {text_of(value.imag)})"
    if isinstance(value, float | np.floating):
        return f"{value:.9g}" if abs(value) > 1e-11 else "0"
    return str(value)


def main() -> None:
    """Print a line for each call."""
    for name, call in (*calls(), *refusals()):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            try:
                told = text_of(call())
            except Exception as error:
                told = f"{type(error).__name__}: {error} {getattr(error, '__notes__', '')}"
        print(f"{name}: {told}")
        for warning in caught:
            of = (
                "" if Path(warning.filename).parent == Path(__file__).parent else " of another line"
            )
            print(f"  {warning.category.__name__}{of}: {warning.message}")


if __name__ == "__main__":
    main()
