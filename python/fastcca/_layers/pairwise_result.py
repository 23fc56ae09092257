"""What `pairwise` returns: a labelled matrix."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes


@dataclass(frozen=True, eq=False, slots=True)
class PairwiseResult:
    """Similarities of every layer of one side with every layer of the other.

    Attributes
    ----------
    values : ndarray, (L1, L2), float64
        Row i, column j: x layer i with y layer j. NaN where a `Moments` lacks the pair.
    x_names, y_names : tuple of str
        Names of the L1 and L2 layers.
    measure : str
        What the values are.
    """

    values: npt.NDArray[np.float64] = field(repr=False)
    x_names: tuple[str, ...]
    y_names: tuple[str, ...]
    measure: str

    def to_pandas(self) -> pd.DataFrame:
        """Return the values as a DataFrame labelled by names, (L1, L2); needs pandas."""
        import pandas as pd

        return pd.DataFrame(self.values, index=list(self.x_names), columns=list(self.y_names))

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw a labelled heat map from 0 to 1, or as far as values go; needs matplotlib.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, optional
            Where to draw; a new figure of pyplot if not given.

        Returns
        -------
        matplotlib.axes.Axes
        """
        if ax is None:
            import matplotlib.pyplot as plt

            size = [1.8 + 0.55 * len(names) for names in (self.y_names, self.x_names)]
            _, ax = plt.subplots(figsize=(size[0] + 0.8, size[1]), layout="constrained")
        # PLS has units, and debiased CKA can be negative.
        low, high = np.nanmin([0.0, *self.values.flat]), np.nanmax([1.0, *self.values.flat])
        image = ax.imshow(self.values, cmap="viridis", vmin=low, vmax=high)
        ax.set_xticks(range(len(self.y_names)), self.y_names, rotation=45, ha="right")
        ax.set_yticks(range(len(self.x_names)), self.x_names)
        for (i, j), value in np.ndenumerate(self.values):
            # NaN has no cell of its own.
            colour = "white" if value <= low + 0.45 * (high - low) else "black"
            ax.text(j, i, f"{value:.2f}", ha="center", va="center", color=colour, fontsize=8)
        ax.figure.colorbar(image, ax=ax, label=self.measure)
        return ax
