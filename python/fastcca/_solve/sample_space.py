"""A block of more features than samples, in the coordinates of its own samples.

n samples lie in at most n - 1 dimensions around their mean, however many features there are. With
the centred block ``Z = U S V'``, every measure of the p features is one of the n or fewer columns
of ``U S``: what belongs to features is found by ``V`` afterwards. Nothing of size p x p is needed.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import linalg

from fastcca._inputs.arrays import AnyArray, check_finite
from fastcca._inputs.bfloat16 import with_numbers
from fastcca._inputs.dtypes import input_epsilon
from fastcca._runtime.compiled import ScaleError

__all__ = ["Features", "SampleSpace"]

Floats = npt.NDArray[np.float64]

_EPS = 2.0**-52
# As in the compiled core: how many roundings of the input a direction must stand above.
_NOISE_FACTOR = 3.0
_TINY = np.finfo(np.float64).tiny
# Float64 copies of features that are held at a time.
_BLOCK_BYTES = 16 * 2**20


class Features:
    """A block (n_samples, p), its features centred, and scaled where that is asked for.

    Parameters
    ----------
    array : ndarray, (n_samples, p)
        Real, read a few features at a time and never changed.
    name : str
        What errors call it.
    unit_scale : bool
        Whether to divide every feature by its standard deviation.

    Raises
    ------
    ValueError
        For NaN or infinity, or values whose squares leave the range of float64.
    """

    def __init__(self, array: AnyArray, name: str, *, unit_scale: bool) -> None:
        self.array, self.name = array, name
        self.n_samples, self.size = array.shape
        self.epsilon = input_epsilon(array.dtype)
        self.mean = np.empty(self.size)
        variance = np.empty(self.size)
        with np.errstate(over="ignore", invalid="ignore"):
            for columns in self._slices():
                # In one memory order, or sums would follow the strides of the input.
                block = with_numbers(array[:, columns]).astype(np.float64, order="F")
                mean = block.mean(axis=0)
                block -= mean
                rest = block.mean(axis=0)  # what the rounding of the first mean left
                block -= rest
                self.mean[columns] = mean + rest
                variance[columns] = np.einsum("ij,ij->j", block, block) / (self.n_samples - 1)
        self._check_range(variance)
        energy = self.mean**2 + variance
        noise = (_NOISE_FACTOR * self.epsilon) ** 2 * energy
        self.live = variance > np.maximum(noise, _TINY)
        # Zeros take a dead feature out of everything that follows.
        self.deviation = np.where(self.live, np.sqrt(variance) if unit_scale else 1.0, 0.0)
        self.scale = np.zeros(self.size)
        self.scale[self.live] = 1.0 / self.deviation[self.live]
        self.noise = noise * self.scale**2
        self.total = float(np.sum(variance * self.scale**2))

    def _check_range(self, variance: Floats) -> None:
        if not (np.isfinite(self.mean).all() and np.isfinite(variance).all()):
            check_finite(self.array, self.name)
            raise ScaleError(
                f"{self.name} holds values so large that their squares overflow float64; divide "
                "it by a constant"
            )
        values = with_numbers(self.array)
        if variance.max() < _TINY and (values != values[:1]).any():
            raise ScaleError(
                f"{self.name} varies by so little that squares underflow float64; multiply it by "
                "a constant"
            )

    @property
    def dead(self) -> npt.NDArray[np.intp]:
        """Features that do not vary beyond rounding."""
        return np.flatnonzero(~self.live)

    def blocks(self) -> Iterator[tuple[slice, Floats]]:
        """Yield features, centred and scaled, a few (n_samples, some) at a time."""
        for columns in self._slices():
            block = with_numbers(self.array[:, columns]).astype(np.float64, order="F")
            block -= self.mean[columns]
            block *= self.scale[columns]
            yield columns, block

    def centred(self) -> Floats:
        """All features at once, (n_samples, p), C order."""
        out = np.empty(self.array.shape)
        for columns, block in self.blocks():
            out[:, columns] = block
        return out

    def gram(self) -> Floats:
        """Inner products of the samples, (n_samples, n_samples), symmetric."""
        out = np.zeros((self.n_samples, self.n_samples), order="F")
        for _, block in self.blocks():
            out = linalg.blas.dsyrk(1.0, block, beta=1.0, c=out, lower=1, overwrite_c=1)
        out += np.tril(out, -1).T
        return out

    def _slices(self) -> Iterator[slice]:
        step = max(1, _BLOCK_BYTES // (8 * self.n_samples))
        for start in range(0, self.size, step):
            yield slice(start, min(start + step, self.size))


@dataclass(frozen=True, eq=False)
class SampleSpace:
    """Singular value decomposition of a block, left side and values; features on request.

    Attributes
    ----------
    features : Features
    left : ndarray, (n_samples, m), orthonormal columns
    singular : ndarray, (m,), descending
    real : ndarray of bool, (m,)
        Directions that are more than the rounding of the input.
    undecided : bool
        Whether the Gram matrix has lost a direction that the data could hold.
    right : ndarray, (p, m), or None
        Orthonormal directions of features, where the data were decomposed themselves.
    """

    features: Features
    left: Floats
    singular: Floats
    real: npt.NDArray[np.bool_]
    undecided: bool
    right: Floats | None

    @staticmethod
    def by_gram(features: Features, rank_tolerance: float = 0.0) -> SampleSpace:
        """Decompose by eigenvectors of the Gram matrix, which squares the condition."""
        n = features.n_samples
        values, vectors = linalg.eigh(features.gram(), driver="evd", check_finite=False)
        # One dimension is the mean's.
        values, left = values[:0:-1], vectors[:, :0:-1]
        largest = max(float(values[0]), 0.0)
        lost = max(n, 64) * _EPS * largest
        singular = np.sqrt(np.maximum(values, 0.0))
        space = SampleSpace(features, left, singular, values > lost, False, None)
        least_noise = (n - 1) * float(features.noise[features.live].min(initial=np.inf))
        undecided = bool((values <= lost).any()) and least_noise < lost
        return space._decided(rank_tolerance, undecided and rank_tolerance**2 * largest < lost)

    @staticmethod
    def of_data(features: Features, rank_tolerance: float = 0.0) -> SampleSpace:
        """Decompose the centred data themselves, wide or not: Householder QR, then an SVD."""
        q, r = linalg.qr(
            features.centred().T, mode="economic", overwrite_a=True, check_finite=False
        )
        left, singular, turned = linalg.svd(r.T, full_matrices=False, check_finite=False)
        real = singular > max(features.n_samples, 64) * _EPS * singular[0]
        space = SampleSpace(features, left, singular, real, False, q @ turned.T)
        return space._decided(rank_tolerance, False)

    def _decided(self, rank_tolerance: float, undecided: bool) -> SampleSpace:
        """Apply the noise of the input and the caller's tolerance to what can be decided."""
        variance = self.singular**2 / (self.features.n_samples - 1)
        real = self.real & (self.singular > rank_tolerance * self.singular[0])
        if np.any(variance[real] <= self.features.noise.max()):
            real = real & (variance > self._noise())
        return SampleSpace(self.features, self.left, self.singular, real, undecided, self.right)

    def _noise(self) -> Floats:
        """Variance along each direction that rounding of the input explains, (m,)."""
        safe = np.where(self.singular > 0.0, self.singular, 1.0)
        out = np.zeros(self.singular.size)
        for columns, block in self.features.blocks():
            right = block.T @ (self.left / safe) if self.right is None else self.right[columns]
            out += self.features.noise[columns] @ np.square(right)
        return out

    @property
    def rank(self) -> int:
        """Number of real directions."""
        return int(self.real.sum())

    @property
    def condition(self) -> float:
        """Ratio of the largest to the smallest singular value of the real directions."""
        real = self.singular[self.real]
        return float(real[0] / real[-1]) if real.size else 1.0

    @property
    def complete_condition(self) -> float:
        """The same of all directions; infinite where some are rounding."""
        least = float(self.singular[: self.features.n_samples - 1].min())
        return float(self.singular[0]) / least if least > 0.0 else np.inf

    def scores(self, real_only: bool) -> Floats:
        """Return the samples in these coordinates, (n_samples, directions), or a column of 0."""
        chosen = self.real if real_only else np.ones(self.singular.size, dtype=bool)
        out = self.left[:, chosen] * self.singular[chosen]
        return out if out.size else np.zeros((self.features.n_samples, 1))

    def directions(self, combinations: Floats, real_only: bool) -> Floats:
        """Directions of features, (p, k), that combine those of the scores, (directions, k)."""
        chosen = self.real if real_only else np.ones(self.singular.size, dtype=bool)
        if not chosen.any():
            return np.zeros((self.features.size, combinations.shape[1]))
        if self.right is not None:
            out: Floats = self.right[:, chosen] @ combinations
            return out
        out = np.empty((self.features.size, combinations.shape[1]))
        turned = self.left[:, chosen] / self.singular[chosen] @ combinations
        for columns, block in self.features.blocks():
            out[columns] = block.T @ turned
        return out

    def weights(self, combinations: Floats) -> Floats:
        """Weights of the features, (p, k), of combinations of the real scores."""
        return self.features.scale[:, np.newaxis] * self.directions(combinations, True)

    def loadings(self, combinations: Floats) -> Floats:
        """Covariances of the features, (p, k), from those of the real scores."""
        return self.features.deviation[:, np.newaxis] * self.directions(combinations, True)
