"""Scores that were taken several times: their means, and how sure those are."""

import numpy as np
import pandas as pd
from scipy.stats import t

CONFIDENCE = 0.95  # of the intervals


def summarise(repeated: pd.DataFrame) -> pd.DataFrame:
    """Return one row a source and score: source, score, mean, low, high, over the seeds.

    repeated: one row a source and seed, with the number of images. The interval is Student's, of the
    mean over the seeds: it tells how far the draws move a score, not another training.
    """
    long = repeated.melt(["source", "seed", "images"], var_name="score", value_name="value")
    groups = long.groupby(["source", "score"], sort=False)["value"].agg(["mean", "std", "count"])
    half = t.ppf((1 + CONFIDENCE) / 2, groups["count"] - 1) * groups["std"] / np.sqrt(groups["count"])
    return groups[["mean"]].assign(low=groups["mean"] - half, high=groups["mean"] + half).reset_index()
