"""Pictures of latent spaces of few dimensions."""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, NullLocator, PercentFormatter

from digits.drawing.style import BAD, GOOD, new_figure, scatter_by_class, show_image

SPACES = {
    "autoencoder": ("latent vectors of the autoencoder", GOOD, "o"),
    "components": ("principal components", BAD, "s"),
}
PANELS = {
    "mean squared error of a pixel": {"reconstruction_error": "-"},
    "test images that their neighbours name": {"knn": "-"},
    "Fréchet distance of reconstructed images": {"frechet_reconstructed": "-"},
    "Fréchet distance of drawn images": {"frechet_normal": "--", "frechet_mixture": "-"},
}
STYLES = {"frechet_normal": "fitted normal", "frechet_mixture": "mixture"}


def draw_scores(summary: pd.DataFrame) -> Figure:
    """Draw every score by the number of dimensions, both spaces beside each other.

    summary: columns latent, space, score, mean, low, high.
    """
    figure, axes = new_figure(9.6, 7.2, nrows=2, ncols=2)
    sizes = sorted(summary["latent"].unique())
    for ax, (title, scores) in zip(axes.flat, PANELS.items(), strict=True):
        for space, (_, colour, marker) in SPACES.items():
            for score, line in scores.items():
                rows = summary[(summary["space"] == space) & (summary["score"] == score)]
                rows = rows.sort_values("latent")
                ax.plot(rows["latent"], rows["mean"], line, color=colour, marker=marker, ms=5)
                ax.fill_between(rows["latent"], rows["low"], rows["high"], color=colour, alpha=0.25, lw=0)
        ax.set(xscale="log", xlabel="dimensions", title=title)
        ax.set_yscale("linear" if "knn" in scores else "log")
        ax.xaxis.set_major_locator(FixedLocator(sizes))
        ax.xaxis.set_minor_locator(NullLocator())
        ax.set_xticklabels([str(size) for size in sizes])
        ax.grid(alpha=0.3)
    axes[0, 1].yaxis.set_major_formatter(PercentFormatter(1))
    handles = [
        axes[0, 0].plot([], [], color=colour, marker=marker, ms=5, label=name)[0]
        for name, colour, marker in SPACES.values()
    ]
    handles += [
        axes[0, 0].plot([], [], line, color="black", label=f"drawn from a {STYLES[score]}")[0]
        for score, line in PANELS["Fréchet distance of drawn images"].items()
    ]
    figure.legend(handles=handles, loc="outside lower center", ncols=4, fontsize=9)
    figure.suptitle("one training of each size; bands: 95 % intervals over draws, and of the share of images")
    return figure


def draw_map(
    vectors: np.ndarray,
    labels: np.ndarray,
    classes: list[str],
    images: np.ndarray,
    extent: tuple[float, float, float, float],
) -> Figure:
    """Draw test vectors (n, 2) by class (n,) beside the images of a square grid of places.

    images: (side * side, height, width, channels) in [0, 1], row by row from the top; extent: left, right,
    bottom and top place.
    """
    figure, (scatter, decoded) = new_figure(12, 6.2, ncols=2)
    scatter_by_class(scatter, vectors, labels, classes)
    left, right, bottom, top = extent
    side = int(np.sqrt(len(images)))
    margins = (right - left) / (side - 1) / 2, (top - bottom) / (side - 1) / 2
    frame = (left - margins[0], right + margins[0], bottom - margins[1], top + margins[1])
    show_image(decoded, tile(images, side), extent=frame)
    decoded.set_axis_on()
    within = (vectors >= (frame[0], frame[2])) & (vectors <= (frame[1], frame[3]))
    shown = int(within.all(axis=1).sum())
    for ax, title in (
        (scatter, f"{shown:,} of {len(vectors):,} test images"),
        (decoded, "what each place decodes to"),
    ):
        ax.set(
            xlim=frame[:2],
            ylim=frame[2:],
            aspect="auto",
            title=title,
            xlabel="first latent dimension",
            ylabel="second latent dimension",
        )
    return figure


def tile(images: np.ndarray, side: int) -> np.ndarray:
    """Lay images (side * side, height, width, channels) out as one, side by side, row by row."""
    _, height, width, channels = images.shape
    grid = images.reshape(side, side, height, width, channels).swapaxes(1, 2)
    return grid.reshape(side * height, side * width, channels)
