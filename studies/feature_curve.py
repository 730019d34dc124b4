"""Draw accuracy against the number of features, from the tables of the study features."""

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, PercentFormatter

from digits.data.files import write_json, write_table
from digits.drawing.style import COLOURS, new_figure, save
from digits.pipeline.stage import Paths, Run, run_stage

SOURCES = {
    "components": "principal components",
    "permutation": "pixels, by permutation importance",
    "forest": "pixels, by the forest's impurity",
    "mutual-information": "pixels, by mutual information",
    "random": "pixels, at random",
    "clusters": "distances to cluster centres",
}


def main(paths: Paths, run: Run) -> None:
    """Read the tables; write their summary, the curves and the mean accuracies."""
    summary = summarize([pd.read_csv(paths.features / f"{source}.csv") for source in SOURCES])
    write_table(paths.feature_curve, summary)
    save(paths.plots / "accuracy.png", draw(summary))
    means = {
        source: dict(zip(rows["features"].astype(str), rows["mean"], strict=True))
        for source, rows in summary.groupby("source")
    }
    write_json(paths.metrics, means)


def summarize(tables: list[pd.DataFrame]) -> pd.DataFrame:
    """Return accuracies over the seeds: columns source, features, mean, min, max, count."""
    accuracies = pd.concat(tables).groupby(["source", "features"])["accuracy"]
    return accuracies.agg(["mean", "min", "max", "count"]).reset_index()


CURVE_COLOURS = (COLOURS[1], COLOURS[3], COLOURS[0], COLOURS[6], COLOURS[9], COLOURS[5])
MARKERS = "osD^vP"
ERROR_TICKS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5)


def draw(summary: pd.DataFrame) -> Figure:
    """Draw the error rate against the number of features, one curve per source.

    summary: as `summarize` returns it.
    """
    figure, ax = new_figure(7.6, 4.6)
    for (source, name), colour, marker in zip(SOURCES.items(), CURVE_COLOURS, MARKERS, strict=True):
        rows = summary[summary["source"] == source]
        spread = [rows["max"] - rows["mean"], rows["mean"] - rows["min"]]
        look: dict[str, object] = {"color": colour, "marker": marker, "ms": 5, "capsize": 3}
        ax.errorbar(rows["features"], 1 - rows["mean"], spread, label=name, **look)
    counts = sorted(summary["features"].unique())
    ax.set(xscale="log", yscale="log", xlabel="number of features", ylabel="error rate on the test set")
    ax.set_xticks(counts, [str(count) for count in counts])
    ax.yaxis.set_major_locator(FixedLocator(ERROR_TICKS))
    ax.yaxis.set_major_formatter(PercentFormatter(1))
    ax.minorticks_off()
    ax.legend(fontsize=9)
    several = int(summary["count"].max())
    ax.set_title(f"the same MLP on fewer features (bars: range over up to {several} seeds)")
    return figure


if __name__ == "__main__":
    run_stage(main)
