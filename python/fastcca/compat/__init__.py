"""Names, signatures and result keys of google/svcca, on the code of this package."""

from fastcca.compat import cca_core

__all__ = ["cca_core"]
