"""Draw a latent space of two dimensions as a map: where test images lie, and what each place decodes to."""

from digits.compute import Compute
from digits.pipeline import StageError, stage
from digits.pipeline.declaration import Paths
from digits.pipeline.settings import Block
from digits.tracking import Run

SIDE = 22  # decoded images in a row of the map
SHARE = 0.99  # of the test vectors along each axis that the map covers


class Parameters(Block):
    """What this study reads of params.yaml."""

    compute: Compute


def main(parameters: Parameters, paths: Paths, run: Run) -> None:
    """Read test images and autoencoder; write vectors, places of the map and the picture."""
    import numpy as np
    import pandas as pd

    from digits.data.files import write_array, write_json, write_table
    from digits.data.splits import read_dataset, read_split
    from digits.drawing.style import save
    from digits.networks.common.saved import load_model, predict, split_autoencoder
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
    stage.run(main)
