"""Draw what spaces of few dimensions keep of the images, from the tables of `dimensions`."""

from digits.pipeline import stage
from digits.pipeline.declaration import Paths
from digits.pipeline.settings import Block
from digits.tracking import Run


class Parameters(Block):
    """No settings."""


def main(parameters: Parameters, paths: Paths, run: Run) -> None:
    """Read the tables; write them as one, a picture and the means."""
    import pandas as pd

    from digits.data.files import write_json, write_table
    from digits.drawing.style import save
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
    stage.run(main)
