"""Pictures of the spaces and of what is decoded from them."""

import numpy as np
from matplotlib.figure import Figure

from stages.analysis.latent import Region
from stages.analysis.projection import Projection
from stages.latent_analysis.generation import Generated
from stages.shared.figures import GOOD, new_figure, scatter_by_class, show_image

TITLES = {
    "pixels": "raw pixels",
    "hidden": "hidden activations of the MLP",
    "latent": "latent vectors of the autoencoder",
}
COLUMNS = 12  # of each source's decoded images


def projections(
    results: dict[str, Projection], labels: np.ndarray, shown: np.ndarray, classes: list[str]
) -> Figure:
    """Draw the shown test images of each space in its two principal components, by class."""
    figure, axes = new_figure(5 * len(results), 5, ncols=len(results), squeeze=False)
    for ax, (name, result) in zip(axes.flat, results.items(), strict=True):
        scatter_by_class(ax, result.test[shown], labels[shown], classes)
        first, second = result.explained
        ax.set(
            title=TITLES[name],
            xlabel=f"component 1 ({first:.1%} of the variance)",
            ylabel=f"component 2 ({second:.1%} of the variance)",
        )
    figure.suptitle(f"{len(shown):,} test images in principal components of the training images")
    return figure


def latent_axes(region: Region) -> Figure:
    """Draw mean and deviation of the latent vectors along each axis."""
    figure, ax = new_figure(9, 3.4)
    axis = region.axes["axis"]
    ax.errorbar(axis, region.mean, yerr=region.deviation, fmt="o", color=GOOD, capsize=2)
    ax.axhline(0, color="black", linewidth=0.8)
    distance = region.figures["distance_of_mean"]
    ax.set(
        xlabel="latent axis",
        ylabel="mean and deviation",
        title=f"the latent vectors' centre is {distance:.1f} from the origin; "
        f"their deviation along an axis is {region.figures['mean_deviation']:.1f} on average",
    )
    return figure


def latent_correlation(region: Region) -> Figure:
    """Draw the correlation matrix of the latent axes."""
    figure, ax = new_figure(6, 5)
    end = len(region.mean) + 0.5
    extent = (0.5, end, end, 0.5)
    picture = ax.imshow(region.correlation, cmap="RdBu_r", vmin=-1, vmax=1, extent=extent)
    figure.colorbar(picture, ax=ax, label="correlation")
    largest = region.figures["largest_correlation"]
    ax.set(
        xlabel="latent axis", ylabel="latent axis", title=f"largest |correlation| of two axes: {largest:.2f}"
    )
    return figure


def generated(result: Generated, n: int) -> Figure:
    """Draw n decoded images of each source in a block of its own, with its re-encoding error."""
    rows = -(-n // COLUMNS)
    figure, axes = new_figure(
        COLUMNS * 0.6, len(result.images) * (rows * 0.6 + 0.45) + 0.3, nrows=len(result.images)
    )
    for ax, (name, images) in zip(axes, result.images.items(), strict=True):
        error = result.errors[name]
        show_image(ax, _tile(images[:n], rows), f"decoded from {name}: re-encoding error {error:.2f}")
    figure.suptitle("new images from a plain autoencoder")
    return figure


def _tile(images: np.ndarray, rows: int) -> np.ndarray:
    """Lay images (n, height, width, channels) out in rows of COLUMNS, the rest left white."""
    n, height, width, channels = images.shape
    padded = np.zeros((rows * COLUMNS, height, width, channels), images.dtype)
    padded[:n] = images
    grid = padded.reshape(rows, COLUMNS, height, width, channels).swapaxes(1, 2)
    return grid.reshape(rows * height, COLUMNS * width, channels)
