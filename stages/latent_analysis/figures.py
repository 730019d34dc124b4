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
COLUMNS, ROWS = 12, 3  # of each source's decoded images
GAP = 2  # pixels between them


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
    figure, ax = new_figure(10, 3.4)
    axis = region.axes["axis"]
    ax.axhspan(-1, 1, color="#DDDDDD", label="standard normal")
    ax.errorbar(
        axis, region.mean, yerr=region.deviation, fmt="o", color=GOOD, capsize=2, label="training images"
    )
    ax.axhline(0, color="black", linewidth=0.8)
    distance = region.figures["distance_of_mean"]
    ax.set(
        xlabel="latent axis",
        ylabel="mean and standard deviation",
        title=f"distance of the mean from the origin: {distance:.1f}; "
        f"mean standard deviation along an axis: {region.figures['mean_deviation']:.1f}",
    )
    ax.legend(loc="upper left", bbox_to_anchor=(1, 1))
    return figure


def latent_correlation(region: Region) -> Figure:
    """Draw the correlation matrix of the latent axes."""
    figure, ax = new_figure(6, 5)
    end = len(region.mean) + 0.5
    extent = (0.5, end, end, 0.5)
    picture = ax.imshow(region.correlation, cmap="RdBu_r", vmin=-1, vmax=1, extent=extent)
    figure.colorbar(picture, ax=ax, label="correlation")
    mean, largest = (region.figures[f"{which}_correlation"] for which in ("mean", "largest"))
    ax.set(
        xlabel="latent axis",
        ylabel="latent axis",
        title=f"|correlation| of two axes: {mean:.2f} on average, {largest:.2f} at most",
    )
    return figure


def generated(result: Generated) -> Figure:
    """Draw the first decoded images of each source in a block of its own, with its re-encoding error."""
    figure, axes = new_figure(
        COLUMNS * 0.65, len(result.images) * (ROWS * 0.65 + 0.35) + 0.3, nrows=len(result.images)
    )
    for ax, (name, images) in zip(axes, result.images.items(), strict=True):
        error = result.errors[name]
        show_image(ax, _tile(images), f"{name}: re-encoding error {error:.2f} (mean of {len(images):,})")
    figure.suptitle("images that a plain autoencoder decodes from latent vectors")
    return figure


def _tile(images: np.ndarray) -> np.ndarray:
    """Lay the first of the images (n, height, width, channels) out in ROWS of COLUMNS, the rest white."""
    _, height, width, channels = images.shape
    padded = np.zeros((ROWS * COLUMNS, height + GAP, width + GAP, channels), images.dtype)
    first = images[: len(padded)]
    padded[: len(first), :height, :width] = first
    grid = padded.reshape(ROWS, COLUMNS, height + GAP, width + GAP, channels).swapaxes(1, 2)
    return grid.reshape(ROWS * (height + GAP), COLUMNS * (width + GAP), channels)
