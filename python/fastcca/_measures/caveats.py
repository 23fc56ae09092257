"""What the caller of a measure is warned of."""

from __future__ import annotations

from fastcca._solve.solutions import CcaSolution, RegressionSolution
from fastcca._warnings import SAMPLES_PER_FEATURE, AccuracyWarning, RankWarning, warn


def warn_about_solution(solution: object, *, truncated: bool = False) -> None:
    """Warn of whatever there is to say of a solution; `truncated` as of `warn_about_rank`."""
    if isinstance(solution, CcaSolution):
        warn_about_rank(solution, truncated=truncated)
        warn_about_accuracy(solution)
    elif isinstance(solution, RegressionSolution):
        warn_about_accuracy(solution)


def warn_about_accuracy(solution: CcaSolution | RegressionSolution) -> None:
    """Warn where moments have lost digits or directions that the samples hold."""
    if not solution.lost:
        return
    told = []
    if solution.undecided:
        told.append(
            f"cannot tell {solution.undecided} "
            f"{'direction' if solution.undecided == 1 else 'directions'} from "
            "rounding and have left them out"
        )
    if solution.digits is not None:
        told.append(f"have lost digits that the samples hold: about {solution.digits:.0f} are left")
    advice = (
        "Pass the samples themselves, with backend='numpy'"
        if isinstance(solution, CcaSolution) and solution.is_complex
        else "Pass the samples themselves, or accumulate a QRFactor in place of the Moments"
    )
    warn(
        f"the moments of these data, of condition {solution.condition:.2g}, "
        f"{', and '.join(told)}. {advice}",
        AccuracyWarning,
    )


def warn_about_rank(solution: CcaSolution, *, truncated: bool = False) -> None:
    """Warn where chance or counting makes the correlations.

    What was compared are the features, or where they are `truncated` the components kept.
    """
    x, y = solution.x, solution.y
    dimensions = (x.kept, y.kept) if truncated else (x.rank, y.rank)
    if 0 in dimensions:
        name = "xy"[dimensions.index(0)]
        warn(f"no feature of {name} varies, so there is nothing to correlate", RankWarning)
        return
    features = max(dimensions) if truncated else max(x.mean.size, y.mean.size)
    n = solution.n_samples
    if n >= SAMPLES_PER_FEATURE * features:
        return
    by_chance = min(1.0, max(dimensions) / (n - 1))
    message = (
        f"{n} samples for {features} features: independent data would already give a mean "
        f"squared correlation of {by_chance:.2g}. Use at least {SAMPLES_PER_FEATURE} samples "
        "per feature, or reduce the features first"
    )
    forced = min(sum(dimensions) - (n - 1), solution.correlations.size)
    if forced > 0:
        message += (
            f". With {dimensions[0]} and {dimensions[1]} dimensions, {forced} of the "
            f"{solution.correlations.size} correlations are 1 by construction"
        )
    warn(message, RankWarning)
