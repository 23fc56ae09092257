"""CKA by the unbiased estimator of HSIC."""

from __future__ import annotations

import numpy as np

from fastcca._inputs.arrays import AnyArray
from fastcca._inputs.bfloat16 import with_numbers
from fastcca._inputs.dtypes import input_epsilon
from fastcca._inputs.spatial import slices
from fastcca._solve.pair import Floats, Pair
from fastcca._states.moments import Moments
from fastcca.reference import BlockMoments

__all__ = ["debiased_cka"]

# Float64 copies of samples that are held at a time.
_BLOCK_BYTES = 4 * 2**20


def debiased_cka(pair: Pair) -> float:
    """CKA from unbiased HSIC in feature space: moments, and one pass for the row norms."""
    samples, moments = pair.with_samples(), pair.moments
    n = pair.core_moments.n_samples
    if n < 4:
        raise ValueError(f"debiased CKA needs at least 4 samples, but there are {n}")
    names = [block.name for block in pair.blocks]
    sides = [_Side(moments, name) for name in names]
    if not all(side.live.any() for side in sides):
        return 0.0
    sums = np.zeros((2, 2))  # over samples, of |x|^2 |y|^2 and so on
    for batch in samples.batches():
        norms = np.stack([side.norms(block) for side, block in zip(sides, batch, strict=True)])
        sums += norms @ norms.T

    def hsic(i: int, j: int) -> float:
        scatter = moments._scatter(names[i], names[j])
        scatter *= sides[i].live[:, np.newaxis] * sides[j].live
        total = float(np.sum(np.square(scatter / sides[i].scale / sides[j].scale)))
        spread = sides[i].trace * sides[j].trace
        return total - n / (n - 2) * float(sums[i, j]) + spread / ((n - 1) * (n - 2))

    x_self, y_self = hsic(0, 0), hsic(1, 1)
    if x_self <= 0.0 or y_self <= 0.0:
        return 0.0
    return float(hsic(0, 1) / np.sqrt(x_self) / np.sqrt(y_self))


class _Side:
    """One block in a scale in which no fourth power overflows or underflows."""

    def __init__(self, moments: Moments, name: str) -> None:
        n = moments.n_samples
        self.mean = moments.mean(name)
        scatter = moments._scatter(name, name)
        precision = moments._state.precision(moments._block(name).real)
        block = BlockMoments(n, self.mean, scatter, input_epsilon(precision))
        self.live = block.live
        self.scale = float(block.deviation[block.live].max(initial=0.0)) or 1.0
        self.trace = float(np.sum(np.diagonal(scatter)[block.live] / self.scale / self.scale))

    def norms(self, block: AnyArray) -> Floats:
        """Squared norms of the samples of a block (samples, ..., features), (samples,)."""
        out = np.empty(block.shape[:-1])
        row_bytes = 8 * block[0].size
        for rows in slices(block.shape[0], row_bytes, _BLOCK_BYTES):
            # In one memory order, or sums would follow the strides of the input.
            centred = np.subtract(with_numbers(block[rows]), self.mean, order="C")
            np.square(centred / self.scale * self.live).sum(axis=-1, out=out[rows])
        return out.ravel()
