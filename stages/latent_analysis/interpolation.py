"""Interpolation in the latent space: along its principal axes, and between two images."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from PIL import Image, ImageDraw

from digits.analysis.latent.gaussian import Gaussian
from digits.data.files import replacing
from digits.data.splits import to_pixels
from digits.drawing.grid import Tile, draw_grid, tile_images
from digits.drawing.style import signed_scale
from stages.latent_analysis.context import LatentContext, Samples
from stages.latent_analysis.results import Results

AXES, FARTHEST, STEPS = 8, 3.0, 11  # principal axes, standard deviations, images per row
PAIRS, PAIRS_SHOWN = 4, 2  # pairs of test images in table and animation, and in the plot
FRAMES, ENLARGED, MILLISECONDS = 16, 3, 120  # of the animation
GAP, LEFT, TOP = 18, 130, 18  # pixels between its images, and for the names of rows and columns

Pair = tuple[int, int]  # of positions among the test images


def analyse_principal_axes(context: LatentContext) -> Results:
    """Return the images along the first principal axes of the latents, and what the CNN takes them for."""
    gaussian, steps = context.gaussian, np.linspace(-FARTHEST, FARTHEST, STEPS)
    explained = gaussian.eigenvalues / gaussian.eigenvalues.sum()
    rows, tables = [], []
    for axis in range(min(AXES, gaussian.rank)):
        samples = context.decode(walk_axis(gaussian, axis, steps))
        rows.append((f"axis {axis + 1} ({explained[axis]:.1%})", [Tile(image) for image in samples.images]))
        path = describe_path(context, samples)
        tables.append(path.assign(axis=axis + 1, standard_deviations=steps))
    title = (
        f"Images decoded along the principal axes of the latent vectors, from {-FARTHEST:g} to {FARTHEST:g} "
        "standard deviations (in brackets: fraction of the variance)"
    )
    return Results({"principal_axes": pd.concat(tables)}, {"principal_axes": draw_grid(rows, title)})


def analyse_interpolation(context: LatentContext) -> Results:
    """Return the images between pairs of test images, by linear and by spherical interpolation."""
    decoded, tables = {}, []
    for pair in choose_pairs(context.test.labels):
        first, last = context.test.indices[list(pair)]
        paths = interpolate(context, pair, STEPS)
        decoded[name_pair(context, pair)] = {method: samples.images for method, samples in paths.items()}
        for method, samples in paths.items():
            columns = {"from": first, "to": last, "method": method, "position": np.linspace(0, 1, STEPS)}
            tables.append(describe_path(context, samples).assign(**columns))
    return Results({"interpolation": pd.concat(tables)}, {"interpolation": draw_interpolation(decoded)})


def walk_axis(gaussian: Gaussian, axis: int, steps: np.ndarray) -> np.ndarray:
    """Return vectors along a principal axis (from 0) through the mean, float64 (len(steps), d).

    steps: in standard deviations along that axis
    """
    values = np.zeros((len(steps), gaussian.rank))
    values[:, axis] = steps
    return gaussian.unwhiten(values)


def choose_pairs(labels: np.ndarray) -> list[Pair]:
    """Return pairs of positions: the first images of two classes each, or of one if there is only one."""
    _, firsts = np.unique(labels, return_index=True)
    if len(firsts) < 2:
        firsts = np.arange(2)
    return [(int(a), int(b)) for a, b in zip(firsts[::2], firsts[1::2], strict=False)][:PAIRS]


def name_pair(context: LatentContext, pair: Pair) -> str:
    """Return the classes of the two images."""
    return " to ".join(context.classes[context.test.labels[position]] for position in pair)


def interpolate(context: LatentContext, pair: Pair, steps: int) -> dict[str, Samples]:
    """Return vectors (steps, d) between the latents of two test images with their images, by both methods."""
    positions, (first, last) = np.linspace(0, 1, steps), context.test_latents[list(pair)]
    return {
        "linear": context.decode(interpolate_linear(first, last, positions)),
        "spherical": context.decode(interpolate_spherical(context.gaussian, first, last, positions)),
    }


def interpolate_linear(first: np.ndarray, last: np.ndarray, positions: np.ndarray) -> np.ndarray:
    """Return the vectors on the straight line between two vectors (d,), at positions in [0, 1], (n, d)."""
    return first + positions[:, None] * (last - first)


def interpolate_spherical(
    gaussian: Gaussian, first: np.ndarray, last: np.ndarray, positions: np.ndarray
) -> np.ndarray:
    """Return vectors that turn from one to the other around the mean of the Gaussian, float64 (n, d).

    In whitened coordinates the direction turns at constant speed (spherical linear interpolation, Shoemake
    1985, SIGGRAPH: 245-254), and the Mahalanobis distance changes linearly, so it stays between those of
    the ends; a straight line passes closer to the mean. Straight if the directions are equal or opposite.
    """
    ends = gaussian.whiten(np.stack([first, last]))
    lengths = np.linalg.norm(ends, axis=1)
    if lengths.min() == 0:
        return interpolate_linear(first, last, positions)
    unit = ends / lengths[:, None]
    angle = np.arccos(np.clip(unit[0] @ unit[1], -1, 1))
    if np.sin(angle) < 1e-6:
        return interpolate_linear(first, last, positions)
    weights = np.stack([np.sin((1 - positions) * angle), np.sin(positions * angle)], axis=1)
    distance = lengths[0] + positions * (lengths[1] - lengths[0])
    return gaussian.unwhiten(distance[:, None] * (weights @ unit / np.sin(angle)))


def describe_path(context: LatentContext, samples: Samples) -> pd.DataFrame:
    """Return squared Mahalanobis distance, predicted class and confidence of each vector's image."""
    probabilities = context.classify(context.encode_features(samples.images))
    path = pd.DataFrame({"squared_distance": context.gaussian.squared_distances(samples.vectors)})
    predictions = np.array(context.classes)[probabilities.argmax(axis=1)]
    return path.assign(prediction=predictions, confidence=probabilities.max(axis=1))


