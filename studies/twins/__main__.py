"""Compare the filters of the CNN with those of its twin, which was trained with another seed.

The maps of each convolution are matched one to one by the correlation of their activations, the
kernels of the first convolution by their angle; whole layers are compared by centered kernel
alignment (CKA). Each measure is reported beside its chance level: the twin's value for permuted
images, or for random kernels.
"""

from pydantic import Field

from digits.compute import Compute
from digits.pipeline import stage
from digits.pipeline.declaration import Paths
from digits.pipeline.settings import Block, Seed
from digits.tracking import Run


class Twins(Block):
    """How many images the comparison uses."""

    images: int = Field(ge=2, description="test images on which filters are compared, at most")
    repeats: int = Field(ge=1, description="permutations of these images, for the chance level")


class Parameters(Block):
    """What this study reads from params.yaml."""

    seed: Seed
    compute: Compute
    twins: Twins


def main(parameters: Parameters, paths: Paths, run: Run) -> None:
    """Read images and networks; write pairs of maps, similarities by layer, and a picture of each."""
    import numpy as np
    import pandas as pd

    from digits.data.files import write_json, write_table
    from digits.data.splits import read_split
    from digits.drawing.style import save
    from digits.networks.common.saved import load_model
    from studies.twins import similarity

    settings = parameters.twins
    images = read_split(paths.test).images[: settings.images]
    networks = load_model(paths.pipeline), load_model(paths.twins)
    rng = np.random.default_rng(parameters.seed)
    layers = similarity.compare_layers(networks, images, settings.repeats, rng)
    kernels = similarity.compare_kernels(networks, settings.repeats, rng)
    table = pd.DataFrame([layer.metrics for layer in layers])
    write_table(paths.data / "pairs.csv", pd.concat([layer.table for layer in layers]))
    write_table(paths.data / "layers.csv", table)
    write_table(paths.data / "kernels.csv", kernels.table)
    save(paths.plots / "layers.png", similarity.draw_layers(table))
    save(paths.plots / "kernels.png", similarity.draw_kernels(kernels))
    by_layer = {row.pop("layer"): row for row in table.to_dict("records")}
    write_json(paths.metrics, {"kernels": kernels.metrics, **by_layer})


if __name__ == "__main__":
    stage.run(main)
