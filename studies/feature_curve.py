"""Draw accuracy against the number of features, from the tables of the study features."""

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

    tables: Annotated[Path, Input("folder of tables, one a source of features")]
    summary: Annotated[Path, Output("CSV: one row a source and number of features")]
    plots: Annotated[Path, Output("folder of tables and pictures", "plots")]
    metrics: Annotated[Path, Output("JSON: mean accuracies", "metrics")]


def main(parameters: Parameters, paths: Paths, run: record.Run) -> None:
    """Read the tables; write their summary, the curves and the mean accuracies."""
    import pandas as pd

    from stages.shared.figures import save
    from stages.shared.files import write_json, write_table
    from studies import figures

    trainings = pd.concat([pd.read_csv(paths.tables / f"{source}.csv") for source in figures.SOURCES])
    summary = (
        trainings.groupby(["source", "features"])["accuracy"]
        .agg(["mean", "min", "max", "count"])
        .reset_index()
    )
    write_table(paths.summary, summary)
    write_table(paths.plots / "accuracy.csv", summary)
    save(paths.plots / "accuracy.png", figures.feature_curves(summary))
    means = {
        source: dict(zip(rows["features"].astype(str), rows["mean"], strict=True))
        for source, rows in summary.groupby("source")
    }
    write_json(paths.metrics, means)


if __name__ == "__main__":
    command.run("feature-curve", __doc__, Parameters, Paths, main, package="studies")
