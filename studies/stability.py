"""See which predictions change between trainings that differ by their seed, and how far the errors move."""

from pathlib import Path
from typing import Annotated

from stages import record
from stages.shared import command
from stages.shared.command import Input, Item, Output
from stages.shared.parameters import Block, Seed
from studies.stability_settings import Stability


class Parameters(Block):
    """What this study reads of params.yaml."""

    seed: Seed
    stability: Stability


class Paths(command.Paths):
    """What this study reads and writes."""

    net: Annotated[str, Item("mlp or cnn")]
    test: Annotated[Path, Input("folder of the test split", "data")]
    dataset: Annotated[Path, Input("JSON: what is known of the data set")]
    predictions: Annotated[Path, Input("uint8 (trainings, n): predicted classes of the test images")]
    cells: Annotated[Path, Output("CSV: one row a cell of the confusion matrix")]
    plots: Annotated[Path, Output("folder of the table and the picture", "plots")]
    metrics: Annotated[Path, Output("JSON: changed predictions, moved errors, with intervals", "metrics")]


def main(parameters: Parameters, paths: Paths, run: record.Run) -> None:
    """Read labels and predictions; write cells, a picture and figures."""
    import numpy as np

    from stages.analysis.bootstrap import draw_counts
    from stages.shared.data import read_dataset, read_split
    from stages.shared.figures import save
    from stages.shared.files import read_array, write_json, write_table
    from studies import figures
    from studies.seed_effects import measure_seed_effects, tabulate_cells

    settings, labels = parameters.stability, read_split(paths.test).labels
    predictions, classes = read_array(paths.predictions), read_dataset(paths.dataset)["classes"]
    rng = np.random.default_rng(parameters.seed)
    counts = draw_counts(len(labels), settings.bootstrap, rng)
    write_json(paths.metrics, measure_seed_effects(labels, predictions, counts))
    cells = tabulate_cells(labels, predictions, classes)
    write_table(paths.cells, cells)
    write_table(paths.plots / "cells.csv", cells)
    picture = figures.cell_movement(cells.head(settings.cells), len(predictions), paths.net.upper())
    save(paths.plots / "cells.png", picture)


if __name__ == "__main__":
    command.run("stability", __doc__, Parameters, Paths, main, package="studies")