def draw_interpolation(decoded: Mapping[str, Mapping[str, np.ndarray]]) -> Figure:
    """Draw the images (STEPS, height, width, channels) of the first pairs, and where the methods differ."""
    shown = list(decoded.items())[:PAIRS_SHOWN]
    differences = np.array([(each["spherical"] - each["linear"]).mean(axis=-1) for _, each in shown])
    norm, rows = signed_scale(differences), []
    for (name, images), difference in zip(shown, differences, strict=True):
        rows += [(f"{name}, {method}", [Tile(image) for image in each]) for method, each in images.items()]
        rows.append(("spherical - linear", [Tile(each, norm=norm) for each in difference]))
    by_step = np.abs(differences).mean(axis=(0, 2, 3))
    title = (
        "Images between two test images: linear and spherical interpolation\n"
        f"differ most at {np.linspace(0, 1, STEPS)[by_step.argmax()]:.0%} of the path, "
        f"by {by_step.max():.3f} per pixel (1: black instead of white)"
    )
    return draw_grid(rows, title, scales=[(norm, "difference")])


def write_animation(path: Path, context: LatentContext) -> None:
    """Write a GIF of all pairs that goes there and back, linear interpolation beside spherical."""
    pairs = choose_pairs(context.test.labels)
    images = np.array([each.images for pair in pairs for each in interpolate(context, pair, FRAMES).values()])
    names = [name_pair(context, pair) for pair in pairs]
    there = [draw_frame(images[:, step], names, ("linear", "spherical")) for step in range(FRAMES)]
    first, *others = [*there, *there[-2:0:-1]]
    with replacing(path) as temporary:
        first.save(temporary, "GIF", save_all=True, append_images=others, duration=MILLISECONDS, loop=0)


def draw_frame(images: np.ndarray, rows: list[str], columns: tuple[str, ...]) -> Image.Image:
    """Lay images in [0, 1] (n, height, width, channels) out row by row, enlarged, with names."""
    values = images if images.shape[-1] == 3 else 1 - images[..., :1]
    large = values.repeat(ENLARGED, axis=1).repeat(ENLARGED, axis=2)
    pixels = np.rint(to_pixels(tile_images(large, len(rows), len(columns), GAP, fill=1))).astype(np.uint8)
    tiles = Image.fromarray(pixels if pixels.shape[-1] == 3 else pixels[..., 0])
    frame = Image.new(tiles.mode, (LEFT + tiles.width, TOP + tiles.height), "white")
    frame.paste(tiles, (LEFT, TOP))
    text, (height, width) = ImageDraw.Draw(frame), large.shape[1:3]
    for number, name in enumerate(columns):
        text.text((LEFT + number * (width + GAP), 2), name, fill="black")
    for number, name in enumerate(rows):
        text.text((4, TOP + number * (height + GAP) + height // 2 - 6), name[:20], fill="black")
    return frame
