"""Draw accuracy against the number of features, from the tables of the study features."""

from digits.pipeline import stage
from digits.pipeline.declaration import Paths
from digits.pipeline.settings import Block
from digits.tracking import Run


class Parameters(Block):
    """No settings."""


def main(parameters: Parameters, paths: Paths, run: Run) -> None:
    """Read the tables; write their summary, the curves and the mean accuracies."""
    import pandas as pd

    from digits.data.files import write_json, write_table
    from digits.drawing.style import save
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
    stage.run(main)
