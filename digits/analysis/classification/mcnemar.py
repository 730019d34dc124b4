"""McNemar's test: two classifiers on the same images, and whether their difference is chance."""

import numpy as np
import pandas as pd
from scipy.stats import binomtest


def mcnemar(only_first: int, only_second: int) -> float:
    """Return the two-sided p of McNemar's exact test, 1 where the two never disagree.

    McNemar (1947), Psychometrika 12: 153-157. The arguments count the images that only the first, and
    only the second, gets right.
    """
    disagreements = only_first + only_second
    return float(binomtest(only_first, disagreements).pvalue) if disagreements else 1.0


def agreement_by_class(
    labels: np.ndarray, first: np.ndarray, second: np.ndarray, classes: list[str], names: tuple[str, str]
) -> pd.DataFrame:
    """Return one row per class: its images by which of the two gets them right, bool (n,) each.

    Columns: class, images, both_right, only_NAME_right for either name, both_wrong.
    """
    cases = {
        "images": np.ones_like(first),
        "both_right": first & second,
        f"only_{names[0]}_right": first & ~second,
        f"only_{names[1]}_right": ~first & second,
        "both_wrong": ~first & ~second,
    }
    counts = {name: np.bincount(labels[mine], minlength=len(classes)) for name, mine in cases.items()}
    return pd.DataFrame({"class": classes, **counts})
