"""Set the figures of published networks beside ours, as a table and as a curve over the hidden nodes."""

from digits.pipeline import stage
from digits.pipeline.declaration import Paths
from digits.pipeline.settings import Block
from digits.tracking import Run


class Parameters(Block):
    """No settings."""


def main(parameters: Parameters, paths: Paths, run: Run) -> None:
    """Read the tables; write their summary, the comparison, the curve and the means."""
    import pandas as pd

    from digits.data.files import write_json, write_table
    from digits.drawing.style import save
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
    stage.run(main)
