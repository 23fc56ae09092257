"""Compare the representations inside neural networks: CCA and its relatives, fast."""

from fastcca._backend import backends
from fastcca._bootstrap import BootstrapResult, bootstrap
from fastcca._cca import cca
from fastcca._cca_result import CCAResult
from fastcca._compare import compare
from fastcca._config import build_config, get_num_threads, set_num_threads
from fastcca._core import __version__
from fastcca._device import DeviceArray
from fastcca._dft import DFTCCAResult, dft_cca
from fastcca._dynamics import DynamicsResult, dynamics
from fastcca._errors import AccuracyWarning, RankWarning
from fastcca._factor import QRFactor
from fastcca._moments import Moments
from fastcca._null import NullCCA, null_cca
from fastcca._pairwise import PairwiseResult, pairwise
from fastcca._pca import PCAResult, pca
from fastcca._permutation import PermutationTest, permutation_test
from fastcca._pls import PLSResult, pls
from fastcca._pwcca import PWCCAResult, pwcca
from fastcca._similarity import cka, linear_regression_r2, procrustes
from fastcca._svcca import SVCCAResult, svcca

__all__ = [
    "AccuracyWarning",
    "BootstrapResult",
    "CCAResult",
    "DFTCCAResult",
    "DeviceArray",
    "DynamicsResult",
    "Moments",
    "NullCCA",
    "PCAResult",
    "PLSResult",
    "PWCCAResult",
    "PairwiseResult",
    "PermutationTest",
    "QRFactor",
    "RankWarning",
    "SVCCAResult",
    "__version__",
    "backends",
    "bootstrap",
    "build_config",
    "cca",
    "cka",
    "compare",
    "dft_cca",
    "dynamics",
    "get_num_threads",
    "linear_regression_r2",
    "null_cca",
    "pairwise",
    "pca",
    "permutation_test",
    "pls",
    "procrustes",
    "pwcca",
    "set_num_threads",
    "svcca",
]
