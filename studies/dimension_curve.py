"""Draw what spaces of few dimensions keep of the images, from the tables of `dimensions`."""

from pathlib import Path
from typing import Annotated

from stages import record
from stages.shared import command
from stages.shared.command import Input, Output
from stages.shared.parameters import Block


class Parameters(Block):
    """No settings."""


class Paths(command.Paths):
    """What this study reads and writes."""

    tables: Annotated[Path, Input("folder of the tables of each size")]
    summary: Annotated[Path, Output("CSV: one row a size, space and score")]
    plots: Annotated[Path, Output("folder of the table and the picture", "plots")]
    metrics: Annotated[Path, Output("JSON: mean of each score, by space and size", "metrics")]


def main(parameters: Parameters, paths: Paths, run: record.Run) -> None:
    """Read the tables; write them as one, a picture and the means."""
    import pandas as pd

    from stages.shared.figures import save
    from stages.shared.files import write_json, write_table
    from studies import dimension_figures

    tables = [pd.read_csv(file) for file in sorted(paths.tables.glob("*.csv"))]
    summary = pd.concat(tables).sort_values(["latent", "space"], kind="stable")
    write_table(paths.summary, summary)
    write_table(paths.plots / "scores.csv", summary)
    save(paths.plots / "scores.png", dimension_figures.draw_scores(summary))
    means = {
        str(space): {
            str(score): {str(k): float(v) for k, v in zip(mine["latent"], mine["mean"], strict=True)}
            for score, mine in rows.groupby("score", sort=False)
        }
        for space, rows in summary.groupby("space")
    }
    write_json(paths.metrics, means)


if __name__ == "__main__":
    command.run("dimension-curve", __doc__, Parameters, Paths, main, package="studies")
