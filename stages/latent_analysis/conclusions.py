"""The conclusions of the analysis, in words computed from its numbers."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import truncnorm

from digits.analysis.classification.intervals import percent
from digits.analysis.latent.gaussian import Gaussian
from digits.analysis.latent.normality import CUT
from stages.latent_analysis.context import ALL, REAL, RECONSTRUCTED, LatentContext

LEVEL = 0.05  # p below which a test rejects
MULTIVARIATE = {
    "Henze-Zirkler": "henze_zirkler_p",
    "Mardia's skewness": "mardia_skewness_p",
    "Mardia's kurtosis": "mardia_kurtosis_p",
}


def conclude(context: LatentContext, tables: Mapping[str, pd.DataFrame], details: Mapping[str, Any]) -> str:
    """Return the conclusions from all parts' tables and details, one per line."""
    clusters = details["spaces"]["latent"]
    lines = [
        describe_latents(context.gaussian, len(context.latents)),
        describe_cube(details["lengths"], context.settings.ellipsoid_fraction),
        *describe_normality(tables["normality"]),
        describe_classes(tables["normality"]),
        f"Classes as clusters: silhouette {clusters['silhouette']:.2f}, adjusted Rand index of k-means "
        f"{clusters['rand_index']:.2f} (0: chance, 1: the classes).",
        *describe_generators(details, context.settings.generator_seeds),
        describe_gains(details["frechet"], details["confidence"]),
    ]
    return "\n".join(lines) + "\n"


def describe_latents(gaussian: Gaussian, n: int) -> str:
    """Say where the n training vectors lie and how much of the space they fill."""
    summary, d = gaussian.summary, len(gaussian.mean)
    away = summary["distance_of_mean"] / np.sqrt((gaussian.standard_deviation**2).sum())
    return (
        f"Latent vectors: the {n:,} training vectors have {d} axes; their mean is {away:.2f} times their "
        "own spread away from the origin; the axes correlate by "
        f"{summary['mean_correlation']:.2f} on average and {summary['largest_correlation']:.2f} at most; "
        f"{summary['participation_ratio']:.1f} of {d} principal axes count (participation ratio)."
    )


def describe_cube(lengths: Mapping[str, float], fraction: float) -> str:
    """Say how many vectors from a cube are inside the ellipsoid of the latents."""
    return (
        f"Cube: uniform vectors of equal mean square length (b = {lengths['side']:.2f}) have the length "
        f"{lengths['expected_length']:.2f} ± {lengths['expected_spread']:.2f}; "
        f"{lengths['uniform_inside']:.1%} of them are inside the {percent(fraction)} ellipsoid, and at most "
        f"{lengths['most_inside']:.1%} for any of the sides b that were tried."
    )


def describe_normality(table: pd.DataFrame) -> list[str]:
    """Say, before and after the cut, how far all vectors are from normal, and what the tests say."""
    lines = []
    for _, row in table[table["group"] == ALL].iterrows():
        state = f"Without {CUT:g}-sigma outliers ({row['kept']:.1%} kept)" if row["cut"] else "All vectors"
        answers = ", ".join(f"{name} {interpret(row[column])}" for name, column in MULTIVARIATE.items())
        # Cutting a normal distribution makes its tails lighter than normal.
        likewise = abs(float(truncnorm(-CUT, CUT).stats("k")))
        cut = f" (a normal distribution with the same cut: {likewise:.2f})" if row["cut"] else ""
        lines.append(
            f"{state}: mean |skewness| of an axis {row['skewness']:.2f}, |excess kurtosis| "
            f"{row['kurtosis']:.2f}{cut}; squared Mahalanobis distances are {row['ks_distance']:.3f} from "
            f"chi-square (0: equal, 1: disjoint), Mardia's kurtosis is {row['mardia_kurtosis_ratio']:.3f} "
            f"times the normal one; on {row['tested']:,} vectors: {answers}."
        )
    return lines


def interpret(p: float) -> str:
    """Say what a p-value means at LEVEL."""
    return "cannot be computed" if np.isnan(p) else "rejects normality" if p < LEVEL else "does not reject it"


def describe_classes(table: pd.DataFrame) -> str:
    """Say whether single classes are closer to normal than all vectors together."""
    plain = table[~table["cut"]].set_index("group")
    effects = plain[["ks_distance"]].assign(kurtosis=(plain["mardia_kurtosis_ratio"] - 1).abs())
    classes = effects.drop(index=ALL)
    closer = (classes < effects.loc[ALL]).sum()
    rejected = (table[table["cut"] & (table["group"] != ALL)]["henze_zirkler_p"] < LEVEL).sum()
    return (
        f"Per class: Mahalanobis distances of {closer['ks_distance']} of {len(classes)} classes are closer "
        f"to chi-square than those of all vectors together, and Mardia's kurtosis of {closer['kurtosis']} "
        f"is closer to the normal one; without outliers Henze-Zirkler rejects {rejected}."
    )


def describe_generators(means: Mapping[str, Mapping[str, float]], seeds: int) -> list[str]:
    """Say which generators come closest to the test images, by two scores (score -> source -> mean)."""
    lines = []
    titles = {"frechet": "Fréchet distance to test images", "reencoding_error": "Re-encoding error"}
    for score, title in titles.items():
        generators = {name: mean for name, mean in means[score].items() if name not in (RECONSTRUCTED, REAL)}
        ranked = sorted(generators.items(), key=lambda item: item[1])
        order = ", ".join(f"{name} {mean:.2f}" for name, mean in ranked)
        reconstructed = f"{RECONSTRUCTED} {means[score][RECONSTRUCTED]:.2f}"
        lines.append(f"{title} (mean of {seeds} seeds): {order}; {reconstructed}.")
    return lines


def describe_gains(frechet: Mapping[str, float], confidence: Mapping[str, float]) -> str:
    """Say how much a better description of the latents lowers the Fréchet distance; both by source."""
    best = min(frechet.keys() - {RECONSTRUCTED, REAL}, key=lambda name: (frechet[name], name))
    fitted = frechet["fitted normal"]
    standard, independent = (frechet[name] / fitted for name in ("standard normal", "independent normals"))
    return (
        f"Gains: the Fréchet distance (a squared one) of the standard normal distribution is {standard:.1f} "
        f"times, that of independent normals {independent:.1f} times that of the fitted normal, which is "
        f"{fitted / frechet[best]:.1f} times that of the best, {best}. The CNN's mean confidence in images "
        f"of the best is {confidence[best]:.1%}, in reconstructed ones {confidence[RECONSTRUCTED]:.1%}."
    )
