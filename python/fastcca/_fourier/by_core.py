"""CCA of every frequency by the compiled core, where the maps lie."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from fastcca._fourier.frequencies import Bin, BinSolutions, real_and_imaginary
from fastcca._fourier.spectra import block_bytes, complex_type, transform_at
from fastcca._inputs.arrays import AnyArray
from fastcca._inputs.dtypes import precision_name
from fastcca._inputs.spatial import Map, slices
from fastcca._runtime.compiled import CoreMoments, module_at, new_moments
from fastcca._runtime.memory import check_memory
from fastcca._runtime.threads import threads_for_many

Floats = npt.NDArray[np.float64]


def solve_by_core(
    sources: tuple[Map, ...], views: list[AnyArray], bins: list[Bin], *, weights: bool, place: str
) -> BinSolutions:
    """Accumulate the moments of all frequencies, and solve them."""
    states, energies = _accumulated(sources, views, bins, place)
    with threads_for_many() as threads:
        solved = module_at(place).solve_complex_cca_many(
            states,
            (0, 1),
            (2, 3),
            0.0,
            weights,
            energies[0].tolist(),
            energies[1].tolist(),
            threads,
        )
    return BinSolutions(
        [one["correlations"] for one in solved],
        np.array([(one["x_rank"], one["y_rank"]) for one in solved], dtype=np.intp),
        [one["x_weights"] for one in solved],
        [one["y_weights"] for one in solved],
    )


def _accumulated(
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
