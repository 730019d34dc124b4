"""Compare the filters of the CNN with those of its twin of another seed.

The maps of each convolution are matched one to one by the correlation of their activations, the
kernels of the first convolution by their angle; whole layers are compared by centred kernel
alignment (CKA). Beside each figure: what the twin gives for permuted images, or random kernels.
"""

from pathlib import Path
from typing import Annotated

from stages import record
from stages.shared import command
from stages.shared.command import Input, Output
from stages.shared.compute import Compute
from stages.shared.parameters import Block, Seed
from studies.stability_settings import Stability


class Parameters(Block):
    """What this study reads of params.yaml."""

    seed: Seed
    compute: Compute
    stability: Stability


class Paths(command.Paths):
    """What this study reads and writes."""

    test: Annotated[Path, Input("folder of the test split", "data")]
    model: Annotated[Path, Input("the pipeline's own CNN")]
    twin: Annotated[Path, Input("the CNN of another seed")]
    pairs: Annotated[Path, Output("CSV: one row a map and its match")]
    plots: Annotated[Path, Output("folder of tables and pictures", "plots")]
    metrics: Annotated[Path, Output("JSON: similarity of each layer, and what chance gives", "metrics")]


def main(parameters: Parameters, paths: Paths, run: record.Run) -> None:
    """Read images and networks; write pairs of maps, similarities by layer, and a picture of each."""
    import numpy as np
    import pandas as pd

    from stages.shared.data import read_split
    from stages.shared.figures import save
    from stages.shared.files import write_json, write_table
    from stages.shared.models import load_model
    from studies import twin_figures, twin_measures

    settings = parameters.stability
    images = read_split(paths.test).images[: settings.images]
    networks = load_model(paths.model), load_model(paths.twin)
    rng = np.random.default_rng(parameters.seed)
    layers = twin_measures.compare_layers(networks, images, settings.repeats, rng)
    kernels = twin_measures.compare_kernels(networks, settings.repeats, rng)
    write_table(paths.pairs, pd.concat([layer.table for layer in layers]))
    table = pd.DataFrame([layer.figures for layer in layers])
    write_table(paths.plots / "layers.csv", table)
    save(paths.plots / "layers.png", twin_figures.draw_layers(table))
    write_table(paths.plots / "kernels.csv", kernels.table)
    save(paths.plots / "kernels.png", twin_figures.draw_kernels(kernels))
    write_json(
        paths.metrics,
        {"kernels": kernels.figures, **{row.pop("layer"): row for row in table.to_dict("records")}},
    )


if __name__ == "__main__":
    command.run("twins", __doc__, Parameters, Paths, main, package="studies")
