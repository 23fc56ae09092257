"""Activations of PyTorch's networks as they run; needs ``pip install "fastcca[torch]"``.

`record` puts hooks on layers, and every batch that the networks see goes into `fastcca.Moments`.
"""

try:
    from fastcca.torch._recording import Recording, record
except ModuleNotFoundError as error:
    if error.name != "torch":
        raise
    raise ImportError(
        'fastcca.torch needs PyTorch, which is not installed: pip install "fastcca[torch]"'
    ) from error

__all__ = ["Recording", "record"]
