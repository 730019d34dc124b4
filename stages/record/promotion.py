"""Moves the alias `champion` of a registered model to a network that is better on the test set."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from mlflow.exceptions import MlflowException
from scipy.stats import binomtest

from stages.record.digest import md5
from stages.record.ledger import Ledger, tagged
from stages.shared.errors import StageError

CHAMPION = "champion"
SIGNIFICANCE = 0.05
MODELS = Path("models")
PREDICTIONS = Path("data") / "evaluate"


@dataclass(frozen=True)
class Verdict:
    """Whether a network becomes champion, and why or why not."""

    promoted: bool
    reason: str


def judge(challenger: np.ndarray, champion: np.ndarray) -> Verdict:
    """Compare two networks by which test images each gets right, bool (n,) each.

    The challenger wins with a higher accuracy, unless McNemar's exact test (McNemar 1947,
    Psychometrika 12: 153-157) calls it worse, as it never can on the same images.
    """
    only_challenger = int((challenger & ~champion).sum())
    only_champion = int((~challenger & champion).sum())
    accuracies = f"accuracy {challenger.mean():.2%} against the champion's {champion.mean():.2%}"
    counts = f"{only_challenger} images only it gets right, {only_champion} only the champion"
    p = mcnemar(only_challenger, only_champion)
    figures = f"{accuracies}; {counts}; McNemar's p = {p:.3g}"
    if only_challenger > only_champion:
        return Verdict(True, f"better: {figures}")
    if only_challenger == only_champion:
        return Verdict(False, f"a tie leaves the champion: {figures}")
    return Verdict(False, f"{'significantly worse' if p < SIGNIFICANCE else 'not better'}: {figures}")


def mcnemar(only_first: int, only_second: int) -> float:
    """Return the two-sided p of McNemar's exact test, 1 where the two never disagree."""
    disagreements = only_first + only_second
    return float(binomtest(only_first, disagreements).pvalue) if disagreements else 1.0
