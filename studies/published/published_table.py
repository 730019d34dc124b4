"""Compare published results with ours, as a table and as a curve over the number of hidden units."""

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator, PercentFormatter

from digits.data.files import write_json, write_table
from digits.drawing.style import BAD, GOOD, new_figure, save
from digits.pipeline.stage import Paths, Run, run_stage


def main(paths: Paths, run: Run) -> None:
    """Read the tables; write their summary, the comparison, the curve and what is compared."""
    tables = [pd.read_csv(path, dtype={"net": str}) for path in sorted(paths.published.glob("*.csv"))]
    literature = pd.read_csv(paths.literature, dtype={"net": str})
    summary = summarize(pd.concat(tables), pd.read_csv(paths.feature_curve))
    write_table(paths.data / "summary.csv", summary)
    comparison = literature.merge(summary, on=["net", "what"], how="left")
    write_table(paths.data / "comparison.csv", comparison)
    save(paths.plots / "units.png", draw(summary, literature))
    ours = comparison.dropna(subset="mean").drop_duplicates(["net", "what"]).groupby("net")
    values = {net: rows.set_index("what")[["mean", "min", "max"]].T.to_dict() for net, rows in ours}
    write_json(paths.metrics, values)


def summarize(trainings: pd.DataFrame, features: pd.DataFrame) -> pd.DataFrame:
    """Return one row per network and metric: net, what, mean, min, max, count, over the seeds.

    trainings: tables of the study published; features: that of feature-curve, whose networks are named
    SOURCE-NUMBER
    """
    long = trainings.drop(columns="seed").melt("net", var_name="what").groupby(["net", "what"])["value"]
    summary = long.agg(["mean", "min", "max", "count"]).reset_index()
    names = features["source"] + "-" + features["features"].astype(str)
    return pd.concat([summary, features.assign(what="accuracy", net=names)[summary.columns]])


def draw(summary: pd.DataFrame, literature: pd.DataFrame) -> Figure:
    """Draw accuracy against the number of hidden units: ours (mean, min, max) and published (low, high)."""
    figure, ax = new_figure(7.2, 4.2)
    ours, theirs = (_units(table) for table in (summary, literature))
    spread = [ours["mean"] - ours["min"], ours["max"] - ours["mean"]]
    label = f"ours (bars: range over up to {int(ours['count'].max())} seeds)"
    ax.errorbar(ours["units"], ours["mean"], spread, color=GOOD, marker="o", ms=4, capsize=3, label=label)
    middle, half = (theirs["low"] + theirs["high"]) / 2, (theirs["high"] - theirs["low"]) / 2
    look: dict[str, object] = {"color": BAD, "marker": "s", "ms": 5, "capsize": 5, "linestyle": ""}
    ax.errorbar(theirs["units"], middle, half, label="published", **look)
    ax.set(xscale="log", xlabel="units of the one hidden layer", ylabel="test accuracy", ylim=(0, 1.02))
    ax.set_xticks(ours["units"], ours["units"].astype(str))
    ax.xaxis.set_minor_locator(NullLocator())
    ax.yaxis.set_major_formatter(PercentFormatter(1))
    ax.legend(loc="lower right")
    ax.set_title("one hidden layer with the notebook's settings")
    return figure


def _units(table: pd.DataFrame) -> pd.DataFrame:
    """Return the accuracies of networks that are named by a number of hidden units, in their order."""
    rows = table[(table["what"] == "accuracy") & table["net"].str.isdigit()]
    return rows.assign(units=rows["net"].astype(int)).sort_values("units", kind="stable")


if __name__ == "__main__":
    run_stage(main)
