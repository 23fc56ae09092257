"""Inputs that nobody should pass and somebody will: the outcome of each, for every measure."""

import dataclasses
import warnings

import numpy as np
import pytest

import fastcca
from cases import BACKENDS

MEASURES = ("cca", "svcca", "pwcca", "pls", "pca", "cka", "procrustes", "linear_regression_r2")
# Of these, what comes out depends on the scale of x.
SCALED = ("pls", "pca")

RNG = np.random.default_rng(99)
X = RNG.normal(size=(60, 3))
Y = X @ RNG.normal(size=(3, 2)) + RNG.normal(size=(60, 2))

# What is expected of a measure.
SAME = "the answer for X"  # up to scale
RIGHT = "a finite answer"
NOTHING = "0, or no correlation at all: x does not vary"


def constant(value, dtype=np.float64):
    return np.full((60, 3), value, dtype=dtype)


def with_value(value, dtype=np.float64):
    out = X.astype(dtype)
    out[7, 1] = value
    return out


def read_only(a):
    out = a.copy()
    out.flags.writeable = False
    return out


def error(kind, message):
    return (kind, message)


DTYPE = error(TypeError, "x has dtype")
SHAPE = error(ValueError, "x has shape")
FINITE = error(ValueError, "x has 1 value that is not finite.*sample 7, feature 1")
# The reference may find the answer all the same.
RANGE = error(
    ValueError, "x holds values so large|overflows float64; divide .* by a constant|x varies by so"
)
# The answer for X where it can be told: a variance, or a covariance, can be out of range.
FAR = "the answer for X, but no variance"
FAR_OUTLIER = "a finite answer, but no variance"
FARTHEST = "a finite answer, but no covariance, and not from the reference"

