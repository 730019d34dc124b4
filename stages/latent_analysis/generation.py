"""Images decoded from vectors of every generator, with their scores beside those of real images."""

from collections.abc import Mapping
from pathlib import Path

import keras
import numpy as np
import pandas as pd
from digits.analysis.latent.seed_intervals import summarise
from matplotlib.figure import Figure
from stages.latent_analysis.case import Case
from stages.latent_analysis.judge import Drawn, Judge

from digits.analysis.latent.gaussian import Region
from digits.analysis.latent.generators import build
from digits.data.files import write_array, write_table
from digits.data.splits import scale
from digits.drawing.style import new_figure, save, show_image
from digits.networks.common.saved import predict
from stages.latent_analysis import scores

RECONSTRUCTED, REAL = "reconstructed test images", "test images"
COLUMNS, ROWS = 14, 2  # of each source's decoded images
GAP = 2  # pixels between them


def report(case: Case, judge: Judge, outputs: Path) -> pd.DataFrame:
    """Draw from every generator with every seed; write vectors, images and scores.

    Returns one row a source and score: source, score, mean, low, high.
    """
    first, repeated = draw_and_score(case, judge)
    table = summarise(repeated)
    write_table(case.plots / "scores_by_seed.csv", repeated)
    write_table(case.plots / "scores.csv", table)
    for name, source in first.items():
        write_array(outputs / f"drawn_{name.replace(' ', '_')}.npy", source.vectors)
    images = {name: source.images for name, source in first.items()}
    errors = repeated[repeated["seed"] == 0].set_index("source")[["images", "reencoding_error"]]
    write_table(case.plots / "generated.csv", errors, index=True)
    save(case.plots / "generated.png", draw(images, errors["reencoding_error"]))
    save(case.plots / "scores.png", scores.draw(table, (RECONSTRUCTED, REAL), case.settings.ellipsoid))
    return table


def draw_and_score(case: Case, judge: Judge) -> tuple[dict[str, Drawn], pd.DataFrame]:
    """Return what was drawn with the first seed, and the scores: one row a source and seed.

    Half of the test images are what others are compared with, the other half gives the yardsticks; all
    sources have equally many images, since a Fréchet distance falls with their number.
    """
    settings = case.settings
    generators = build(
        case.codes, case.train.labels, settings.components, settings.ellipsoid, case.generator("mixture")
    )
    n, rows = min(settings.generated, len(case.test) // 2), []
    first: dict[str, Drawn] = {}
    for seed in range(settings.seeds):
        rng = case.generator(f"generators {seed}")
        drawn = {name: decode(sample(n, rng), case.decoder) for name, sample in generators.items()}
        yardstick, reference = np.array_split(rng.permutation(len(case.test)), 2)
        drawn |= take_test_images(case, yardstick[:n])
        features = judge.describe_features(scale(case.test.images[reference]))
        shared = {"seed": seed, "images": n}
        rows += [score(judge, name, each, features) | shared for name, each in drawn.items()]
        first = first or drawn
    return first, pd.DataFrame(rows)


def score(judge: Judge, name: str, drawn: Drawn, reference: Region) -> dict[str, str | float]:
    """Return a source's name and scores; where images were not decoded, nothing can be re-encoded."""
    undefined = {"reencoding_error": np.nan} if name == REAL else {}
    return {"source": name, **judge.score(drawn, reference), **undefined}


def decode(vectors: np.ndarray, decoder: keras.Model) -> Drawn:
    """Decode vectors (n, d)."""
    return Drawn(vectors, predict(decoder, vectors.astype(np.float32)))


def take_test_images(case: Case, positions: np.ndarray) -> dict[str, Drawn]:
    """Return the yardsticks: test images by way of the autoencoder, and as they are."""
    codes = case.test_codes[positions]
    return {
        RECONSTRUCTED: decode(codes, case.decoder),
        REAL: Drawn(codes, scale(case.test.images[positions])),
    }


def draw(images: Mapping[str, np.ndarray], errors: pd.Series) -> Figure:
    """Draw the first images of each source in a block of its own, with its re-encoding error."""
    figure, axes = new_figure(COLUMNS * 0.68, len(images) * (ROWS * 0.64 + 0.3) + 0.3, nrows=len(images))
    for ax, (name, block) in zip(axes, images.items(), strict=True):
        error = errors[name]
        show_image(ax, tile(block))
        ax.set_title(name if np.isnan(error) else f"{name}: re-encoding error {error:.2f}", pad=2)
    figure.suptitle("images that a plain autoencoder decodes from latent vectors, and real ones")
    return figure


def tile(images: np.ndarray) -> np.ndarray:
    """Lay the first of the images (n, height, width, channels) out in ROWS of COLUMNS, the rest blank."""
    _, height, width, channels = images.shape
    padded = np.zeros((ROWS * COLUMNS, height + GAP, width + GAP, channels), images.dtype)
    first = images[: len(padded)]
    padded[: len(first), :height, :width] = first
    grid = padded.reshape(ROWS, COLUMNS, height + GAP, width + GAP, channels).swapaxes(1, 2)
    return grid.reshape(ROWS * (height + GAP), COLUMNS * (width + GAP), channels)
