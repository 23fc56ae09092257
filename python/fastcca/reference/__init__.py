"""Reference implementation in numpy: the textbook formulas, clear before fast.

It is the oracle of the tests and the backend ``"numpy"``. It shares no code with the compiled
core, and `cca` takes another route than the core does: singular values of the data, not
eigenvalues of its moments. Inputs are expected to be checked already (shapes, finite values,
at least two samples); no argument is ever written to.
"""

from fastcca.reference._cca import Solution, cca, cca_from_moments
from fastcca.reference._rank import input_epsilon
from fastcca.reference._symmetric import SymmetricSolution, symmetric_cca

__all__ = [
    "Solution",
    "SymmetricSolution",
    "cca",
    "cca_from_moments",
    "input_epsilon",
    "symmetric_cca",
]
