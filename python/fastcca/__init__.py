"""Compare the representations inside neural networks: CCA and its relatives, fast."""

from fastcca._fourier.dft_cca import DFTCCAResult, dft_cca
from fastcca._layers.dynamics import DynamicsResult, dynamics
from fastcca._layers.pairwise import pairwise
from fastcca._layers.pairwise_result import PairwiseResult
from fastcca._measures.cca import cca
from fastcca._measures.cca_result import CCAResult
from fastcca._measures.compare import compare
from fastcca._measures.pca import PCAResult, pca
from fastcca._measures.pls import PLSResult, pls
from fastcca._measures.pwcca import PWCCAResult, pwcca
from fastcca._measures.similarity import cka, linear_regression_r2, procrustes
from fastcca._measures.svcca import SVCCAResult, svcca
from fastcca._resampling.bootstrap import BootstrapResult, bootstrap
from fastcca._resampling.permutation import PermutationTest, permutation_test
from fastcca._runtime.backend import backends
from fastcca._runtime.compiled import __version__
from fastcca._runtime.config import build_config
from fastcca._runtime.device_array import DeviceArray
from fastcca._runtime.threads import get_num_threads, set_num_threads
from fastcca._states.moments import Moments
from fastcca._states.qr_factor import QRFactor
from fastcca._statistics.null_law import NullCCA, null_cca
from fastcca._warnings import AccuracyWarning, RankWarning

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

# Pickles name classes by where they are found, which stays, not by where they are made.
for _name in __all__:
    if isinstance(globals()[_name], type):
        globals()[_name].__module__ = "fastcca"
del _name
