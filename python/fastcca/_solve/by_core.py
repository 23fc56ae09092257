"""Every measure of a pair by the compiled core, where the state of the pair is kept."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from fastcca._inputs.arrays import AnyArray
from fastcca._runtime.compiled import device_at, module_at, module_of
from fastcca._runtime.device_array import on_host
from fastcca._runtime.output import left_there
from fastcca._solve.accuracy import check_single, digits_left
from fastcca._solve.options import CcaOptions
from fastcca._solve.pair import Floats, Pair
from fastcca._solve.solutions import (
    AxesSolution,
    CcaSolution,
    GoogleSolution,
    PlsSolution,
    RegressionSolution,
    Side,
    SymmetricSolution,
    names_of,
)


def cca_of_moments(pair: Pair, options: CcaOptions) -> CcaSolution:
    """CCA of the moments, of the leading principal axes where `keep` is given."""
    state, blocks = pair.of_moments()
    module = module_of(state)
    if pair.is_complex:
        x, y = ((block.real, block.imaginary) for block in pair.blocks)
        solved = module.solve_complex_cca(
            state, x, y, options.ridge, options.weights, options.rank_tolerance, options.in_place
        )
    else:
        solved = module.solve_cca(state, *blocks, *options.for_core())
    if options.in_place:
        solved = left_there(solved, pair.place)
    solution = of_moments(solved, options.ridge)
    if solution.single and solution.undecided and options.method == "auto" and pair.source:
        raise ValueError(
            f"precision='single' cannot tell {solution.undecided} "
            f"{'direction' if solution.undecided == 1 else 'directions'} from rounding; use "
            "precision='double', which reads the samples once more where it must, or in cca "
            "method='moments' to leave them out"
        )
    return solution


def cca_of_factor(pair: Pair, options: CcaOptions) -> CcaSolution:
    """CCA of the triangular factor."""
    state, (x, y) = pair.of_factor()
    solved = module_of(state).solve_cca_of_factor(state, x, y, *options.for_core())
    if options.in_place:
        solved = left_there(solved, pair.place)
    return CcaSolution(
        solved["correlations"],
        Side.of(solved, "x"),
        Side.of(solved, "y"),
        solved["n_samples"],
        "qr",
    )


def of_moments(solved: Mapping[str, Any], ridge: float) -> CcaSolution:
    """Complete what the core says of two blocks, with the digits that their moments have left."""
    x, y = Side.of(solved, "x"), Side.of(solved, "y")
    return CcaSolution(
        solved["correlations"],
        x,
        y,
        solved["n_samples"],
        "moments",
        solved["single"],
        _digits(solved, max(x.condition, y.condition), ridge),
        solved["x_undecided"] + solved["y_undecided"],
    )


def _digits(solved: Mapping[str, Any], condition: float, ridge: float = 0.0) -> float | None:
    if solved["single"]:
        check_single(condition, ridge)
        return None
    return digits_left(condition, max(solved["x_epsilon"], solved["y_epsilon"]), ridge)


def pls(pair: Pair, in_place: bool = False) -> PlsSolution:
    """SVD of the cross-covariance."""
    state, (x, y) = pair.of_moments()
    solved = module_of(state).solve_pls(state, x, y, in_place)
    if in_place:
        solved = left_there(solved, pair.place)
    return PlsSolution(**{name: solved[name] for name in names_of(PlsSolution)})


def pca_of_moments(single: Pair, rank_tolerance: float, in_place: bool = False) -> AxesSolution:
    """Principal axes of one block."""
    state, (block,) = single.of_moments()
    solved = module_of(state).solve_pca(state, block, rank_tolerance, in_place)
    return _axes(solved, single, in_place)


def pca_of_factor(single: Pair, rank_tolerance: float, in_place: bool = False) -> AxesSolution:
    """Do the same with the digits that the covariance loses."""
    state, (block,) = single.of_factor()
    solved = module_of(state).solve_pca_of_factor(state, block, rank_tolerance, in_place)
    return _axes(solved, single, in_place)


def _axes(solved: dict[str, Any], single: Pair, in_place: bool) -> AxesSolution:
    if in_place:
        solved = left_there(solved, single.place)
    axes, variances = solved["axes"], solved["variances"]
    if axes.shape[1] < axes.shape[0]:
        # Dead features have no part in any axis; each is one of its own, of no variance.
        axes = on_host(axes)
        dead = np.flatnonzero(~axes.any(axis=1))
        variances = np.concatenate([variances, np.zeros(dead.size)])
        axes = np.hstack([axes, np.eye(axes.shape[0])[:, dead]])
    return AxesSolution(variances, axes, solved["rank"], solved["mean"], solved["n_samples"])


def cka(pair: Pair) -> float:
    """Linear CKA."""
    state, blocks = pair.of_moments()
    return float(module_of(state).linear_cka(state, *blocks))


def procrustes(pair: Pair) -> float:
    """Nuclear norm of the cross-covariance over the roots of both traces."""
    state, blocks = pair.of_moments()
    return float(module_of(state).procrustes(state, *blocks))


def linear_regression_of_moments(pair: Pair, rank_tolerance: float) -> RegressionSolution:
    """Share of y's variance that x explains."""
    state, (x, y) = pair.of_moments()
    return regression_of(module_of(state).linear_regression(state, x, y, rank_tolerance))


