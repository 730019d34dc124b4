"""See which predictions change between trainings that differ by their seed, and how far the errors move."""

from digits.pipeline import stage
from digits.pipeline.declaration import Paths
from digits.pipeline.settings import Block, Seed
from digits.tracking import Run
from studies.stability_settings import Stability


class Parameters(Block):
    """What this study reads of params.yaml."""

    seed: Seed
    stability: Stability


def main(parameters: Parameters, paths: Paths, run: Run) -> None:
    """Read labels and predictions; write cells, a picture and figures."""
    import numpy as np

    from digits.analysis.classification.intervals import draw_counts
    from digits.data.files import read_array, write_json, write_table
    from digits.data.splits import read_dataset, read_split
    from digits.drawing.style import save
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
    stage.run(main)
