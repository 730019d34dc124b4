"""Compare the filters of the CNN with those of its twin of another seed.

The maps of each convolution are matched one to one by the correlation of their activations, the
kernels of the first convolution by their angle; whole layers are compared by centred kernel
alignment (CKA). Beside each figure: what the twin gives for permuted images, or random kernels.
"""

from digits.compute import Compute
from digits.pipeline import stage
from digits.pipeline.declaration import Paths
from digits.pipeline.settings import Block, Seed
from digits.tracking import Run
from studies.stability_settings import Stability


class Parameters(Block):
    """What this study reads of params.yaml."""

    seed: Seed
    compute: Compute
    stability: Stability


def main(parameters: Parameters, paths: Paths, run: Run) -> None:
    """Read images and networks; write pairs of maps, similarities by layer, and a picture of each."""
    import numpy as np
    import pandas as pd

    from digits.data.files import write_json, write_table
    from digits.data.splits import read_split
    from digits.drawing.style import save
    from digits.networks.common.saved import load_model
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
    stage.run(main)
