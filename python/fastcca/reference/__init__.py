"""Reference implementation in numpy: the textbook formulas, clear before fast.

It is the oracle of the tests and the backend ``"numpy"``. It shares no code with the compiled
core, and all but the functions that start from moments take another route than the core does:
singular values of the data, or Gram matrices, not eigenvalues of moments. Inputs are expected to
be checked already (shapes, finite values, at least two samples); no argument is ever written to.
"""

from fastcca._inputs.dtypes import input_epsilon
from fastcca.reference._cca import Solution, cca, cca_from_moments
from fastcca.reference._centre import centre
from fastcca.reference._dft import DftSolution, dft_cca
from fastcca.reference._from_moments import (
    BlockMoments,
    cka_from_moments,
    condition_from_moments,
    linear_regression_r2_from_moments,
    pls_from_moments,
    principal_axes_from_moments,
    procrustes_from_moments,
    svcca_from_moments,
)
from fastcca.reference._google import (
    GoogleSolution,
    google_cca,
    google_cca_of_covariances,
    google_weights,
)
from fastcca.reference._pca import PcaSolution, pca
from fastcca.reference._pls import PlsSolution, pls
from fastcca.reference._pwcca import PwccaSolution, pwcca
from fastcca.reference._similarity import cka, linear_regression_r2, procrustes
from fastcca.reference._svcca import SvccaSolution, svcca
from fastcca.reference._symmetric import SymmetricSolution, symmetric_cca

__all__ = [
    "BlockMoments",
    "DftSolution",
    "GoogleSolution",
    "PcaSolution",
    "PlsSolution",
    "PwccaSolution",
    "Solution",
    "SvccaSolution",
    "SymmetricSolution",
    "cca",
    "cca_from_moments",
    "centre",
    "cka",
    "cka_from_moments",
    "condition_from_moments",
    "dft_cca",
    "google_cca",
    "google_cca_of_covariances",
    "google_weights",
    "input_epsilon",
    "linear_regression_r2",
    "linear_regression_r2_from_moments",
    "pca",
    "pls",
    "pls_from_moments",
    "principal_axes_from_moments",
    "procrustes",
    "procrustes_from_moments",
    "pwcca",
    "svcca",
    "svcca_from_moments",
    "symmetric_cca",
]
