"""Map a latent space of two dimensions: where test images lie, and what each place decodes to."""

from typing import TYPE_CHECKING

from digits.compute import Compute
from digits.pipeline import StageError
from digits.pipeline.stage import Paths, Run, run_stage

if TYPE_CHECKING:  # NumPy must not be loaded before the environment is set
    import numpy as np
    from matplotlib.figure import Figure

SIDE = 22  # decoded images in a row of the map
FRACTION = 0.99  # of the test vectors along each axis that the map covers


def main(paths: Paths, run: Run, compute: Compute) -> None:
    """Read test images and autoencoder; write vectors, places of the map and the picture."""
    import numpy as np
    import pandas as pd

    from digits.data.files import write_table
    from digits.data.splits import read_dataset, read_split
    from digits.drawing.style import save
    from digits.networks.common.saved import load_model, predict, split_autoencoder

    test, classes = read_split(paths.test), read_dataset(paths.dataset)["classes"]
    encoder, decoder = split_autoencoder(load_model(paths.autoencoders))
    vectors = predict(encoder, test.images)
    if vectors.shape[1] != 2:
        raise StageError(f"{paths.autoencoders} has {vectors.shape[1]} latent dimensions; a map needs 2.")
    (left, bottom), (right, top) = np.quantile(vectors, [(1 - FRACTION) / 2, (1 + FRACTION) / 2], axis=0)
    columns, rows = np.linspace(left, right, SIDE), np.linspace(top, bottom, SIDE)
    places = np.stack(np.meshgrid(columns, rows), axis=-1).reshape(-1, 2)
    images = predict(decoder, places.astype(np.float32))
    first, second = vectors.T
    names = np.array(classes)[test.labels]
    table = pd.DataFrame({"index": test.indices, "label": names, "first": first, "second": second})
    write_table(paths.data / "vectors.csv", table)
    write_table(paths.data / "places.csv", pd.DataFrame(places, columns=["first", "second"]))
    figure = draw(vectors, test.labels, classes, images, (left, right, bottom, top))
    save(paths.plots / "map.png", figure)


def draw(
    vectors: "np.ndarray",
    labels: "np.ndarray",
    classes: list[str],
    images: "np.ndarray",
    extent: tuple[float, float, float, float],
) -> "Figure":
    """Draw test vectors (n, 2) by class (n,) beside the decoded images of a square grid of places.

    images: (side * side, height, width, channels) in [0, 1], row by row from the top
    extent: left, right, bottom and top place
    """
    from math import isqrt

    from digits.drawing.grid import tile_images
    from digits.drawing.style import new_figure, scatter_by_class, show_image

    figure, (scatter, decoded) = new_figure(12, 6.2, ncols=2)
    scatter_by_class(scatter, vectors, labels, classes)
    left, right, bottom, top = extent
    side = isqrt(len(images))
    margins = (right - left) / (side - 1) / 2, (top - bottom) / (side - 1) / 2
    frame = (left - margins[0], right + margins[0], bottom - margins[1], top + margins[1])
    show_image(decoded, tile_images(images, side, side), extent=frame)
    decoded.set_axis_on()
    within = (vectors >= (frame[0], frame[2])) & (vectors <= (frame[1], frame[3]))
    shown = int(within.all(axis=1).sum())
    scatter.set_title(f"latent vectors of {shown:,} of {len(vectors):,} test images")
    decoded.set_title("images decoded from each place")
    for ax in (scatter, decoded):
        ax.set(xlim=frame[:2], ylim=frame[2:], aspect="auto")
        ax.set(xlabel="first latent dimension", ylabel="second latent dimension")
    return figure


if __name__ == "__main__":
    run_stage(main)
