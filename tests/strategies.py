"""Pairs of blocks for hypothesis: of every shape, spectrum and precision, and small integers."""

from dataclasses import dataclass

import numpy as np
from hypothesis import strategies as st

import fastcca
from cases import AnyArray, Array

EPS = 2.0**-52
FULL_RANK = ("gaussian", "geometric", "clustered", "means")
SPECTRA = (*FULL_RANK, "deficient", "duplicated")


@dataclass(frozen=True, eq=False)
class Drawn:
    x: AnyArray
    y: AnyArray
    rng: np.random.Generator  # for what a test changes
    kind: str

    def __repr__(self) -> str:  # what hypothesis prints: enough to paste
        return f"Drawn(kind={self.kind!r}, x={self.x!r}, y={self.y!r})"

    def __iter__(self):
        return iter((self.x, self.y))


def block(rng: np.random.Generator, latent: Array, p: int, kind: str) -> Array:
    """A block (n, p) that has something to do with the latent samples."""
    n = len(latent)
    x = latent @ rng.normal(size=(latent.shape[1], p)) + rng.normal(size=(n, p))
    turn = orthogonal(rng, p)
    if kind == "geometric":
        return x * np.geomspace(1.0, 1e-3, p) @ turn
    if kind == "clustered":
        return x * np.where(np.arange(p) < (p + 1) // 2, 1.0, 1e-2) @ turn
    if kind == "means":
        return x + 10.0 ** rng.uniform(-1, 4, size=p)
    if kind == "deficient":
        rank = int(rng.integers(1, p + 1))
        return x[:, :rank] @ rng.normal(size=(rank, p))
    if kind == "duplicated":
        return x[:, rng.integers(p, size=p)] * rng.choice([-2.0, 0.5, 1.0], size=p)
    return x


def orthogonal(rng: np.random.Generator, p: int) -> Array:
    return np.linalg.qr(rng.normal(size=(p, p)))[0]


SEEDS = st.integers(0, 2**32 - 1)
WIDTHS = st.integers(1, 8)


@st.composite
def spectra(draw, kinds=SPECTRA, dtypes=("float64", "float32", "float16"), spare=None, smallest=2):
    """Two blocks of up to 60 samples; with `spare`, that many samples more than all features."""
    p, q = draw(WIDTHS), draw(WIDTHS)
    least = smallest if spare is None else p + q + spare
    n = draw(st.integers(least, max(60, least)))
    kind, dtype = draw(st.sampled_from(kinds)), draw(st.sampled_from(dtypes))
    rng = np.random.default_rng(draw(SEEDS))
    latent = rng.normal(size=(n, 2))
    x, y = block(rng, latent, p, kind), block(rng, latent, q, kind)
    return Drawn(x.astype(dtype), y.astype(dtype), rng, kind)


@st.composite
def integers(draw, smallest=2, dtype=np.float64):
    """Two blocks of integers from -4 to 4, with zeros where nothing matters: they shrink."""
    n = draw(st.integers(smallest, 12))
    p, q = draw(st.integers(1, 4)), draw(st.integers(1, 4))
    raw = draw(st.binary(min_size=n * (p + q), max_size=n * (p + q)))
    steps = np.frombuffer(raw, dtype=np.uint8).reshape(n, p + q) % 9
    values = np.where(steps % 2, (steps + 1) // 2, -(steps.astype(np.int64) // 2)).astype(dtype)
    return Drawn(values[:, :p], values[:, p:], np.random.default_rng(draw(SEEDS)), "integers")


def pairs(smallest=2, dtypes=("float64", "float32", "float16")):
    """Anything."""
    return st.one_of(integers(smallest), spectra(dtypes=dtypes, smallest=smallest))


# --- what rounding may do -------------------------------------------------------------------------


def offset(*blocks: AnyArray) -> float:
    """The largest mean in standard deviations: so much more do the stored values round."""
    largest = 0.0
    for a in blocks:
        wide = a.astype(np.float64)
        deviation = wide.std(axis=0, ddof=1)
        mean = np.abs(wide.mean(axis=0))
        varies = deviation > 1e-12 * mean
        largest = max(largest, np.max(mean[varies] / deviation[varies], initial=0.0))
    return largest


def promise(result, size) -> float:
    """What docs/accuracy.md promises of a CCA, and the rounding of an SVD of that size."""
    power = 2 if result.method == "moments" else 1
    return 10 * EPS * (result.condition**power + size)


def dropped(a: AnyArray) -> float:
    """The largest share of a block's variance in directions that the rank rule drops."""
    eps = np.finfo(a.dtype).eps
    return float(a.shape[1] * (3 * eps * (1 + offset(a))) ** 2)


def size(pair: Drawn) -> int:
    return sum(pair.x.shape) + pair.y.shape[1]


def debiased(x, y, **options) -> float:
    return fastcca.cka(x, y, debiased=True, **options)


def debiased_gain(*blocks: AnyArray) -> float:
    """How much larger the biased value is, the larger of both sides: what its rounding costs."""
    gain = 1.0
    for a in blocks:
        centred = a.astype(np.float64) - a.mean(axis=0, dtype=np.float64)
        norms, n = np.sum(centred**2, axis=1), len(a)
        biased = np.sum((centred.T @ centred) ** 2)
        own = biased - n / (n - 2) * np.sum(norms**2)
        own += norms.sum() ** 2 / ((n - 1) * (n - 2))
        gain = max(gain, biased / own if own > 0.0 else np.inf)
    return gain


def assert_close(found, expected, tolerance) -> None:
    """As numpy's assert_allclose, for bounds that may be arrays, at a tenth of the time."""
    difference = np.abs(np.asarray(found) - expected)
    assert np.all(difference <= tolerance), f"{found} - {expected}: {difference} > {tolerance}"
