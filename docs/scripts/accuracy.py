"""The table of ``docs/accuracy.md``: error of canonical correlations against the condition.

Blocks of 400 samples, 6 and 5 features, whose correlations are known; mixed to a condition from 1
to 1e10, the larger correlations in directions of the smaller variance; truth from 60 digits, of the
float64 data as they are.

Run as ``python docs/scripts/accuracy.py [--update]``; ``--update`` pastes into the page.
"""

from __future__ import annotations

import argparse
import sys
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pages
from numpy.typing import NDArray

import fastcca

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests"))

from cases import known_correlations  # noqa: E402
from oracle import exact_cca  # noqa: E402

Array = NDArray[np.float64]

PAGE = ROOT / "docs" / "accuracy.md"
NAME = "error-against-condition"
RHO = [1e-9, 1e-3, 0.5, 0.9, 1 - 1e-10]
KAPPAS = tuple(10.0**k for k in range(0, 11, 2))
SEEDS = range(5)


def google(x: Array, y: Array) -> Array:
    """google/svcca's recipe with ``epsilon=0``, of samples in rows.

    Covariance of the stacked features, blocks divided by their largest entries, pseudo-inverses,
    roots by eigh, SVD of what they make of the cross-covariance.
    """
    p = x.shape[1]
    joint = np.cov(np.hstack([x, y]), rowvar=False)
    xx, yy, xy = joint[:p, :p], joint[p:, p:], joint[:p, p:]
    x_scale, y_scale = np.abs(xx).max(), np.abs(yy).max()

    def inverse_root(a: Array) -> Array:
        values, vectors = np.linalg.eigh(np.linalg.pinv(a))
        out: Array = vectors * np.sqrt(values) @ vectors.T
        return out

    core = inverse_root(xx / x_scale) @ (xy / np.sqrt(x_scale * y_scale))
    return np.linalg.svd(core @ inverse_root(yy / y_scale))[1]


def _of(**options: str) -> Callable[[Array, Array], Array]:
    return lambda x, y: fastcca.cca(x, y, **options).correlations


METHODS: dict[str, Callable[[Array, Array], Array]] = {
    '`method="moments"`': _of(method="moments"),
    '`method="qr"`': _of(method="qr"),
    '`method="auto"`': _of(),
    '`backend="numpy"`': _of(backend="numpy"),
    "google/svcca": google,
}


@dataclass(frozen=True)
class Row:
    """One condition: the route that "auto" took, and what came of every method."""

    kappa: float
    route: str
    outcomes: tuple[float | str, ...]  # errors, or what went wrong, in the order of METHODS

    def cells(self) -> list[str]:
        """Lay out one line of the table."""
        outcomes = [o if isinstance(o, str) else f"{o:.0e}" for o in self.outcomes]
        return [f"{self.kappa:.0e}", *outcomes, self.route]


HEAD = ["condition", *METHODS, '"auto" took']


def outcome(method: Callable[[Array, Array], Array], x: Array, y: Array, truth: Array) -> float:
    """Largest absolute error; correlations that were not found count as zeros.

    Raises
    ------
    numpy.linalg.LinAlgError
        If the method does.
    """
    found = method(x, y)
    padded = np.zeros_like(truth)
    padded[: found.size] = found
    return float(np.abs(padded - truth).max())


def worst(method: Callable[[Array, Array], Array], cases: list[tuple[Array, ...]]) -> float | str:
    """Largest error over cases, or the name of the first failure."""
    errors = []
    for case in cases:
        try:
            errors.append(outcome(method, *case))
        except np.linalg.LinAlgError:
            return "LinAlgError"
    return "NaN" if np.isnan(errors).any() else max(errors)


def rows() -> list[Row]:
    """Compute the table."""
    out = []
    for kappa in KAPPAS:
        cases = []
        for seed in SEEDS:
            x, y = known_correlations(RHO, n=400, p=6, q=5, kappa=kappa, seed=seed)
            cases.append((x, y, exact_cca(x, y).correlations))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", fastcca.AccuracyWarning)
            warnings.simplefilter("ignore", RuntimeWarning)  # roots of negative eigenvalues
            outcomes = tuple(worst(method, cases) for method in METHODS.values())
        routes = {fastcca.cca(x, y).method for x, y, _ in cases}
        out.append(Row(kappa, " or ".join(sorted(routes)), outcomes))
    return out


def main() -> None:
    """Print the table, or paste it into the page."""
    parser = argparse.ArgumentParser(description="Print the table of docs/accuracy.md.")
    parser.add_argument("--update", action="store_true", help="paste it into the page")
    update = parser.parse_args().update
    text = pages.table(HEAD, [row.cells() for row in rows()])
    print(text)
    if update:
        pages.paste(PAGE, NAME, text)


if __name__ == "__main__":
    main()
