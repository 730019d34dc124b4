"""The conclusions of the latent analysis follow its numbers."""

import numpy as np
import pandas as pd

from stages.latent_analysis import conclusions
from stages.latent_analysis.context import ALL, REAL, RECONSTRUCTED
from tests.test_latent_analysis import make_context


def test_conclusions_follow_the_numbers() -> None:
    row = {
        "cut": False,
        "kept": 1.0,
        "ks_distance": 0.1,
        "henze_zirkler_p": 0.5,
        "mardia_kurtosis_ratio": 1.1,
    }
    measured = (("a", 0.05, 1.0), ("b", 0.2, 0.8), ("c", 0.01, 1.3))
    others = [{**row, "group": name, "ks_distance": d, "mardia_kurtosis_ratio": k} for name, d, k in measured]
    cut = [{**each, "cut": True} for each in others]
    table = pd.DataFrame([{**row, "group": ALL}, *others, *cut])
    text = conclusions.describe_classes(table)
    assert text.startswith("Per class: Mahalanobis distances of 2 of 3 classes are closer to chi-square")
    assert "Mardia's kurtosis of 1 is closer to the normal one" in text
    assert "Henze-Zirkler rejects 0" in text
    assert conclusions.interpret(0.01) == "rejects normality"
    assert conclusions.interpret(0.2) == "does not reject it"
    assert conclusions.interpret(np.nan) == "cannot be computed"


def test_gains_are_ratios_of_distances() -> None:
    distances = {"standard normal": 8, "independent normals": 6, "fitted normal": 4, "mixture": 1}
    others = {RECONSTRUCTED: 0.5, REAL: 0.1}
    confidence = dict.fromkeys(distances, 0.9) | dict.fromkeys(others, 0.8)
    text = conclusions.describe_gains(distances | others, confidence)
    assert "of the standard normal distribution is 2.0 times" in text
    assert "that of independent normals 1.5 times" in text
    assert "4.0 times that of the best, mixture." in text
    assert "of the best is 90.0%, in reconstructed ones 80.0%" in text


def test_the_latents_are_described_by_their_own_numbers() -> None:
    context = make_context()
    text = conclusions.describe_latents(context.gaussian, len(context.latents))
    assert "the 60 training vectors have 2 axes" in text
    assert f"{context.gaussian.summary['largest_correlation']:.2f} at most" in text
