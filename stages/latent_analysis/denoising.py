"""How much noise the autoencoder removes, though it was trained to copy, beside a median filter."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import keras
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from digits.analysis.latent.quality import filter_median, signal_to_noise
from digits.corruptions import add_noise
from digits.data.files import write_table
from digits.data.splits import scale
from digits.drawing.style import BAD, COLOURS, GOOD, image_rows, new_figure, save
from digits.networks.autoencoder.settings import Noise
from digits.networks.common.saved import predict
from stages.latent_analysis.case import Case
from stages.latent_analysis.settings import Denoising

Method = Callable[[np.ndarray], np.ndarray]  # from noisy images, uint8, to images in [0, 1]

UNITS = {"deviation": "Gaussian noise: deviation, share of the range", "dropped": "share of dropped pixels"}
LOOKS = ((BAD, "s"), (COLOURS[5], "^"), (GOOD, "o"), (COLOURS[3], "D"))
SHOWN = 10


def report(case: Case) -> dict[str, dict[str, float]]:
    """Try the autoencoder on noisy test images; return the mean gain of each noise and method."""
    settings = case.settings.denoising
    images = case.test.images[case.sample(len(case.test), settings.images, "denoising")]
    methods = {"autoencoder": autoencoder(case.encoder, case.decoder)}
    return gains(compare(methods, images, settings, case.generator("noise"), case.plots))


def compare(
    methods: Mapping[str, Method],
    images: np.ndarray,
    settings: Denoising,
    rng: np.random.Generator,
    plots: Path,
) -> pd.DataFrame:
    """Write and return the signal-to-noise ratios of methods beside a median filter's; draw examples.

    images: uint8 (n, height, width, channels). Returns what `measure` does.
    """
    beside: dict[str, Method] = {
        "as it is": scale,
        "median filter": lambda noisy: filter_median(scale(noisy)),
    }
    everything = {**beside, **methods}
    table = measure(everything, images, settings, rng)
    write_table(plots / "denoising.csv", table)
    save(plots / "denoising.png", draw(table, f"noise in {len(images):,} test images"))
    rows, examples = show(everything, images[:SHOWN], settings, rng)
    write_table(plots / "denoising_images.csv", examples)
    save(plots / "denoising_images.png", image_rows(rows, "test images, noisy and denoised"))
    return table


def autoencoder(encoder: keras.Model, decoder: keras.Model) -> Method:
    """Return the way through an autoencoder."""
    return lambda noisy: predict(decoder, predict(encoder, noisy))


def each_noise(settings: Denoising) -> Iterator[tuple[str, float, Noise]]:
    """Yield kind, level and the noise."""
    for level in settings.deviation:
        yield "deviation", level, Noise(standard_deviation=level, dropped=0.0)
    for level in settings.dropped:
        yield "dropped", level, Noise(standard_deviation=0.0, dropped=level)


def measure(
    methods: Mapping[str, Method], images: np.ndarray, settings: Denoising, rng: np.random.Generator
) -> pd.DataFrame:
    """Return one row a noise, level and method: noise, level, method, psnr (decibels)."""
    originals, rows = scale(images), []
    for kind, level, noise in each_noise(settings):
        noisy = add_noise(images, noise.standard_deviation, rng, noise.dropped)
        for name, method in methods.items():
            rows.append((kind, level, name, signal_to_noise(method(noisy), originals)))
    return pd.DataFrame(rows, columns=["noise", "level", "method", "psnr"])


def gains(table: pd.DataFrame) -> dict[str, dict[str, float]]:
    """Return the mean gain in decibels over the noisy image, by noise and method."""
    wide = table.pivot(index=["noise", "level"], columns="method", values="psnr").astype(float)
    gain = wide.sub(wide["as it is"], axis=0).drop(columns="as it is").groupby("noise").mean()
    return {
        str(noise): {str(name): float(value) for name, value in row.dropna().items()}
        for noise, row in gain.iterrows()
    }


def show(
    methods: Mapping[str, Method], images: np.ndarray, settings: Denoising, rng: np.random.Generator
) -> tuple[dict[str, np.ndarray], pd.DataFrame]:
    """Return rows of images at the middle level of each noise, and the ratio of each image."""
    originals = scale(images)
    rows, table = {"test images": originals}, []
    for kind, levels in (("deviation", settings.deviation), ("dropped", settings.dropped)):
        level = sorted(levels)[len(levels) // 2]
        noisy = add_noise(images, level * (kind == "deviation"), rng, level * (kind == "dropped"))
        for name, method in methods.items():
            denoised = method(noisy)
            rows[f"{kind} {level:g}" if name == "as it is" else f"{name} ({kind})"] = denoised
            pairs = zip(denoised, originals, strict=True)
            table += [(kind, level, name, i, signal_to_noise(*pair)) for i, pair in enumerate(pairs)]
    return rows, pd.DataFrame(table, columns=["noise", "level", "method", "image", "psnr"])


def draw(table: pd.DataFrame, title: str) -> Figure:
    """Draw the ratio by level, a curve a method."""
    figure, axes = new_figure(9.6, 3.8, ncols=len(UNITS), sharey=True)
    for ax, (kind, unit) in zip(axes, UNITS.items(), strict=True):
        mine = table[table["noise"] == kind].astype({"psnr": float})
        for (name, curve), (colour, marker) in zip(mine.groupby("method", sort=False), LOOKS, strict=False):
            curve = curve.sort_values("level")
            ax.plot(curve["level"], curve["psnr"], f"{marker}-", color=colour, ms=5, label=name)
        ax.set(xlabel=unit)
        ax.grid(alpha=0.3)
    axes[0].set_ylabel("peak signal-to-noise ratio (dB)")
    axes[1].legend()
    figure.suptitle(title)
    return figure
