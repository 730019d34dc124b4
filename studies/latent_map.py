"""Draw a latent space of two dimensions as a map: where test images lie, and what each place decodes to."""

from pathlib import Path
from typing import Annotated

from stages import record
from stages.shared import command
from stages.shared.command import Input, Output
from stages.shared.compute import Compute
from stages.shared.errors import StageError
from stages.shared.parameters import Block

SIDE = 22  # decoded images in a row of the map
SHARE = 0.99  # of the test vectors along each axis that the map covers


class Parameters(Block):
    """What this study reads of params.yaml."""

    compute: Compute


class Paths(command.Paths):
    """What this study reads and writes."""

    test: Annotated[Path, Input("folder of the test split", "data")]
    dataset: Annotated[Path, Input("JSON: what is known of the data set")]
    model: Annotated[Path, Input("an autoencoder with two latent dimensions")]
    vectors: Annotated[Path, Output("float32 (n, 2): vectors of the test images")]
    plots: Annotated[Path, Output("folder of tables and the picture", "plots")]
    metrics: Annotated[Path, Output("JSON: the part of the space that the map covers", "metrics")]


def main(parameters: Parameters, paths: Paths, run: record.Run) -> None:
    """Read test images and autoencoder; write vectors, places of the map and the picture."""
    import numpy as np
    import pandas as pd

    from stages.networks.autoencoder import split_autoencoder
    from stages.shared.data import read_dataset, read_split
    from stages.shared.figures import save
    from stages.shared.files import write_array, write_json, write_table
    from stages.shared.models import load_model, predict
    from studies import dimension_figures

    test, classes = read_split(paths.test), read_dataset(paths.dataset)["classes"]
    encoder, decoder = split_autoencoder(load_model(paths.model))
    vectors = predict(encoder, test.images)
    if vectors.shape[1] != 2:
        raise StageError(f"{paths.model} has {vectors.shape[1]} latent dimensions; a map needs 2.")
    write_array(paths.vectors, vectors)
    (left, bottom), (right, top) = np.quantile(vectors, [(1 - SHARE) / 2, (1 + SHARE) / 2], axis=0)
    columns, rows = np.linspace(left, right, SIDE), np.linspace(top, bottom, SIDE)
    places = np.stack(np.meshgrid(columns, rows), axis=-1).reshape(-1, 2)
    images = predict(decoder, places.astype(np.float32))
    first, second = vectors.T
    names = np.array(classes)[test.labels]
    table = pd.DataFrame({"index": test.indices, "label": names, "first": first, "second": second})
    write_table(paths.plots / "vectors.csv", table)
    write_table(paths.plots / "places.csv", pd.DataFrame(places, columns=["first", "second"]))
    picture = dimension_figures.draw_map(vectors, test.labels, classes, images, (left, right, bottom, top))
    save(paths.plots / "map.png", picture)
    edges = {"left": left, "right": right, "bottom": bottom, "top": top}
    write_json(paths.metrics, {name: float(edge) for name, edge in edges.items()})


if __name__ == "__main__":
    command.run("latent-map", __doc__, Parameters, Paths, main, package="studies")
