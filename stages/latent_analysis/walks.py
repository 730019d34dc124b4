"""Ways through the latent space: along its principal axes, and from one image to another."""

from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

from digits.analysis.latent.interpolation import interpolate_about, interpolate_straight, walk_axis
from digits.data.files import replacing, write_table
from digits.drawing.style import image_rows, save
from digits.networks.common.saved import predict
from stages.latent_analysis.case import Case
from stages.latent_analysis.judge import Judge

AXES, FARTHEST, STEPS = 8, 3.0, 11  # principal axes, standard deviations, images on each way
PAIRS = 4
FRAMES, ENLARGED, MILLISECONDS = 16, 3, 120  # of the animation
GAP = 6  # pixels between its images


def report(case: Case, judge: Judge) -> None:
    """Write both kinds of ways as pictures and tables, and the second as an animation."""
    report_axes(case, judge)
    report_pairs(case, judge)


def report_axes(case: Case, judge: Judge) -> None:
    """Write the images along the first principal axes."""
    region, steps = case.region, np.linspace(-FARTHEST, FARTHEST, STEPS)
    share = region.eigenvalues / region.eigenvalues.sum()
    rows, tables = {}, []
    for axis in range(min(AXES, region.rank)):
        vectors = walk_axis(region, axis, steps)
        images = predict(case.decoder, vectors.astype(np.float32))
        rows[f"axis {axis + 1} ({share[axis]:.1%})"] = images
        table = describe(case, judge, vectors, images)
        tables.append(table.assign(axis=axis + 1, deviations=steps))
    write_table(case.plots / "walks.csv", pd.concat(tables))
    title = (
        f"along the principal axes of the latent vectors, from {-FARTHEST:g} to {FARTHEST:g} standard "
        "deviations\n(in brackets: share of the variance)"
    )
    save(case.plots / "walks.png", image_rows(rows, title))


def report_pairs(case: Case, judge: Judge) -> None:
    """Write the images between pairs of test images, straight and about the mean."""
    rows, tables, frames = {}, [], []
    for first, last in choose_pairs(case.test.labels):
        ends = f"{_name(case, first)} to {_name(case, last)}"
        ways = interpolate(case, first, last, STEPS)
        for way, vectors in ways.items():
            images = predict(case.decoder, vectors.astype(np.float32))
            rows[f"{ends},\n{way}"] = images
            indices = dict(zip(("from", "to"), case.test.indices[[first, last]], strict=True))
            table = describe(case, judge, vectors, images)
            tables.append(table.assign(**indices, way=way, share=np.linspace(0, 1, STEPS)))
        moving = interpolate(case, first, last, FRAMES).values()
        frames.append([predict(case.decoder, vectors.astype(np.float32)) for vectors in moving])
    write_table(case.plots / "interpolation.csv", pd.concat(tables))
    save(case.plots / "interpolation.png", image_rows(rows, "from one test image to another"))
    animate(case.plots / "interpolation.gif", np.array(frames))


def choose_pairs(labels: np.ndarray) -> list[tuple[int, int]]:
    """Return pairs of positions: the first images of two classes each, or of one if there is but one."""
    _, firsts = np.unique(labels, return_index=True)
    if len(firsts) < 2:
        firsts = np.arange(2)
    return [(int(a), int(b)) for a, b in zip(firsts[::2], firsts[1::2], strict=False)][:PAIRS]


def interpolate(case: Case, first: int, last: int, steps: int) -> dict[str, np.ndarray]:
    """Return vectors (steps, d) between two test images by both ways."""
    shares, ends = np.linspace(0, 1, steps), (case.test_codes[first], case.test_codes[last])
    return {
        "straight": interpolate_straight(*ends, shares),
        "about the mean": interpolate_about(case.region, *ends, shares),
    }


def describe(case: Case, judge: Judge, vectors: np.ndarray, images: np.ndarray) -> pd.DataFrame:
    """Return squared Mahalanobis distance, predicted class and confidence of each vector's image."""
    probabilities = judge.classify(images)
    return pd.DataFrame(
        {
            "squared_distance": case.region.squared_distances(vectors),
            "prediction": np.array(case.classes)[probabilities.argmax(axis=1)],
            "confidence": probabilities.max(axis=1),
        }
    )


def animate(path: Path, frames: np.ndarray) -> None:
    """Write a GIF that goes there and back.

    frames: images in [0, 1], (rows, columns, n, height, width, channels), a frame for each of n
    """
    there = [Image.fromarray(_arrange(frames[:, :, number])) for number in range(frames.shape[2])]
    first, *others = [*there, *there[-2:0:-1]]
    with replacing(path) as temporary:
        first.save(temporary, "GIF", save_all=True, append_images=others, duration=MILLISECONDS, loop=0)


def _arrange(images: np.ndarray) -> np.ndarray:
    """Lay images (rows, columns, height, width, channels) out, enlarged, as uint8; ink is dark on white."""
    values = images if images.shape[-1] == 3 else 1 - images[..., :1]
    padded = np.pad(values, ((0, 0), (0, 0), (GAP // 2,) * 2, (GAP // 2,) * 2, (0, 0)), constant_values=1)
    rows, columns, height, width, channels = padded.shape
    sheet = padded.swapaxes(1, 2).reshape(rows * height, columns * width, channels)
    large = sheet.repeat(ENLARGED, axis=0).repeat(ENLARGED, axis=1)
    pixels = np.rint(large * 255).astype(np.uint8)
    return pixels if channels == 3 else pixels[..., 0]


def _name(case: Case, position: int) -> str:
    return case.classes[case.test.labels[position]]
