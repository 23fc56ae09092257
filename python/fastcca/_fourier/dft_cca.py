"""CCA of convolutional layers in Fourier space."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from fastcca._fourier.by_core import solve_by_core
from fastcca._fourier.by_reference import solve_by_reference
from fastcca._fourier.frequencies import common_bins
from fastcca._inputs.arrays import AnyArray
from fastcca._inputs.layouts import LayoutOrPair, lay_out
from fastcca._inputs.spatial import Map
from fastcca._runtime.backend import resolve
from fastcca._warnings import SAMPLES_PER_FEATURE, RankWarning, warn

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False, slots=True)
class DFTCCAResult:
    """Canonical correlations of two convolutional layers, frequency by frequency.

    Attributes
    ----------
    correlations : ndarray, (F, k), float64
        Canonical correlations of each frequency, descending, in [0, 1], 0 beyond its rank.
    ranks : ndarray, (F, 2), int
        Dimensions of x and of y at each frequency.
    frequencies : ndarray, (F, 2), int
        Along height and width, in cycles per map, each in [-size/2, size/2).
    multiplicity : ndarray, (F,), int
        How many frequencies of the whole grid have these correlations: 2 where one stands for
        its mirror image too. They sum to height times width.
    n_samples : int
        Maps seen.
    x_weights, y_weights : ndarray, (F, p, k) and (F, q, k), complex128, or None
        Weights on the channels of the centred transform at each frequency, 0 beyond its rank.
    """

    correlations: Floats
    ranks: npt.NDArray[np.intp]
    frequencies: npt.NDArray[np.intp]
    multiplicity: npt.NDArray[np.intp]
    n_samples: int
    x_weights: npt.NDArray[np.complex128] | None = field(repr=False)
    y_weights: npt.NDArray[np.complex128] | None = field(repr=False)

    @property
    def mean(self) -> float:
        """Mean of all canonical correlations, multiplicities counted."""
        count = float(self.multiplicity @ self.ranks.min(axis=1))
        total = float(self.multiplicity @ self.correlations.sum(axis=1))
        return total / count if count else 0.0

    @property
    def mean_by_frequency(self) -> Floats:
        """Mean correlation of each frequency, (F,); 0 where a side does not vary."""
        counts = self.ranks.min(axis=1)
        means: Floats = self.correlations.sum(axis=1) / np.maximum(counts, 1)
        return means


def dft_cca(
    x: npt.ArrayLike,
    y: npt.ArrayLike,
    *,
    layout: LayoutOrPair = "NHWC",
    weights: bool = False,
    backend: str | None = None,
) -> DFTCCAResult:
    """CCA of two convolutional layers in Fourier space (Raghu et al. 2017, theorem 1).

    For circular convolutions on a data set that is closed under translation, the covariance of
    the flattened layers is block diagonal in the two-dimensional Fourier transform of their maps:
    one complex CCA of the channels per frequency, whose correlations together are those of the
    flattened layers. On other data it is an approximation.

    Parameters
    ----------
    x, y : array_like, (n_samples, height, width, channels) as `layout` says
        Real maps of any strides, never changed, transformed block by block in their own
        precision. Different grids are compared at the frequencies that both have. One of them
        may be a plain (n_samples, features) array, layout "NC", such as logits: it is compared
        with the zero frequency alone.
    layout : str or pair of str
        The axes: one letter each, N samples, C channels, and one or two of H, W, D, T positions.
    weights : bool
        Whether to compute the complex weights.
    backend : {None, "cpu", "cuda", "numpy"}
        As in `cca`; on "cuda" the transforms are computed there as well.

    Returns
    -------
    DFTCCAResult

    Raises
    ------
    ValueError
        For shapes that do not fit each other or the layout, fewer than 2 samples, NaN or
        infinity.
    TypeError
        For arrays that do not hold real numbers.

    Warns
    -----
    RankWarning
        If there are fewer than 5 maps per channel.

    Notes
    -----
    The transform of a real map at a frequency is the conjugate of that at its mirror image, and
    has the same correlations: only half of them are solved. After cropping to an even size the
    frequency -size/2 has lost its mirror image, and its row and column are solved one by one.
    Every frequency is centred by its own mean. Rounding noise, against which ranks are decided,
    is in proportion to the energy of the whole map.

    Frequencies are solved one per core where threadpoolctl is installed, which limits the BLAS of
    the process to one thread meanwhile, and one after the other where it is not.

    Memory beyond the input: about 64 MiB for transformed samples, on a GPU 1 GiB, and
    16 (p + q)**2 bytes per frequency.

    References
    ----------
    Raghu, Gilmer, Yosinski, Sohl-Dickstein (2017), arXiv:1706.05806, section 2.1 and appendix.
    """
    place = resolve(backend, x=x, y=y)
    if layout is None:
        raise ValueError(
            "dft_cca needs a layout that says which axis is which, such as layout='NHWC'"
        )
    maps = lay_out({"x": x, "y": y}, layout=layout, spatial="pool")
    views = _images(*maps.sources)
    n = views[0].shape[0]
    if n < 2:
        raise ValueError("a comparison needs at least 2 samples, but x and y have 1")
    bins = common_bins(views[0].shape[1:3], views[1].shape[1:3])
    solve = solve_by_reference if place == "numpy" else solve_by_core
    found = solve(maps.sources, views, bins, weights=weights, place=place)
    most = min(view.shape[3] for view in views)
    _warn(n, max(view.shape[3] for view in views), found.ranks)
    return DFTCCAResult(
        correlations=_padded(found.correlations, most),
        ranks=found.ranks,
        frequencies=np.array([(b.row, b.col) for b in bins], dtype=np.intp),
        multiplicity=np.array([b.multiplicity for b in bins], dtype=np.intp),
        n_samples=n,
        x_weights=_padded(found.x_weights, most) if weights else None,
        y_weights=_padded(found.y_weights, most) if weights else None,
    )


def _padded(rows: Sequence[AnyArray], width: int) -> AnyArray:
    """Stack arrays whose last axis is at most `width`, zeros beyond."""
    out = np.zeros((len(rows), *rows[0].shape[:-1], width), dtype=rows[0].dtype)
    for padded, row in zip(out, rows, strict=True):
        padded[..., : row.shape[-1]] = row
    return out


def _warn(n: int, channels: int, ranks: npt.NDArray[np.intp]) -> None:
    if not ranks.max(axis=0).all():
        name = "xy"[int(np.argmin(ranks.max(axis=0)))]
        message = f"no channel of {name} varies, so there is nothing to correlate"
    elif n < SAMPLES_PER_FEATURE * channels:
        message = (
            f"{n} maps for {channels} channels: independent data would already give a mean "
            f"squared correlation of {min(1.0, channels / (n - 1)):.2g}. Use at least "
            f"{SAMPLES_PER_FEATURE} maps per channel"
        )
    else:
        return
    warn(message, RankWarning)


def _images(x: Map, y: Map) -> list[AnyArray]:
    """View both as (n, height, width, channels); what has no positions is one pixel."""
    if x.positions and y.positions and set(x.positions) != set(y.positions):
        raise ValueError(
            f"x has positions along {', '.join(x.positions)} and y along "
            f"{', '.join(y.positions)} (layouts {x.axes!r} and {y.axes!r}), whose frequencies "
            "cannot be compared"
        )
    views = []
    for source in (x, y):
        if len(source.positions) > 2:
            raise ValueError(
                f"{source.name} has {len(source.positions)} axes of positions; dft_cca takes one "
                "or two"
            )
        # Height and width are what they are in the layout of x.
        order = [1 + source.positions.index(a) for a in x.positions if a in source.positions]
        view = source.view.transpose([0, *(order or range(1, source.view.ndim - 1)), -1])
        missing = (1,) * (4 - view.ndim)
        views.append(view.reshape(*view.shape[:-1], *missing, view.shape[-1]) if missing else view)
    return views
