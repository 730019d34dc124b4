"""What the figures say, in words."""

import numpy as np
import pandas as pd
from scipy.stats import truncnorm
from stages.latent_analysis.case import Case
from stages.latent_analysis.scores import by_source

from digits.analysis.latent.normality import CUT
from stages.latent_analysis.generation import REAL, RECONSTRUCTED
from stages.latent_analysis.normality import ALL

LEVEL = 0.05  # p below which a test rejects


def write(
    case: Case,
    lengths: dict[str, float],
    normality: pd.DataFrame,
    clusters: dict[str, float],
    generated: pd.DataFrame,
) -> str:
    """Return the conclusions, a line each."""
    lines = [
        describe_region(case),
        describe_cube(lengths, case.settings.ellipsoid),
        *describe_normality(normality),
        describe_classes(normality),
        f"Classes as clusters: silhouette {clusters['silhouette']:.2f}, adjusted Rand index of k-means "
        f"{clusters['rand_index']:.2f} (0: chance, 1: the classes).",
        *describe_generators(generated, case.settings.seeds),
    ]
    return "\n".join(lines) + "\n"


def describe_region(case: Case) -> str:
    """Say where the vectors lie and how much of the space they fill."""
    figures, d = case.region.figures, case.codes.shape[1]
    away = figures["distance_of_mean"] / np.sqrt((case.region.deviation**2).sum())
    return (
        f"Region: the {len(case.codes):,} training vectors of {d} axes lie about a mean {away:.2f} times "
        "their own spread away from the origin; the axes correlate by "
        f"{figures['mean_correlation']:.2f} on average and {figures['largest_correlation']:.2f} at most; "
        f"{figures['participation_ratio']:.1f} of {d} principal axes count (participation ratio)."
    )


def describe_cube(lengths: dict[str, float], share: float) -> str:
    """Say what becomes of vectors drawn from a cube."""
    return (
        f"Cube: uniform vectors of equal mean square length (b = {lengths['side']:.2f}) have the length "
        f"{lengths['expected_length']:.2f} ± {lengths['expected_spread']:.2f}; "
        f"{lengths['uniform_inside']:.1%} of them lie inside the {share:.0%} ellipsoid, and for no b of "
        f"the sweep more than {lengths['most_inside']:.1%}."
    )


def describe_normality(table: pd.DataFrame) -> list[str]:
    """Say, before and after the cut, how far all vectors are from normal, and what the tests say."""
    lines = []
    for _, row in table[table["group"] == ALL].iterrows():
        state = f"Without {CUT:g}-sigma outliers ({row['kept']:.1%} kept)" if row["cut"] else "All vectors"
        answers = ", ".join(
            f"{name} {judge(row[column])}"
            for name, column in (
                ("Henze-Zirkler", "henze_zirkler_p"),
                ("Mardia's skewness", "mardia_skewness_p"),
                ("Mardia's kurtosis", "mardia_kurtosis_p"),
            )
        )
        # Cutting a normal distribution makes its tails lighter than normal.
        likewise = abs(float(truncnorm(-CUT, CUT).stats("k")))
        cut = f" (a normal distribution cut likewise: {likewise:.2f})" if row["cut"] else ""
        lines.append(
            f"{state}: mean |skewness| of an axis {row['skewness']:.2f}, |excess kurtosis| "
            f"{row['kurtosis']:.2f}{cut}; "
            f"squared Mahalanobis distances are {row['ks_distance']:.3f} from chi-square (0: none, 1: most), "
            f"Mardia's kurtosis is {row['mardia_kurtosis_ratio']:.3f} times the normal one; on "
            f"{row['tested']:,} vectors: {answers}."
        )
    return lines


def judge(p: float) -> str:
    """Say what a p-value means at LEVEL."""
    return "cannot be taken" if np.isnan(p) else "rejects normality" if p < LEVEL else "does not reject it"


def describe_classes(table: pd.DataFrame) -> str:
    """Say whether classes by themselves are nearer to normal than all vectors together."""
    plain = table[~table["cut"]].set_index("group")
    effects = plain[["ks_distance"]].assign(kurtosis=(plain["mardia_kurtosis_ratio"] - 1).abs())
    classes = effects.drop(index=ALL)
    closer = (classes < effects.loc[ALL]).sum()
    rejected = (table[table["cut"] & (table["group"] != ALL)]["henze_zirkler_p"] < LEVEL).sum()
    return (
        f"By class: Mahalanobis distances of {closer['ks_distance']} of {len(classes)} classes are nearer to "
        f"chi-square than those of all vectors together, and Mardia's kurtosis of {closer['kurtosis']} "
        f"nearer to the normal one; without outliers Henze-Zirkler rejects {rejected}."
    )


def describe_generators(table: pd.DataFrame, seeds: int) -> list[str]:
    """Say which generators come closest to the test images, by two scores."""
    lines = []
    titles = {"frechet": "Fréchet distance to test images", "reencoding_error": "Re-encoding error"}
    for score, title in titles.items():
        means = table[table["score"] == score].set_index("source")["mean"].dropna()
        drawn = means.drop(index=[RECONSTRUCTED, REAL], errors="ignore").sort_values(kind="stable")
        order = ", ".join(f"{name} {value:.2f}" for name, value in drawn.items())
        lines.append(f"{title} (mean of {seeds} seeds): {order}; {RECONSTRUCTED} {means[RECONSTRUCTED]:.2f}.")
    return [*lines, describe_gains(table)]


def describe_gains(table: pd.DataFrame) -> str:
    """Say what knowing the region of the latent vectors better and better gains, by Fréchet distance."""
    means = by_source(table)
    frechet, confidence = means["frechet"], means["confidence"]
    best = min(frechet.keys() - {RECONSTRUCTED, REAL}, key=lambda name: (frechet[name], name))
    fitted = frechet["fitted normal"]
    standard, independent = (frechet[name] / fitted for name in ("standard normal", "independent normals"))
    return (
        f"Gains: the Fréchet distance (a squared one) of the standard normal distribution is {standard:.1f} "
        f"times, that of independent normals {independent:.1f} times that of the fitted one, and this "
        f"{fitted / frechet[best]:.1f} times that of the best, {best}. The CNN's mean confidence in images "
        f"of the best is {confidence[best]:.1%}, in reconstructed ones {confidence[RECONSTRUCTED]:.1%}."
    )
