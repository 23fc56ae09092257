"""Running out of the device's memory, and going on."""

import numpy as np

import fastcca


def check() -> bool:
    """Ask for a state too large for the device, and go on with a smaller one."""
    rng = np.random.default_rng(0)
    small = rng.normal(size=(4000, 50))
    state = fastcca.Moments(backend="cuda")
    state.update(small)
    before = state.covariance("x", "x")
    features = 400_000  # 1.3 TB of moments
    refused = False
    try:
        fastcca.Moments(backend="cuda").update(np.zeros((4, features), dtype=np.float16))
    except MemoryError as error:
        refused = True
        print(f"  refused: {error}")
    state.update(small)
    again = state.covariance("x", "x")
    expected = before * (len(small) - 1) * 2 / (2 * len(small) - 1)
    good = refused and np.allclose(again, expected, rtol=1e-12)
    print(f"  the state made before {'goes on' if good else 'is spoiled'}")
    return good
