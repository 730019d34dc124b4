"""Set the figures of published networks beside ours, as a table and as a curve over the hidden nodes."""

from pathlib import Path
from typing import Annotated

from stages import record
from stages.shared import command
from stages.shared.command import Input, Output
from stages.shared.parameters import Block


class Parameters(Block):
    """No settings."""


class Paths(command.Paths):
    """What this stage reads and writes."""

    tables: Annotated[Path, Input("folder of tables, one a network")]
    features: Annotated[Path, Input("CSV: accuracies on fewer features")]
    published: Annotated[Path, Input("CSV: figures as they were published, with their source")]
    summary: Annotated[Path, Output("CSV: one row a network and figure: mean, min, max over the seeds")]
    plots: Annotated[Path, Output("folder of tables and pictures", "plots")]
    metrics: Annotated[Path, Output("JSON: mean figures of each network", "metrics")]


def main(parameters: Parameters, paths: Paths, run: record.Run) -> None:
    """Read the tables; write their summary, the comparison, the curve and the means."""
    import pandas as pd

    from stages.shared.figures import save
    from stages.shared.files import write_json, write_table
    from studies import figures

    trainings = pd.concat(
        [pd.read_csv(path, dtype={"net": str}) for path in sorted(paths.tables.glob("*.csv"))]
    )
    summary = (
        trainings.drop(columns="seed")
        .melt("net", var_name="what")
        .groupby(["net", "what"])["value"]
        .agg(["mean", "min", "max", "count"])
        .reset_index()
    )
    features = pd.read_csv(paths.features).assign(what="accuracy")
    features["net"] = features["source"] + "-" + features["features"].astype(str)
    summary = pd.concat([summary, features[summary.columns]])
    published = pd.read_csv(paths.published, dtype={"net": str})
    write_table(paths.summary, summary)
    write_table(paths.plots / "comparison.csv", published.merge(summary, on=["net", "what"], how="left"))
    nodes = summary[(summary["what"] == "accuracy") & summary["net"].str.isdigit()]
    nodes = nodes.assign(nodes=nodes["net"].astype(int)).sort_values("nodes")
    write_table(paths.plots / "nodes.csv", nodes.drop(columns=["net", "what"]))
    theirs = published[(published["what"] == "accuracy") & published["net"].str.isdigit()]
    save(paths.plots / "nodes.png", figures.node_curve(nodes, theirs.assign(nodes=theirs["net"].astype(int))))
    means = {net: dict(zip(rows["what"], rows["mean"], strict=True)) for net, rows in summary.groupby("net")}
    write_json(paths.metrics, means)


if __name__ == "__main__":
    command.run("published-table", __doc__, Parameters, Paths, main, package="studies")
