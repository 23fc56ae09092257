"""Pictures, drawn by matplotlib into files: no window, no global state of matplotlib."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastcca.cli.errors import UserError, require_extra

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class HeatMap(NamedTuple):
    """One panel of `draw_heat_maps`: a matrix of values in [0, 1] and its heading."""

    title: str
    values: NDArray[np.float64]


def check_picture_path(path: Path) -> None:
    """Raise `UserError` if no picture can be written there, before any work is done."""
    require_extra("plot", {"matplotlib": "matplotlib"}, purpose="a picture")
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    formats = sorted(FigureCanvasAgg.get_supported_filetypes())
    if path.suffix.lower().removeprefix(".") not in formats:
        raise UserError(
            f"cannot write a picture to {path}: the name must end in one of "
            + ", ".join(f".{name}" for name in formats)
        )
    if path.is_dir() or not path.parent.is_dir():
        raise UserError(f"cannot write a picture to {path}: no such folder")


def draw_correlations(correlations: NDArray[np.float64], path: Path, *, title: str) -> None:
    """Draw canonical correlations in descending order, with their mean.

    Parameters
    ----------
    correlations
        Shape (k,), values in [0, 1].
    path
        The file to write; its suffix chooses the format.
    title
        What was compared.
    """
    count = len(correlations)
    if count == 0:
        raise UserError("there are no correlations to draw: one of the arrays does not vary")
    from matplotlib.ticker import MaxNLocator

    figure = _figure(6.4, 4.0)
    axes = figure.add_subplot()
    mean = float(correlations.mean())
    axes.axhline(mean, color="#d95f02", linestyle="--", linewidth=1.2, label=f"mean {mean:.4f}")
    axes.plot(
        np.arange(1, count + 1),
        correlations,
        color="#1b4f72",
        linewidth=1.6,
        marker="o" if count <= 40 else None,
        markersize=4,
        label="canonical correlations",
    )
    axes.set_ylim(0, 1.02)
    axes.set_xlim(0.5, count + 0.5)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set_xlabel("canonical direction")
    axes.set_ylabel("correlation")
    axes.set_title(title, fontsize=10, parse_math=False, wrap=True)
    axes.grid(alpha=0.25)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False, loc="best")
    _save(figure, path)


def draw_heat_maps(
    maps: Sequence[HeatMap],
    path: Path,
    *,
    row_names: Sequence[str],
    column_names: Sequence[str],
    row_label: str,
    column_label: str,
    title: str,
) -> None:
    """Draw matrices of similarities side by side on one colour scale from 0 to 1.

    Parameters
    ----------
    maps
        The panels, each with values of shape (rows, columns).
    path
        The file to write; its suffix chooses the format.
    row_names, column_names
        The names along both axes.
    row_label, column_label
        What the rows and the columns are.
    title
        A line above all panels.
    """
    width = 1.6 + len(maps) * (1.2 + 0.62 * len(column_names))
    figure = _figure(width, 2.0 + 0.62 * len(row_names))
    panels: Any = figure.subplots(1, len(maps), squeeze=False)[0]
    image = None
    for axes, panel in zip(panels, maps, strict=True):
        image = axes.imshow(panel.values, cmap="viridis", vmin=0, vmax=1)
        axes.set_title(panel.title, fontsize=11)
        axes.set_xticks(range(len(column_names)), column_names, fontsize=9)
        axes.set_yticks(range(len(row_names)), row_names, fontsize=9)
        axes.label_outer()
        axes.set_xlabel(column_label)
        axes.spines[:].set_visible(False)
        axes.tick_params(length=0)
        for (row, column), value in np.ndenumerate(panel.values):
            axes.text(
                column,
                row,
                f"{value:.2f}",
                ha="center",
                va="center",
                color="black" if value > 0.45 else "white",
            )
    panels[0].set_ylabel(row_label)
    if image is not None:
        bar = figure.colorbar(image, ax=list(panels), shrink=0.9, pad=0.02)
        bar.outline.set_visible(False)
        bar.set_label("similarity (1: equal up to a linear map)")
    figure.suptitle(title, fontsize=12)
    _save(figure, path)


def _figure(width: float, height: float) -> Figure:
    # A Figure with its own canvas leaves pyplot, and so the caller's backend, alone.
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def _save(figure: Figure, path: Path) -> None:
    try:
        figure.savefig(path, dpi=160, facecolor="white")
    except OSError as error:
        raise UserError(f"cannot write {path}: {error.strerror or error}") from error