# name: (x, y, outcome)
CASES = {
    # -- no variance
    "zeros": (constant(0.0), Y, NOTHING),
    "negative zeros": (constant(-0.0), Y, NOTHING),
    "a constant": (constant(0.1), Y, NOTHING),
    "a huge constant": (constant(1e150), Y, NOTHING),
    "a tiny constant": (constant(1e-310), Y, NOTHING),
    "a float16 constant": (constant(0.1, np.float16), Y, NOTHING),
    "a float32 constant": (constant(0.1, np.float32), Y, NOTHING),
    "an integer constant": (constant(7, np.int64), Y, NOTHING),
    "the largest integer": (constant(2**63 - 1, np.int64), Y, NOTHING),
    "all False": (constant(False, np.bool_), Y, NOTHING),
    "zero strides": (np.broadcast_to(np.float64(2.5), (60, 3)), Y, NOTHING),
    "a sample repeated by a stride": (np.broadcast_to(X[0], (60, 3)), Y, NOTHING),
    "rounding of a constant": (1.0 + RNG.choice([0.0, 2.0**-52], size=(60, 3)), Y, NOTHING),
    "both constant": (constant(1.0), np.ones((60, 2)), NOTHING),
    # -- few and equal
    "one feature": (X[:, :1], Y, RIGHT),
    "one feature on both sides": (X[:, :1], Y[:, :1], RIGHT),
    "two samples": (X[:2], Y[:2], RIGHT),
    "two equal samples": (np.repeat(X[:1], 2, axis=0), Y[:2], NOTHING),
    "three samples": (X[:3], Y[:3], RIGHT),
    "identical columns": (np.repeat(X[:, :1], 3, axis=1), Y, RIGHT),
    "a feature repeated by a stride": (np.broadcast_to(X[:, :1], (60, 3)), Y, RIGHT),
    "opposite columns": (np.column_stack([X[:, 0], -X[:, 0]]), Y, RIGHT),
    "one sample that differs": (np.eye(60, 3), Y, RIGHT),
    "more features than samples": (X[:20, np.arange(90) % 3] + np.eye(20, 90), Y[:20], RIGHT),
    "x twice": (X, X, RIGHT),
    # -- values
    "nan": (with_value(np.nan), Y, FINITE),
    "infinity": (with_value(np.inf), Y, FINITE),
    "minus infinity": (with_value(-np.inf), Y, FINITE),
    "a float16 nan": (with_value(np.nan, np.float16), Y, FINITE),
    "a float32 infinity": (with_value(np.inf, np.float32), Y, FINITE),
    "all nan": (constant(np.nan), Y, error(ValueError, "x has 180 values that are not finite")),
    "nan in y": (X, np.full((60, 2), np.nan), error(ValueError, "y has 120 values|x .*feature")),
    "1e300": (X * 1e300, Y, FAR),
    "1e-300": (X * 1e-300, Y, FAR),
    "the largest float": (np.copysign(np.finfo(np.float64).max, X), Y, FARTHEST),
    "one outlier of 1e200": (with_value(1e200), Y, FAR_OUTLIER),
    "one outlier of 1e100": (with_value(1e100), Y, RIGHT),
    "1e150": (X * 1e150, Y, SAME),
    "1e-150": (X * 1e-150, Y, SAME),
    "far from zero": (X + 1e8, Y, RIGHT),
    "features of every size": (X * [1e-100, 1.0, 1e100], Y, RIGHT),
    "float16 subnormals": ((X * 1e-6).astype(np.float16), Y, RIGHT),
    "float32 subnormals": ((X * 1e-42).astype(np.float32), Y, RIGHT),
    "the largest float16": (np.copysign(np.float16(65504), X.astype(np.float16)), Y, RIGHT),
    "the largest float32": (np.copysign(np.finfo(np.float32).max, X.astype("f4")), Y, RIGHT),
    "large integers": ((X * 2**60).astype(np.int64), Y, RIGHT),
    "unsigned integers": (np.abs(X * 2**60).astype(np.uint64), Y, RIGHT),
    "booleans": (X > 0, Y, RIGHT),
    # -- guises of X
    "Fortran order": (np.asfortranarray(X), Y, SAME),
    "read-only": (read_only(X), Y, SAME),
    "lists": (X.tolist(), Y.tolist(), SAME),
    "tuples": (tuple(map(tuple, X)), Y, SAME),
    "negative strides": (X[::-1].copy()[::-1], Y, SAME),
    "every third column": (np.repeat(X, 3, axis=1)[:, ::3], Y, SAME),
    "byte order": (X.astype(">f8"), Y.astype("<f8"), SAME),
    "a memory view": (memoryview(X), Y, SAME),
    "a masked array without masks": (np.ma.masked_array(X), Y, SAME),
    "mixed dtypes": (X, Y.astype(np.float32), RIGHT),
    "float16 against int8": (X.astype(np.float16), (10 * Y).astype(np.int8), RIGHT),
    "bool against float64": (X > 0, Y, RIGHT),
    # -- shapes
    "nothing": ([], Y, SHAPE),
    "lists of nothing": ([[]], Y, SHAPE),
    "no sample": (np.empty((0, 3)), np.empty((0, 2)), SHAPE),
    "no feature": (np.empty((60, 0)), Y, SHAPE),
    "one sample": (X[:1], Y[:1], error(ValueError, "at least 2 samples")),
    "one axis": (X[:, 0], Y, SHAPE),
    "three axes": (X.reshape(20, 3, 3), Y[:20], SHAPE),
    "an int": (3, Y, SHAPE),
    "a float": (3.5, Y, SHAPE),
    "a bool": (True, Y, SHAPE),
    "a nan": (float("nan"), Y, SHAPE),
    "a numpy scalar": (np.float64(3.5), Y, SHAPE),
    # -- no numbers
    "None": (None, Y, DTYPE),
    "a string": ("abc", Y, DTYPE),
    "bytes": (b"abc", Y, DTYPE),
    "strings": (X.astype(str), Y, DTYPE),
    "lists of strings": ([["1", "2"], ["3", "4"]], Y[:2], DTYPE),
    "objects": (X.astype(object), Y, DTYPE),
    "None within": ([[1.0, None], [2.0, 3.0]], Y[:2], DTYPE),
    "integers beyond 64 bits": ([[10**30, 1], [2, 3]], Y[:2], DTYPE),
    "a dict": ({"x": X}, Y, DTYPE),
    "a set": ({1.0, 2.0}, Y, DTYPE),
    "a generator": ((row for row in X), Y, DTYPE),
    "a function": (len, Y, DTYPE),
    "a type": (np.ndarray, Y, DTYPE),
    "dates": (X.astype("M8[s]"), Y, DTYPE),
    "records": (np.zeros(60, dtype=[("a", "f8"), ("b", "f8")]), Y, DTYPE),
    "masked values": (
        np.ma.masked_greater(X, 1.0),
        Y,
        error(TypeError, "x is a masked array"),
    ),
}


