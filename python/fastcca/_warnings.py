"""Warnings that the package raises."""

__all__ = ["AccuracyWarning", "RankWarning"]


class RankWarning(UserWarning):
    """The samples are too few for the features, or a block has no variance at all.

    Correlations are then inflated by chance, or are one by construction, or there are none.
    """


class AccuracyWarning(UserWarning):
    """The moments of ill-conditioned data have lost digits, and the samples are not there.

    Pass the samples themselves, or accumulate a `fastcca.QRFactor` in place of `fastcca.Moments`.
    """
