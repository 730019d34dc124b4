"""Images decoded from latent vectors of every generator, with their scores and those of real images."""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from digits.analysis.classification.intervals import percent
from digits.analysis.latent.gaussian import fit_gaussian
from digits.analysis.latent.generators import build_generators
from digits.analysis.latent.scores import average_by_source, summarise_seeds
from digits.data.splits import scale
from digits.drawing.grid import Tile, draw_grid, fold
from digits.drawing.style import BAD, GOOD, new_figure
from stages.latent_analysis.context import REAL, RECONSTRUCTED, LatentContext, Samples
from stages.latent_analysis.results import Results

COLUMNS, SHOWN = 14, 28  # images per row, and per source

TITLES = {
    "reencoding_error": "Re-encoding error",
    "inside": "Fraction inside the ellipsoid",
    "nearest_vector": "Nearest training vector",
    "nearest_image": "Nearest training image",
    "confidence": "Confidence of the CNN",
    "class_entropy": "Entropy of the classes (bits)",
    "frechet": "Fréchet distance",
}
LOGARITHMIC = ("reencoding_error", "frechet")


def analyse_generators(context: LatentContext) -> Results:
    """Return vectors, images and scores of every generator; the details hold each score by source."""
    first, repeated = sample_and_score(context)
    table = summarise_seeds(repeated, context.confidence)
    errors = repeated[repeated["seed"] == 0][["source", "images", "reencoding_error"]]
    means = average_by_source(table)
    images = draw_images(first, means["reencoding_error"])
    scores = draw_scores(table, context.settings.ellipsoid_fraction, context.confidence)
    return Results(
        tables={"scores_by_seed": repeated, "scores": table, "generated": errors},
        plots={"generated": images, "scores": scores},
        details=means,
        arrays={f"generated_{name.replace(' ', '_')}": each.vectors for name, each in first.items()},
    )


def sample_and_score(context: LatentContext) -> tuple[dict[str, Samples], pd.DataFrame]:
    """Return the samples of the first seed, and the scores: one row per source and seed.

    One half of the test images is the reference of the Fréchet distance, the other half is scored like
    the generators. All sources have the same number of images, since the distance falls with it.
    """
    settings, test = context.settings, context.test
    fitted = (settings.mixture_components, settings.ellipsoid_fraction, context.generator("mixture"))
    generators = build_generators(context.latents, context.train.labels, *fitted)
    n, rows = min(settings.generated_images, len(test) // 2), []
    first: dict[str, Samples] = {}
    for seed in range(settings.generator_seeds):
        rng = context.generator(f"generators {seed}")
        sources = {name: context.decode(sample(n, rng)) for name, sample in generators.items()}
        scored, reference = np.array_split(rng.permutation(len(test)), 2)
        latents = context.test_latents[scored[:n]]
        sources[RECONSTRUCTED] = context.decode(latents)
        sources[REAL] = Samples(latents, scale(test.images[scored[:n]]))
        features = fit_gaussian(context.encode_features(scale(test.images[reference])))
        for name, samples in sources.items():
            scores = context.score(samples, features)
            if name == REAL:  # these images were not decoded, so there is nothing to re-encode
                scores["reencoding_error"] = np.nan
            rows.append({"source": name, **scores, "seed": seed, "images": n})
        first = first or sources
    return first, pd.DataFrame(rows)


def draw_images(samples: dict[str, Samples], errors: dict[str, float]) -> Figure:
    """Draw the first images of each source, with its re-encoding error if it has one."""
    rows = []
    for name, of_source in samples.items():
        label = f"{name}\nre-encoding error {errors[name]:.2f}" if name in errors else name
        rows += fold([Tile(image) for image in of_source.images[:SHOWN]], COLUMNS, label)
    title = "Images that the autoencoder decodes from latent vectors of each generator, and real ones"
    return draw_grid(rows, title)


def draw_scores(table: pd.DataFrame, fraction: float, confidence: float) -> Figure:
    """Draw every score with its interval, one row per source; test images in another colour and shape."""
    names = list(dict.fromkeys(table["source"]))
    figure, axes = new_figure(9.6, 2 * (0.27 * len(names) + 0.75) + 0.6, nrows=2, ncols=4, sharey=True)
    for ax, (score, title) in zip(axes.flat, TITLES.items(), strict=False):
        mine = table[table["score"] == score].set_index("source").loc[names]
        for row, (name, values) in enumerate(mine.iterrows()):
            colour, marker = (BAD, "s") if name in (RECONSTRUCTED, REAL) else (GOOD, "o")
            ax.plot(values[["low", "high"]], [row, row], color=colour, lw=2)
            ax.plot(values["mean"], row, marker, color=colour, ms=5)
        ax.set_title(title, fontsize=10)
        ax.grid(alpha=0.3)
        if score in LOGARITHMIC:
            ax.set_xscale("log")
    axes[0, 0].set_yticks(range(len(names)), names)
    axes[0, 0].set_ylim(len(names) - 0.5, -0.5)
    note = axes[1, 3]
    note.set_axis_off()
    text = f"blue circles: generators\nred squares: test images\nellipsoid of {percent(fraction)}"
    note.text(0, 0.5, text, transform=note.transAxes)
    figure.suptitle(f"Scores of latent vectors and their images ({percent(confidence)} intervals over seeds)")
    return figure