def call(measure, x, y, **options):
    """Call a measure, with the warnings that silly inputs deserve; no other may come."""
    function = getattr(fastcca, measure)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", fastcca.RankWarning)
        return function(x, **options) if measure == "pca" else function(x, y, **options)


def numbers(result):
    """Every number of a result, by name."""
    if isinstance(result, float):
        return {"value": np.array([result])}
    fields = {f.name: getattr(result, f.name) for f in dataclasses.fields(result)}
    return {
        name: np.asarray(value)
        for name, value in fields.items()
        if isinstance(value, np.ndarray | float | int)
    }


def strengths(result):
    """Return the numbers that say how alike the sides are, or how much there is of x."""
    if isinstance(result, float):
        return np.array([result])
    for name in ("correlations", "singular_values"):
        if hasattr(result, name):
            return getattr(result, name)
    raise AssertionError(result)


def check(measure, backend, x, y, outcome):
    if outcome == FARTHEST:
        # Loadings are as large as the deviations, which here overflow.
        has_units = measure in (*SCALED, "cca", "svcca", "pwcca")
        outcome = RANGE if has_units or backend == "numpy" else RIGHT
    elif outcome in (FAR, FAR_OUTLIER) and measure == "pca":
        outcome = RANGE
    elif outcome == FAR:
        outcome = SAME
    if isinstance(outcome, tuple):
        kind, message = outcome
        with pytest.raises(kind, match=message):
            call(measure, x, y, backend=backend)
        return
    result = call(measure, x, y, backend=backend)
    for name, values in numbers(result).items():
        assert np.isfinite(values).all(), name
    strength = strengths(result)
    assert np.all(strength >= 0.0)
    if measure not in SCALED:
        assert np.all(strength <= 1.0)
    assert np.all(np.diff(strength) <= 0.0)
    if outcome == NOTHING:
        floor = 1e-13 * max(1.0, np.abs(np.asarray(x, dtype=np.float64)).max())
        assert np.all(strength <= floor)
        if not isinstance(result, float) and measure not in SCALED:
            assert strength.size == 0
    elif outcome == SAME:
        expected = strengths(call(measure, X, Y, backend=backend))
        if measure in SCALED:
            strength, expected = strength / strength[0], expected / expected[0]
        np.testing.assert_allclose(strength, expected, rtol=0, atol=1e-13)


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("measure", MEASURES)
@pytest.mark.parametrize("backend", BACKENDS)
def test_silly_inputs(measure, backend, case):
    x, y, outcome = CASES[case]
    if case == "a generator":
        x = (row for row in X)
    if measure == "pca" and case == "nan in y":
        return
    check(measure, backend, x, y, outcome)


@pytest.mark.parametrize("measure", [m for m in MEASURES if m != "pca"])
@pytest.mark.parametrize("backend", BACKENDS)
def test_sides_that_do_not_fit(measure, backend):
    for x, y, kind, message in [
        (X, Y[:59], ValueError, "x has 60 samples and y has 59"),
        (X, Y.T, ValueError, "x has 60 samples and y has 2"),
        (X, None, TypeError, "y is missing"),
        (X, "abc", TypeError, "y has dtype"),
        (X, 1.0, ValueError, r"y has shape \(\)"),
    ]:
        with pytest.raises(kind, match=message):
            call(measure, x, y, backend=backend)
