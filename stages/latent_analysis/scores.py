"""The scores of all sources over the seeds: means, intervals, and how they look."""

import pandas as pd
from matplotlib.figure import Figure

from digits.analysis.latent.seed_intervals import CONFIDENCE
from digits.drawing.style import BAD, GOOD, new_figure

TITLES = {
    "reencoding_error": "re-encoding error",
    "inside": "share inside the ellipsoid",
    "nearest_vector": "nearest training vector",
    "nearest_image": "nearest training image",
    "confidence": "confidence of the CNN",
    "class_entropy": "entropy of the classes (bits)",
    "frechet": "Fréchet distance",
}
LOGARITHMIC = ("reencoding_error", "frechet")


def draw(table: pd.DataFrame, yardsticks: tuple[str, ...], share: float) -> Figure:
    """Draw every score with its interval, a row a source; the yardsticks in another colour."""
    names = list(dict.fromkeys(table["source"]))
    figure, axes = new_figure(9.6, 2 * (0.27 * len(names) + 0.75) + 0.6, nrows=2, ncols=4, sharey=True)
    for ax, (score, title) in zip(axes.flat, TITLES.items(), strict=False):
        mine = table[table["score"] == score].set_index("source").loc[names]
        for row, (name, values) in enumerate(mine.iterrows()):
            colour = BAD if name in yardsticks else GOOD
            ax.plot(values[["low", "high"]], [row, row], color=colour, lw=2)
            ax.plot(values["mean"], row, "o", color=colour, ms=5)
        ax.set_title(title, fontsize=10)
        ax.grid(alpha=0.3)
        if score in LOGARITHMIC:
            ax.set_xscale("log")
    axes[0, 0].set_yticks(range(len(names)), names)
    axes[0, 0].set_ylim(len(names) - 0.5, -0.5)
    axes.flat[-1].set_axis_off()
    note = f"blue: generators\nred: yardsticks\nellipsoid of {share:.0%}"
    axes.flat[-1].text(0, 0.5, note, transform=axes.flat[-1].transAxes)
    figure.suptitle(f"scores of latent vectors and their images ({CONFIDENCE:.0%} intervals over seeds)")
    return figure


def by_source(table: pd.DataFrame) -> dict[str, dict[str, float]]:
    """Return the mean of each score by source; what is undefined is left out."""
    defined = table.dropna(subset="mean")
    return {
        str(score): dict(zip(mine["source"], mine["mean"].astype(float), strict=True))
        for score, mine in defined.groupby("score", sort=False)
    }
