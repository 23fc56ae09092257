"""Try an installed fastcca: one version everywhere, and right numbers. Run it with `python -I`.

The answers are known in closed form, so nothing but fastcca's run-time dependencies is needed.
"""

import importlib.metadata

import numpy as np

import fastcca
from fastcca import _core


def check_versions() -> None:
    """Fail unless module, package and metadata tell the same version."""
    versions = {
        "module": _core.__version__,
        "package": fastcca.__version__,
        "metadata": importlib.metadata.version("fastcca"),
        "build_config": fastcca.build_config()["version"],
    }
    if len(set(versions.values())) != 1:
        raise SystemExit(f"versions differ: {versions}")


def check_numbers() -> None:
    """Fail unless the correlations that were put in come out, whatever mixes the features."""
    # The columns of a 2^5 factorial design are uncorrelated: a, b, c and two kinds of noise.
    design = np.array([[1 - 2 * (i >> k & 1) for k in range(5)] for i in range(32)], dtype=float)
    known = np.array([1.0, 0.8, 0.28])
    x = design[:, :3]
    y = x * known + np.column_stack([0 * x[:, 0], 0.6 * design[:, 3], 0.96 * design[:, 4]])
    x = x @ np.array([[2.0, 1.0, 0.0], [0.0, 1e3, 1.0], [1.0, 0.0, -1.0]]) + 5.0
    y = y @ np.array([[1.0, 0.5, 0.0], [0.0, 1e-3, 1.0], [1.0, 0.0, 2.0]]) - 3.0
    for backend in fastcca.backends():
        found = fastcca.cca(x, y, backend=backend).correlations
        error = np.abs(found - known).max()
        print(f"  backend {backend}: correlations {found}, error {error:.1e}")
        if error > 1e-10:
            raise SystemExit(f"they should be {known}")


if __name__ == "__main__":
    print(f"  fastcca {fastcca.__version__} in {fastcca.__file__}")
    check_versions()
    check_numbers()
    if "cpu" not in fastcca.backends():
        raise SystemExit(f"no cpu backend: {_core.lapack_error()}")
