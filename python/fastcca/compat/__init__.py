"""Names, signatures and result keys of google/svcca, on the code of this package."""

from fastcca.compat import cca_core, dft_ccas, numpy_pca, numpy_pls, pwcca

__all__ = ["cca_core", "dft_ccas", "numpy_pca", "numpy_pls", "pwcca"]
