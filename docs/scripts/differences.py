"""Numbers of ``docs/differences.md``: one pair of layers, and every variant of the measures.

The pair: logits of two MNIST networks on the 10 000 test images, which google/svcca ships with its
tutorial (``tests/data/google_mnist_logits.npz``). Every variant is written here in plain numpy,
independently of the package, and named by what it does.

Run as ``python docs/scripts/differences.py [--update]``; ``--update`` pastes into the page.
"""

from __future__ import annotations

import argparse
import itertools
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pages
from numpy.typing import NDArray

Array = NDArray[np.float64]

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "differences.md"
DATA = ROOT / "tests" / "data" / "google_mnist_logits.npz"


@dataclass(frozen=True)
class Row:
    """One number: what is computed, and what of this package or of another computes it."""

    what: str
    who: str
    value: float
    kept: str = ""  # dimensions that went into the CCA


# --- CCA in a few lines -------------------------------------------------------------------------


def centred(a: Array) -> Array:
    """Subtract the mean of every feature."""
    out: Array = a - a.mean(axis=0)
    return out


def basis(a: Array) -> tuple[Array, Array, Array]:
    """Left singular vectors, singular values and right singular vectors (as columns)."""
    u, s, vt = np.linalg.svd(a, full_matrices=False)
    return u, s, vt.T


def correlations(x: Array, y: Array) -> Array:
    """Canonical correlations of two centred blocks of full rank."""
    return np.linalg.svd(basis(x)[0].T @ basis(y)[0])[1]


def weights_and_correlations(x: Array, y: Array) -> tuple[Array, Array]:
    """Canonical weights of x, and the correlations, of two centred blocks of full rank."""
    u, s, v = basis(x)
    rotation, rho, _ = np.linalg.svd(u.T @ basis(y)[0])
    return v / s @ rotation, rho


def rotation_of_symmetric_whitening(x: Array, y: Array) -> tuple[Array, Array]:
    """Canonical directions of x in the space whitened by the inverse square root of Sxx.

    Their signs are open: whatever the SVD happens to return.
    """

    def inverse_root(a: Array) -> Array:
        variances, axes = np.linalg.eigh(a.T @ a)
        out: Array = axes / np.sqrt(variances) @ axes.T
        return out

    rotation, rho, _ = np.linalg.svd(inverse_root(x) @ x.T @ y @ inverse_root(y))
    return rotation, rho


def weighted(rho: Array, alpha: Array) -> float:
    """Mean of the correlations with nonnegative weights."""
    return float(alpha @ rho / alpha.sum())


# --- the tables ---------------------------------------------------------------------------------


def summaries(x: Array, y: Array) -> list[Row]:
    """Single numbers that are all called "the CCA similarity" somewhere."""
    rho = correlations(centred(x), centred(y))
    # google's rule: the first i for which rho[:i] hold 98 % of the sum
    leading = next(i for i in range(rho.size + 1) if rho[:i].sum() >= 0.98 * rho.sum())
    return [
        Row("mean of all correlations", "`cca(x, y).mean`", float(rho.mean())),
        Row(
            "mean of the leading ones that hold 98 % of their sum",
            "`cca(x, y).thresholded_mean()`, google's `mean`",
            float(rho[:leading].mean()),
        ),
        Row("mean of the squares", "`cca(x, y).mean_squared`", float((rho**2).mean())),
    ]


def pwcca(x: Array, y: Array) -> list[Row]:
    """Every PWCCA."""
    xc, yc = centred(x), centred(y)
    a, rho = weights_and_correlations(xc, yc)
    b, _ = weights_and_correlations(yc, xc)
    paper_x = weighted(rho, np.abs(xc.T @ (xc @ a)).sum(axis=0))
    paper_y = weighted(rho, np.abs(yc.T @ (yc @ b)).sum(axis=0))

    def by_projection(directions: Array, features: Array) -> float:
        orthonormal, _ = np.linalg.qr(directions)
        return weighted(rho, np.abs(orthonormal.T @ features).sum(axis=1))

    u, _ = rotation_of_symmetric_whitening(xc, yc)
    signs = np.array(list(itertools.product((1.0, -1.0), repeat=rho.size)))
    values = np.array([google_pwcca(x, u * s, rho) for s in signs])
    with np.load(DATA) as stored:  # what google's own code returned, with the signs of its run
        as_run = u * signs[np.abs(values - stored["google_eps0_pwcca"]).argmin()]

    orthonormal_weights, _ = np.linalg.qr(a)
    return [
        Row("the paper's, weights from x", "`pwcca(x, y)`, sim_metric", paper_x),
        Row("the paper's, weights from y", "`pwcca(y, x)`", paper_y),
        Row(
            "mean of both",
            '`pwcca(x, y, variant="symmetric")`, repsim',
            (paper_x + paper_y) / 2,
        ),
        Row("as the paper's, whitening left out", "", by_projection(xc @ as_run, xc)),
        Row(
            "... and the means added to the directions",
            "",
            by_projection(xc @ as_run + x.mean(axis=0), xc),
        ),
        Row(
            "... and features projected uncentred",
            '`pwcca(x, y, variant="google")`, google, ecco',
            google_pwcca(x, as_run, rho),
        ),
        Row("the same, the smallest over signs of directions", "", float(values.min())),
        Row("the same, the largest over signs of directions", "", float(values.max())),
        Row(
            "sum of absolute values of each variate over the samples",
            "anatome, before it orthonormalised",
            weighted(rho, np.abs(x @ a).sum(axis=0)),
        ),
        Row(
            "the same, canonical weights made orthonormal by QR before",
            "anatome",
            weighted(rho, np.abs(x @ orthonormal_weights).sum(axis=0)),
        ),
    ]