def linear_regression_of_factor(pair: Pair, rank_tolerance: float) -> RegressionSolution:
    """Do the same with the digits that the covariance loses."""
    state, (x, y) = pair.of_factor()
    solved = module_of(state).linear_regression_of_factor(state, x, y, rank_tolerance)
    return RegressionSolution(solved["r2"], solved["x_condition"])


def regression_of(solved: Mapping[str, Any]) -> RegressionSolution:
    """Complete what the core says of two blocks, with the digits that their moments have left."""
    condition = solved["x_condition"]
    digits = _digits(solved, condition)
    return RegressionSolution(solved["r2"], condition, digits, solved["x_undecided"])


def debiased_cka(pair: Pair) -> float:
    """CKA by the unbiased estimator of HSIC: the moments, and one pass more."""
    samples, (state, blocks) = pair.with_samples(), pair.of_moments()
    found = module_of(state).DebiasedCka(state, *blocks)
    for batch in samples.batches():
        found.add(*batch)
    return float(found.value())


def google_cca(
    pair: Pair, epsilon: float, energies: tuple[Floats | None, Floats | None]
) -> GoogleSolution:
    """CCA of google/svcca's ``get_cca_similarity``."""
    state, blocks = pair.of_moments()
    module = module_of(state)
    if not pair.is_complex:
        return _google(module.google_cca(state, *blocks, epsilon))
    indices = [(block.real, block.imaginary) for block in pair.blocks]
    return _google(module.google_complex_cca(state, *indices, epsilon, *energies))


def google_cca_of_covariances(
    x_cov: AnyArray, y_cov: AnyArray, cross_cov: AnyArray, epsilon: float, place: str
) -> GoogleSolution:
    """Do the same for covariances as they are given."""
    module, covs = module_at(place), (x_cov, y_cov, cross_cov)
    is_complex = any(np.iscomplexobj(cov) for cov in covs)
    solve = "google_complex_cca_of_covariances" if is_complex else "google_cca_of_covariances"
    return _google(getattr(module, solve)(*covs, epsilon, device_at(place)))


def _google(found: tuple[dict[str, Any] | None, Any, Any]) -> GoogleSolution:
    solved, x_kept, y_kept = found
    return GoogleSolution(None if solved is None else SymmetricSolution(**solved), x_kept, y_kept)


def google_weights(pair: Pair, epsilon: float) -> tuple[Floats, Floats]:
    """Correlations and weights (k,) of google/svcca's ``compute_pwcca``."""
    state, blocks = pair.of_moments()
    correlations, weights = module_of(state).google_weights(state, *blocks, epsilon)
    return correlations, weights
