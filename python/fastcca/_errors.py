"""Warnings that the package raises."""

__all__ = ["RankWarning"]


class RankWarning(UserWarning):
    """The samples are too few for the features, or a block has no variance at all.

    Correlations are then inflated by chance, or are one by construction, or there are none.
    """
