"""What of a result is determined, and can be compared."""

from __future__ import annotations

from typing import Any

import numpy as np

import fastcca


def signless(matrix: Any) -> Any:
    """Return what does not depend on signs of directions."""
    return None if matrix is None else np.abs(np.asarray(matrix)).sum(axis=0)


def of_cca(result: fastcca.CCAResult) -> list[Any]:
    """Everything of a CCA that is determined."""
    weights = [signless(result.x_weights), signless(result.y_weights)]
    loadings = [signless(result.x_loadings), signless(result.y_loadings)]
    return [
        result.correlations,
        *weights,
        *loadings,
        result.x_mean,
        result.x_rank,
        result.y_rank,
        result.n_samples,
        result.method,
        result.x_dead,
        result.y_dead,
        f"{result.condition:.3g} {result.error_bound:.3g}",
    ]


def of_svcca(result: fastcca.SVCCAResult) -> list[Any]:
    """Return the same of an SVCCA."""
    return [*of_cca(result), result.x_kept, result.y_kept]


def of_pwcca(result: fastcca.PWCCAResult) -> list[Any]:
    """Value, weights and what is said of the route."""
    return [result.value, result.weights, result.correlations, result.variant, result.method]


def of_pls(result: fastcca.PLSResult) -> list[Any]:
    """Singular values and the leading directions without signs."""
    return [result.singular_values, signless(result.x_weights)[:5], result.y_mean, result.n_samples]


def of_pca(result: fastcca.PCAResult) -> list[Any]:
    """Variances and components without signs."""
    return [result.explained_variance, signless(result.components.T[:, :3]), result.rank]


def of_test(test: fastcca.PermutationTest) -> list[Any]:
    """Everything that a permutation test says."""
    return [test.value, test.p_value, test.calibrated, test.null, test.largest, test.n_units]


def of_bootstrap(found: fastcca.BootstrapResult) -> list[Any]:
    """Everything that a bootstrap says."""
    return [found.value, *found.confidence_interval, found.standard_error, found.n_units]


def of_matrix(found: fastcca.PairwiseResult) -> list[Any]:
    """Values and names."""
    return [found.values, found.x_names, found.y_names, found.measure]


def full_dict(result: dict[str, Any]) -> list[Any]:
    """Entries of google's result, directions without signs."""
    out: list[Any] = []
    for key in sorted(result):
        value = np.asarray(result[key])
        out += [key, np.abs(value).sum() if "coef_" in key or "dirns" in key else value]
    return out
