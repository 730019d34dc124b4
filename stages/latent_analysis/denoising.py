"""Denoising: how much noise an autoencoder removes, compared with a median filter."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from statistics import median_high
from typing import Any

import keras
import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from scipy.ndimage import median_filter

from digits.corruptions import add_noise
from digits.data.splits import scale
from digits.drawing.grid import Tile, draw_grid
from digits.drawing.style import BAD, COLOURS, GOOD, new_figure
from digits.networks.common.saved import predict
from stages.latent_analysis.results import Results
from stages.latent_analysis.settings import Denoising

Method = Callable[[np.ndarray], np.ndarray]  # noisy images, uint8 -> images in [0, 1]
Levels = Mapping[str, Sequence[float]]  # levels of the noise, by kind

KINDS = {
    "standard_deviation": "Gaussian noise: standard deviation (1: pixel range)",
    "dropped": "fraction of dropped pixels",
}
NOISES = {"standard_deviation": "Gaussian noise", "dropped": "dropped pixels"}
STYLES = ((BAD, "s"), (COLOURS[5], "^"), (GOOD, "o"), (COLOURS[3], "D"))
SHOWN = 10  # images in the plot
NOISY = "noisy"  # the method that does nothing


def through_autoencoder(encoder: keras.Model, decoder: keras.Model) -> Method:
    """Return the method that encodes and decodes."""
    return lambda noisy: predict(decoder, predict(encoder, noisy))


def analyse_denoising(
    methods: Mapping[str, Method], images: np.ndarray, settings: Denoising, rng: np.random.Generator
) -> Results:
    """Return signal-to-noise ratios of methods, of a median filter and of the noisy images; and examples.

    images: uint8 (n, height, width, channels). Examples have the middle level of each noise; the details
    hold the mean gain by noise and method.
    """
    compared = {NOISY: scale, "median filter": lambda noisy: filter_median(scale(noisy)), **methods}
    levels = {kind: getattr(settings, kind) for kind in KINDS}
    middle = {kind: [median_high(of_kind)] for kind, of_kind in levels.items()}
    table = measure_denoising(compared, images, levels, rng)
    rows, examples = denoise_examples(compared, images[:SHOWN], middle, rng)
    tiles = [(name, [Tile(image) for image in row]) for name, row in rows.items()]
    grid = draw_grid(tiles, "Test images, with noise and denoised")
    plots = {"denoising": draw_denoising(table, len(images)), "denoising_images": grid}
    tables = {"denoising": table, "denoising_images": examples}
    return Results(tables, plots, {"denoising_gain": average_gains(table)})


def signal_to_noise(images: np.ndarray, originals: np.ndarray) -> float | None:
    """Return the peak signal-to-noise ratio of images in [0, 1] in decibels: 10 log10(1 / MSE).

    images, originals: (n, height, width, channels); None if they are equal
    """
    error = float(((images - originals).astype(np.float64) ** 2).mean())
    return -10 * float(np.log10(error)) if error else None


def filter_median(images: np.ndarray) -> np.ndarray:
    """Return each value replaced by the median of the 3 x 3 pixels around it, same shape and dtype.

    images: (n, height, width, channels); channels are filtered separately, the border is repeated outwards
    """
    return np.asarray(median_filter(images, (1, 3, 3, 1), mode="nearest"))


def denoise(
    methods: Mapping[str, Method], images: np.ndarray, levels: Levels, rng: np.random.Generator
) -> Iterator[tuple[str, float, str, np.ndarray]]:
    """Yield kind and level of the noise, method, and what it makes of the images with that noise."""
    for kind in KINDS:
        for level in levels[kind]:
            noisy = add_noise(
                images, level * (kind == "standard_deviation"), rng, level * (kind == "dropped")
            )
            for name, method in methods.items():
                yield kind, level, name, method(noisy)


def measure_denoising(
    methods: Mapping[str, Method], images: np.ndarray, levels: Levels, rng: np.random.Generator
) -> pd.DataFrame:
    """Return one row per noise, level and method: noise, level, method, psnr (decibels)."""
    originals, found = scale(images), denoise(methods, images, levels, rng)
    rows = [(*noise_and_method, signal_to_noise(each, originals)) for *noise_and_method, each in found]
    return pd.DataFrame(rows, columns=["noise", "level", "method", "psnr"])


def average_gains(table: pd.DataFrame) -> dict[str, dict[Any, float]]:
    """Return the mean gain in decibels over the noisy image, by noise and method."""
    wide = table.pivot(index=["noise", "level"], columns="method", values="psnr").astype(float)
    gain = wide.sub(wide[NOISY], axis=0).drop(columns=NOISY).groupby("noise").mean()
    return {str(noise): row.dropna().to_dict() for noise, row in gain.iterrows()}


def denoise_examples(
    methods: Mapping[str, Method], images: np.ndarray, levels: Levels, rng: np.random.Generator
) -> tuple[dict[str, np.ndarray], pd.DataFrame]:
    """Return rows of images with each noise, denoised, and each image's signal-to-noise ratio."""
    originals = scale(images)
    rows, table = {"test images": originals}, []
    for kind, level, name, denoised in denoise(methods, images, levels, rng):
        rows[f"{NOISES[kind]} {level:g}" if name == NOISY else f"{name} ({NOISES[kind]})"] = denoised
        ratios = map(signal_to_noise, denoised, originals)
        table += [(kind, level, name, i, ratio) for i, ratio in enumerate(ratios)]
    return rows, pd.DataFrame(table, columns=["noise", "level", "method", "image", "psnr"])


def draw_denoising(table: pd.DataFrame, n: int) -> Figure:
    """Draw the signal-to-noise ratio of n images by noise level, one curve per method."""
    figure, axes = new_figure(9.6, 3.8, ncols=len(KINDS), sharey=True)
    for ax, (kind, label) in zip(axes, KINDS.items(), strict=True):
        mine = table[table["noise"] == kind].astype({"psnr": float})
        for (name, curve), (colour, marker) in zip(mine.groupby("method", sort=False), STYLES, strict=False):
            curve = curve.sort_values("level")
            ax.plot(curve["level"], curve["psnr"], f"{marker}-", color=colour, ms=5, label=name)
        ax.set(xlabel=label)
        ax.grid(alpha=0.3)
    axes[0].set_ylabel("peak signal-to-noise ratio (dB)")
    axes[1].legend()
    figure.suptitle(f"Signal-to-noise ratio of {n:,} test images with noise, and denoised")
    return figure
