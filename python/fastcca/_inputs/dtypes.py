"""How finely the values of a dtype are rounded."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from fastcca._inputs.bfloat16 import is_bfloat16

_EPS = 2.0**-52


def precision_name(dtype: np.dtype[Any]) -> str:
    """Return "float64", "float32", "float16" or "bfloat16": how finely values are rounded.

    Integers count as float64, being exact.
    """
    if is_bfloat16(dtype):
        return "bfloat16"
    return dtype.name if dtype.name in ("float16", "float32") else "float64"


def input_epsilon(dtype: DTypeLike) -> float:
    """Relative spacing of the values that an array of this dtype can hold.

    Parameters
    ----------
    dtype : dtype
        Of the data as the caller stores them. Integers and bools enter as float64.

    Returns
    -------
    float
        2**-7 for bfloat16, 2**-10 for float16, 2**-23 for float32 and complex64, 2**-52 for
        everything else.
    """
    if isinstance(dtype, str):
        return _epsilon_of_name(dtype)
    return _epsilon_of(np.dtype(dtype))


@cache
def _epsilon_of_name(name: str) -> float:
    # numpy does not know that one.
    return 2.0**-7 if name == "bfloat16" else _epsilon_of(np.dtype(name))


def _epsilon_of(kept: np.dtype[Any]) -> float:
    if is_bfloat16(kept):
        return 2.0**-7
    if kept.kind not in "fc":
        return _EPS
    return max(float(np.finfo(kept).eps), _EPS)
