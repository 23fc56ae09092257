"""The quantities of google/svcca that no paper defines, from moments."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import numpy.typing as npt

from fastcca import _solvers_numpy
from fastcca._compiled import device_at, module_at, module_of
from fastcca._pair import Pair
from fastcca._parts import SymmetricParts
from fastcca._solvers import Solvers
from fastcca.reference import input_epsilon

__all__ = ["Coefficients", "coefficients_of", "google_weights", "solve_covariances"]

Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, eq=False, slots=True)
class Coefficients:
    """CCA by symmetric inverse square roots of covariances over their largest entry.

    Attributes
    ----------
    parts : SymmetricParts or None
        Over the neurons kept. None where a side keeps none, or does not vary.
    x_kept, y_kept : ndarray of bool, (p,) and (q,)
        Neurons whose variance, over the largest, is `epsilon` or more.
    """

    parts: SymmetricParts | None
    x_kept: Mask
    y_kept: Mask


def coefficients_of(
    pair: Pair,
    epsilon: float,
    solvers: Solvers,
    energies: tuple[Floats | None, Floats | None] = (None, None),
) -> Coefficients:
    """Solve the CCA of google/svcca's ``get_cca_similarity``.

    `energies` are the mean squares that rounding is in proportion to, where those are not the
    neurons' own.
    """
    if pair.place != "numpy":
        state, (x, y) = pair.state, pair.located
        module = module_of(state)
        if not pair.is_complex:
            return Coefficients(*module.google_cca(state, x.real, y.real, epsilon))
        indices = [(block.real, block.imaginary) for block in (x, y)]
        return Coefficients(*module.google_complex_cca(state, *indices, epsilon, *energies))
    moments = pair.moments
    x_name, y_name = pair.blocks
    covs, means, epsilons, scales = [], [], [], []
    for name, energy in zip((x_name, y_name), energies, strict=True):
        cov = moments.covariance(name, name)
        variance = np.diagonal(cov).real
        # A covariance has its largest entry on the diagonal.
        largest = float(np.max(variance))
        scale = largest if largest > 0.0 else 1.0
        covs.append(cov / scale)
        mean = moments.mean(name)
        if energy is not None:
            mean = np.sqrt(np.maximum(energy - variance, 0.0))
        means.append(mean / math.sqrt(scale))
        epsilons.append(input_epsilon(moments._state.precision(moments._index(name))))
        scales.append(scale)
    cross = moments.covariance(x_name, y_name) / math.sqrt(scales[0]) / math.sqrt(scales[1])
    solved = solve_covariances(covs, means, epsilons, cross, epsilon, solvers, place=pair.place)
    parts = solved.parts
    if parts is not None and min(parts["x_rank"], parts["y_rank"]) == 0:
        return Coefficients(None, solved.x_kept, solved.y_kept)
    return solved


def solve_covariances(
    covs: list[npt.NDArray[Any]],
    means: list[npt.NDArray[Any]],
    epsilons: list[float],
    cross: npt.NDArray[Any],
    epsilon: float,
    solvers: Solvers,
    *,
    place: str,
) -> Coefficients:
    """Drop neurons under `epsilon`, and solve the CCA of what is left."""
    if place != "numpy":
        module = module_at(place)
        is_complex = any(np.iscomplexobj(a) for a in (*covs, cross))
        solve = (
            module.google_complex_cca_of_covariances
            if is_complex
            else module.google_cca_of_covariances
        )
        return Coefficients(*solve(*covs, cross, epsilon, device_at(place)))
    x_kept, y_kept = (np.abs(np.diagonal(cov)) >= epsilon for cov in covs)
    if not (x_kept.any() and y_kept.any()):
        return Coefficients(None, x_kept, y_kept)
    parts = _solvers_numpy.symmetric_cca(
        x_cov=covs[0][np.ix_(x_kept, x_kept)],
        x_mean=means[0][x_kept],
        x_epsilon=epsilons[0],
        y_cov=covs[1][np.ix_(y_kept, y_kept)],
        y_mean=means[1][y_kept],
        y_epsilon=epsilons[1],
        cross_cov=cross[np.ix_(x_kept, y_kept)],
        epsilon=float(epsilon),
        place=place,
    )
    return Coefficients(parts, x_kept, y_kept)


def google_weights(pair: Pair, solvers: Solvers, epsilon: float = 0.0) -> tuple[Floats, Floats]:
    """Correlations and weights (k,) of google/svcca's ``compute_pwcca``.

    There the "directions" are D = Xc C' + 1 m', with C the coefficients without the inverse
    square root and m the means of the neurons; the weights are absolute row sums of P' X, with P
    an orthonormal basis of D by QR and X uncentred. With Xc'Xc = L L' all of that follows from
    the QR of the small matrix B = [L' C'; sqrt(n) m'], because B'B = D'D:
    P' X = Q' [L'; sqrt(n) m']. Where all of them vanish, and the original divides by 0, they are
    equal.
    """
    if pair.place != "numpy":
        return cast(
            "tuple[Floats, Floats]",
            module_of(pair.state).google_weights(pair.state, *pair.indices, epsilon),
        )
    solved = coefficients_of(pair, epsilon, solvers)
    if solved.parts is None:
        return np.zeros(0), np.zeros(0)
    moments = pair.moments
    first = solved.x_kept.sum() <= solved.y_kept.sum()
    name = pair.blocks[0 if first else 1]
    kept = solved.x_kept if first else solved.y_kept
    coef = solved.parts["u"].T if first else solved.parts["vt"]
    n = moments.n_samples
    mean = moments.mean(name)[kept]
    variances, axes = np.linalg.eigh(moments._scatter(name, name)[np.ix_(kept, kept)])
    root = np.sqrt(np.maximum(variances, 0.0))[:, np.newaxis] * axes.T  # L'
    offset = math.sqrt(n) * mean[np.newaxis]
    basis, _ = np.linalg.qr(np.vstack([root @ coef.T, offset]))
    weights = np.abs(basis.T @ np.vstack([root, offset])).sum(axis=1)
    correlations = solved.parts["correlations"]
    total = weights.sum()
    if not total > 0.0:  # every direction is orthogonal to the uncentred neurons
        weights, total = np.ones(weights.size), float(weights.size)
    return correlations, weights / total
