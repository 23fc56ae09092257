"""CCA of convolutional layers in Fourier space."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from fastcca import reference
from fastcca._fourier.frequencies import Bin, common_bins, real_and_imaginary
from fastcca._fourier.spectra import block_bytes, complex_type, transform_at
from fastcca._inputs.arrays import AnyArray
from fastcca._inputs.dtypes import precision_name
from fastcca._inputs.layouts import LayoutOrPair, lay_out
from fastcca._inputs.spatial import Map, slices
from fastcca._runtime.backend import resolve
from fastcca._runtime.compiled import CoreMoments, module_at, new_moments
from fastcca._runtime.memory import check_memory
from fastcca._runtime.threads import threads_for_many
from fastcca._warnings import SAMPLES_PER_FEATURE, RankWarning, warn

__all__ = ["DFTCCAResult", "dft_cca"]

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
    if place == "numpy":
        for source in maps.sources:
            source.check_finite(slice(None))
        solved = reference.dft_cca(*views, frequencies=[(b.row, b.col) for b in bins])
        correlations, x_weights, y_weights = (
            solved.correlations,
            solved.x_weights,
            solved.y_weights,
        )
        ranks = solved.ranks
    else:
        states, energies = _accumulate(maps.sources, views, bins, place)
        with threads_for_many() as threads:
            parts = module_at(place).solve_complex_cca_many(
                states,
                (0, 1),
                (2, 3),
                0.0,
                weights,
                energies[0].tolist(),
                energies[1].tolist(),
                threads,
            )
        correlations = [part["correlations"] for part in parts]
        x_weights = [part["x_weights"] for part in parts]
        y_weights = [part["y_weights"] for part in parts]
        ranks = np.array([(part["x_rank"], part["y_rank"]) for part in parts])
    most = min(view.shape[3] for view in views)
    _warn(n, max(view.shape[3] for view in views), ranks)
    return DFTCCAResult(
        correlations=_padded(correlations, most),
        ranks=ranks.astype(np.intp),
        frequencies=np.array([(b.row, b.col) for b in bins], dtype=np.intp),
        multiplicity=np.array([b.multiplicity for b in bins], dtype=np.intp),
        n_samples=n,
        x_weights=_padded(x_weights, most) if weights else None,
        y_weights=_padded(y_weights, most) if weights else None,
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


def _accumulate(
    sources: tuple[Map, ...], views: list[AnyArray], bins: list[Bin], place: str
) -> tuple[list[CoreMoments], list[Floats]]:
    """Complex moments of every bin, and the mean energy of every channel's whole map."""
    names = ["x", "x.imag", "y", "y.imag"]
    precisions = [precision_name(view.dtype) for view in views for _ in range(2)]
    grids = [(view.shape[1], view.shape[2]) for view in views]
    channels = sum(view.shape[3] for view in views)
    check_memory(
        len(bins) * 20 * channels**2,
        f"complex moments of {channels} channels at {len(bins)} frequencies",
        "Compare smaller maps (pooled, or cropped), or channels in groups.",
        place,
    )
    states = [new_moments(place) for _ in bins]
    energies = [np.zeros(view.shape[3]) for view in views]
    sample_bytes = sum(
        view[0].size // view.shape[2] * (view.shape[2] // 2 + 1) * complex_type(view.dtype).itemsize
        for view in views
    )
    transform = transform_at(place)
    for rows in slices(views[0].shape[0], sample_bytes, block_bytes(place)):
        spectra = []
        for source, view, energy in zip(sources, views, energies, strict=True):
            spectrum, energies_of_block = transform(view[rows], source.name)
            energy += energies_of_block
            if not np.isfinite(energy).all():
                source.check_finite(rows)
            spectra.append(spectrum)
        module_at(place).update_many(
            states,
            names,
            [
                [
                    part
                    for spectrum, grid in zip(spectra, grids, strict=True)
                    for part in real_and_imaginary(spectrum, grid, b)
                ]
                for b in bins
            ],
            precisions,
        )
    for energy in energies:
        energy /= views[0].shape[0]
    return states, energies
