"""Which pixels matter to the networks: permutation, occlusion, integrated gradients, and their agreement."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from digits.analysis.saliency import attribution, importance
from digits.data.splits import Split
from digits.drawing.grid import Row, Tile, draw_grid
from digits.drawing.style import BAR, new_figure, signed_scale
from digits.networks.common.saved import load_model, predict

MEASURES = {
    "permutation": ("permutation", "drop of accuracy"),
    "occlusion": ("occlusion", "drop of the true\nclass's probability"),
    "integrated_gradients": ("|integrated gradients|", "sum over the block"),
}
DRAWN = 10  # images with their attributions, one per class
COVERED = 0.995  # fraction of the attributions within the colour scale
LEGEND = (
    "Brown pixels raise the probability of the true class, purple ones lower it;\n"
    "blank pixels contribute nothing"
)


@dataclass(frozen=True)
class NetworkImportance:
    """How much the pixels of validation images matter to a network.

    permutation, occlusion: drop of accuracy, and of the true class's probability, without each
        block; integrated_gradients: mean |attribution| of it (block rows, block columns)
    attributions: integrated gradients of some images, summed over channels (n, height, width)
    probabilities: of the true class for these images, and for the blank image instead (n, 2)
    completeness_error: mean difference between the sum of an image's attributions and what it should be
    """

    permutation: np.ndarray
    occlusion: np.ndarray
    integrated_gradients: np.ndarray
    attributions: np.ndarray
    probabilities: np.ndarray
    completeness_error: float


def measure(
    path: Path, val: Split, chosen: Split, blocks: np.ndarray, steps: int, seed: int
) -> NetworkImportance:
    """Measure the saved network on validation images, and attribute the chosen ones in so many steps."""
    model = load_model(path)
    network, shape = partial(predict, model), (-1, int(blocks[0].max()) + 1)
    groups = importance.group_pixels(blocks, val.images.shape[-1])
    images, labels = np.asarray(val.images), val.labels
    drops = importance.permutation_importance(
        lambda batch: network(batch).argmax(axis=1), images, labels, groups, np.random.default_rng(seed)
    )
    attributions = attribution.integrated_gradients(
        partial(attribution.output_gradient, model), chosen.images, chosen.labels, steps
    )
    summed = attributions.sum(axis=-1)
    true = partial(attribution.true_probability, network, labels=chosen.labels)
    return NetworkImportance(
        drops.reshape(shape),
        attribution.occlusion(network, images, labels, groups).reshape(shape),
        importance.sum_blocks(np.abs(summed).mean(axis=0), blocks),
        summed,
        np.stack([true(chosen.images), true(np.full_like(chosen.images, attribution.BLANK))], axis=1),
        attribution.completeness_error(attributions, network, chosen.images, chosen.labels),
    )


def block_maps(measured: Mapping[str, NetworkImportance]) -> dict[str, np.ndarray]:
    """Return the maps of blocks as NETWORK_MEASURE."""
    return {f"{name}_{key}": getattr(each, key) for name, each in measured.items() for key in MEASURES}


def tabulate_class_attributions(means: Mapping[str, np.ndarray], classes: Sequence[str]) -> pd.DataFrame:
    """Return one row per pixel with a column NETWORK_CLASS; means: (n_classes, height, width) each."""
    return attribution.tabulate_maps(
        {f"{name}_{kind}": maps[i] for name, maps in means.items() for i, kind in enumerate(classes)}
    )


def tabulate_attributions(
    chosen: Split, measured: Mapping[str, NetworkImportance], positions: np.ndarray
) -> pd.DataFrame:
    """Return one row per pixel with a column NETWORK_INDEX for each of the images at these positions."""
    return attribution.tabulate_maps(
        {
            f"{name}_{chosen.indices[position]}": network.attributions[position]
            for name, network in measured.items()
            for position in positions
        }
    )


def draw_block_maps(measured: Mapping[str, NetworkImportance]) -> Figure:
    """Draw a row of block maps for each network."""
    rows = len(measured)
    figure, axes = new_figure(9.4, 2.7 * rows + 0.3, nrows=rows, ncols=len(MEASURES), squeeze=False)
    for line, (name, network) in zip(axes, measured.items(), strict=True):
        for ax, (key, (title, label)) in zip(line, MEASURES.items(), strict=True):
            picture = ax.imshow(getattr(network, key), cmap="viridis", vmin=0)
            ax.set(xticks=[], yticks=[], title=f"{name.upper()}: {title}")
            figure.colorbar(picture, cax=ax.inset_axes(BAR), label=label)
    figure.suptitle("Importance of blocks of pixels to the networks, on validation images")
    return figure


def draw_class_attributions(means: Mapping[str, np.ndarray], classes: Sequence[str], images: int) -> Figure:
    """Draw the mean attribution per class, (n_classes, height, width) for each network.

    images: number of images, of all classes together
    """
    norms = {name: signed_scale(maps, COVERED) for name, maps in means.items()}
    rows: list[Row] = []
    for name, maps in means.items():
        headings = [""] * len(classes) if rows else [_wrap(kind) for kind in classes]
        pairs = zip(maps, headings, strict=True)
        rows.append((name.upper(), [Tile(each, heading=text, norm=norms[name]) for each, text in pairs]))
    return draw_grid(
        rows,
        f"Integrated gradients: means per class over {images} validation images\n{LEGEND}",
        side=0.9,
        scales=[(norm, f"{name.upper()}: attribution") for name, norm in norms.items()],
    )


def draw_attributions(
    chosen: Split,
    measured: Mapping[str, NetworkImportance],
    positions: np.ndarray,
    classes: Sequence[str],
) -> Figure:
    """Draw the chosen images at these positions above their attributions by each network."""
    shown = chosen.take(positions)
    norms = {name: signed_scale(each.attributions[positions], COVERED) for name, each in measured.items()}
    named = zip(shown.images, shown.labels, strict=True)
    rows: list[Row] = [("", [Tile(image, heading=_wrap(classes[label])) for image, label in named])]
    for name, each in measured.items():
        pairs = zip(each.attributions[positions], each.probabilities[positions], strict=True)
        tiles = [
            Tile(values, norm=norms[name], caption=f"{blank:.2f} to {probability:.2f}")
            for values, (probability, blank) in pairs
        ]
        rows.append((name.upper(), tiles))
    return draw_grid(
        rows,
        f"Integrated gradients of single validation images\n{LEGEND}\n"
        "Numbers: the true class's probability, from the blank image to this one",
        side=0.9,
        scales=[(norm, f"{name.upper()}: attribution") for name, norm in norms.items()],
    )


def _wrap(name: str) -> str:
    return name.replace(" ", "\n").replace("/", "/\n")


def draw_rank_correlations(table: pd.DataFrame) -> Figure:
    """Draw the rank correlation of each two maps of blocks, with its number."""
    figure, ax = new_figure(8.6, 6.4)
    names = [_title(str(name)) for name in table.columns]
    picture = ax.imshow(table, cmap="Blues", vmin=min(0.0, float(table.to_numpy().min())), vmax=1)
    ax.set_xticks(range(len(names)), names, rotation=35, ha="right")
    ax.set_yticks(range(len(names)), names)
    ax.spines[:].set_visible(False)
    for (row, column), value in np.ndenumerate(table.to_numpy()):
        colour = "white" if picture.norm(value) > 0.6 else "black"
        ax.text(column, row, f"{value:.2f}", ha="center", va="center", color=colour)
    figure.colorbar(picture, ax=ax, label="Spearman's rank correlation", shrink=0.8)
    others = table.to_numpy()[~np.eye(len(table), dtype=bool)]
    ax.set_title(f"Rank correlation of maps of blocks: {others.min():.2f} to {others.max():.2f}")
    return figure


def _title(name: str) -> str:
    owner, measure = name.split("_", 1)
    return f"{owner if owner == 'forest' else owner.upper()}: {measure.replace('_', ' ')}"
