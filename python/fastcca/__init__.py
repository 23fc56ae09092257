"""Compare the representations inside neural networks: CCA and its relatives, fast."""

from fastcca._backend import backends
from fastcca._cca import CCAResult, cca
from fastcca._config import build_config, get_num_threads, set_num_threads
from fastcca._core import __version__
from fastcca._errors import RankWarning
from fastcca._moments import Moments

__all__ = [
    "CCAResult",
    "Moments",
    "RankWarning",
    "__version__",
    "backends",
    "build_config",
    "cca",
    "get_num_threads",
    "set_num_threads",
]