def google_pwcca(x: Array, u: Array, rho: Array) -> float:
    """Compute google's PWCCA for given directions in the whitened space.

    It takes D = Xc U + 1 m' and, as weights, the row sums of ``|P' X|`` for P from the QR of D.
    With R from the Cholesky factor of D'D, P' X = R'^-1 D'X: small matrices only.
    """
    scatter, offset = centred(x).T @ centred(x), len(x) * np.outer(x.mean(axis=0), x.mean(axis=0))
    lower = np.linalg.cholesky(u.T @ scatter @ u + offset)
    return weighted(rho, np.abs(np.linalg.solve(lower, u.T @ scatter + offset)).sum(axis=1))


def svcca(x: Array, y: Array) -> list[Row]:
    """Every SVCCA: how many dimensions are kept, and the mean correlation."""
    xc, yc = centred(x), centred(y)

    def shares(a: Array, power: int) -> Array:
        singular = basis(a)[1] ** power
        out: Array = np.cumsum(singular) / singular.sum()
        return out

    def crossing_kept(a: Array, power: int) -> int:
        return int(np.searchsorted(shares(a, power), 0.99)) + 1

    def crossing_dropped(a: Array, power: int) -> int:
        return int((shares(a, power) < 0.99).sum())

    def leading(a: Array, count: int) -> Array:
        out: Array = a @ basis(a)[2][:, :count]
        return out

    def row(what: str, who: str, a: Array, b: Array, kept: tuple[int, int]) -> Row:
        rho = correlations(centred(leading(a, kept[0])), centred(leading(b, kept[1])))
        return Row(what, who, float(rho.mean()), f"{kept[0]}, {kept[1]}")

    # All singular values are 1 but for what centring takes from one direction.
    whitened = centred(basis(x)[0]), centred(basis(y)[0])
    return [
        row(
            "99 % of the variance",
            "`svcca(x, y)`",
            xc,
            yc,
            (crossing_kept(xc, 2), crossing_kept(yc, 2)),
        ),
        row(
            "99 % of the sum of singular values",
            '`svcca(x, y, criterion="singular_values")`',
            xc,
            yc,
            (crossing_kept(xc, 1), crossing_kept(yc, 1)),
        ),
        row(
            "the same of uncentred data, without the component that crosses 99 %",
            "anatome",
            x,
            y,
            (crossing_dropped(x, 1), crossing_dropped(y, 1)),
        ),
        row(
            "99 % of the variance, without the component that crosses",
            "contextual-corr-analysis",
            xc,
            yc,
            (crossing_dropped(xc, 2), crossing_dropped(yc, 2)),
        ),
        row(
            "5 on each side",
            "`svcca(x, y, keep=5)`; google's tutorial and ecco with 20",
            xc,
            yc,
            (5, 5),
        ),
        row(
            "99 % of the variance of data whitened before",
            "repsim",
            *whitened,
            (crossing_kept(whitened[0], 2), crossing_kept(whitened[1], 2)),
        ),
    ]


TABLES = {"summaries": summaries, "pwcca": pwcca, "svcca": svcca}


def tables() -> dict[str, list[Row]]:
    """Compute every table of the page."""
    with np.load(DATA) as stored:  # neurons x datapoints, float32
        x, y = (stored[name].T.astype(np.float64) for name in "xy")
    return {name: table(x, y) for name, table in TABLES.items()}


def markdown(rows: list[Row]) -> str:
    """Lay out one table."""
    with_kept = any(row.kept for row in rows)
    lines = []
    for row in rows:
        kept = [row.kept] if with_kept else []
        lines.append([row.what, row.who, *kept, f"{row.value:.6f}"])
    kept_head = ["kept"] if with_kept else []
    return pages.table(["what is computed", "computed by", *kept_head, "value"], lines)


def main() -> None:
    """Print the tables, or paste them into the page."""
    parser = argparse.ArgumentParser(description="Print the numbers of docs/differences.md.")
    parser.add_argument("--update", action="store_true", help="paste them into the page")
    update = parser.parse_args().update
    for name, rows in tables().items():
        text = markdown(rows)
        print(f"{name}\n{text}\n")
        if update:
            pages.paste(PAGE, name, text)


if __name__ == "__main__":
    main()
