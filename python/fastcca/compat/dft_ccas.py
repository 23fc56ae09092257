"""CCA of convolutional layers in Fourier space under the names of google/svcca's ``dft_ccas``.

For the correlations alone `fastcca.dft_cca` is faster: it solves half of the frequencies, many at
a time.

References
----------
Raghu, Gilmer, Yosinski, Sohl-Dickstein (2017), arXiv:1706.05806.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import numpy.typing as npt
import scipy.fft

from fastcca._inputs.arrays import as_real, check_all_finite
from fastcca._inputs.bfloat16 import with_numbers
from fastcca._runtime.threads import get_num_threads
from fastcca.compat.cca_core import similarity_of

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["fft_resize", "fourier_ccas"]


def fft_resize(
    images: npt.ArrayLike, resize: bool = False, new_size: Sequence[int] | None = None
) -> npt.NDArray[np.complex64]:
    """Two-dimensional Fourier transform of images, cropped to the frequencies of a smaller grid.

    Parameters
    ----------
    images : array_like, (n_images, height, width, channels)
        Real. Transformed in single precision, as in the original.
    resize : bool
        Whether to crop.
    new_size : (height, width), optional
        With `resize`, the grid whose frequencies are kept: those in [-size/2, size/2).

    Returns
    -------
    ndarray, (n_images, height, width, channels), complex64
        Zero frequency first, as from `numpy.fft.fft2`.

    Raises
    ------
    ValueError
        If the shapes or sizes do not fit.
    """
    array = as_real(images, "images")
    if array.ndim != 4:
        raise ValueError(
            f"images has shape {array.shape}; it must be (n_images, height, width, channels)"
        )
    spectrum = cast(
        npt.NDArray[np.complex64],
        scipy.fft.fft2(
            with_numbers(array).astype(np.float32), axes=(1, 2), workers=get_num_threads()
        ),
    )
    if not resize:
        return spectrum
    if new_size is None or len(new_size) != 2:
        raise ValueError(f"new_size={new_size!r} must be (height, width) where resize is asked for")
    kept = [
        _kept_frequencies(size, int(new), name)
        for size, new, name in zip(array.shape[1:3], new_size, ("height", "width"), strict=True)
    ]
    return spectrum[:, kept[0]][:, :, kept[1]]


def _kept_frequencies(size: int, new_size: int, name: str) -> npt.NDArray[np.intp]:
    if not 1 <= new_size <= size:
        raise ValueError(f"new_size has the {name} {new_size}; it must lie between 1 and {size}")
    frequencies = np.fft.fftfreq(size, d=1.0 / size)
    kept: npt.NDArray[np.intp] = np.flatnonzero(
        (frequencies >= -new_size / 2) & (frequencies < new_size / 2)
    )
    return kept


def fourier_ccas(
    conv_acts1: npt.ArrayLike,
    conv_acts2: npt.ArrayLike,
    return_coefs: bool = False,
    compute_dirns: bool = False,
    verbose: bool = False,
) -> pd.DataFrame:
    """CCA similarity of two convolutional layers at every frequency.

    Parameters
    ----------
    conv_acts1, conv_acts2 : array_like, (n_images, height, width, channels)
        Real maps of the same images. Different grids are cropped to the frequencies that both
        have; heights and widths may differ.
    return_coefs, compute_dirns : bool
        Whether to return coefficients over channels, and directions over images, of every
        frequency. (An inverse transform of them, as in the original, has no meaning: their phases
        and order are arbitrary at each frequency.)
    verbose : bool
        Whether to report steps through `logging`.

    Returns
    -------
    pandas.DataFrame
        A row for each location (i, j) of the transform, height times width of them, whose columns
        are "location" and the keys of `cca_core.get_cca_similarity`, complex where they are.

    Raises
    ------
    ImportError
        If pandas is not installed.
    ValueError, TypeError
        As `cca_core.get_cca_similarity`.
    """
    try:
        import pandas as pd
    except ImportError as error:
        raise ImportError(
            'fourier_ccas returns a pandas DataFrame; install it: pip install "fastcca[pandas]"'
        ) from error
    maps = []
    for name, acts in (("conv_acts1", conv_acts1), ("conv_acts2", conv_acts2)):
        array = as_real(acts, name)
        if array.ndim != 4:
            raise ValueError(
                f"{name} has shape {array.shape}; it must be (n_images, height, width, channels)"
            )
        check_all_finite(array, name)
        maps.append(array)
    height, width = (
        min(sizes) for sizes in zip(maps[0].shape[1:3], maps[1].shape[1:3], strict=True)
    )
    spectra = [
        fft_resize(array, resize=array.shape[1:3] != (height, width), new_size=(height, width))
        for array in maps
    ]
    # The rounding of a transform is in proportion to the energy of the whole map.
    energies = tuple(
        np.einsum("nhwc,nhwc->c", array, array, dtype=np.float64, casting="unsafe") / len(array)
        for array in maps
    )
    rows = []
    for i in range(height):
        for j in range(width):
            row: dict[str, Any] = similarity_of(
                spectra[0][:, i, j].T,
                spectra[1][:, i, j].T,
                compute_coefs=return_coefs,
                compute_dirns=compute_dirns,
                verbose=verbose,
                energies=energies,
            )
            row["location"] = (i, j)
            rows.append(row)
    return pd.DataFrame(rows)
