"""How similar two networks are, layer by layer, and how similar chance would make them."""

from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from digits.analysis.saliency import similarity
from digits.analysis.saliency.convolutions import feature_maps
from digits.drawing.grid import Tile, draw_grid
from digits.drawing.style import BAD, GOOD, new_figure, signed_scale

COLUMNS = 8  # pairs of kernels in a row of the picture


@dataclass(frozen=True)
class LayerSimilarity:
    """A convolution of both networks: a row for each pair of maps, and metrics of the whole."""

    table: pd.DataFrame
    metrics: dict[str, Any]


@dataclass(frozen=True)
class Kernels:
    """The first convolution's kernels (height, width, channels, n), the twin's in matching order."""

    first: np.ndarray
    second: np.ndarray
    table: pd.DataFrame
    metrics: dict[str, float]


def compare_layers(
    networks: tuple[keras.Model, keras.Model], images: np.ndarray, repeats: int, rng: np.random.Generator
) -> list[LayerSimilarity]:
    """Return how similar each convolution is on images, uint8 (n, height, width, channels)."""
    ours, theirs = (feature_maps(network, images) for network in networks)
    return [_compare_layer(name, maps, theirs[name], repeats, rng) for name, maps in ours.items()]


def _compare_layer(
    name: str, first: np.ndarray, second: np.ndarray, repeats: int, rng: np.random.Generator
) -> LayerSimilarity:
    """Return the matched maps (n, height, width, maps), CKA, and both by chance."""
    correlations = similarity.correlate_maps(first, second)
    rows, columns = similarity.match(correlations)
    pairs = {"layer": name, "map": rows, "twin_map": columns, "correlation": correlations[rows, columns]}

    def matched(one: np.ndarray, other: np.ndarray) -> float:
        return similarity.matched_similarity(similarity.correlate_maps(one, other))

    metrics = {
        "layer": name,
        "matched_correlation": float(correlations[rows, columns].mean()),
        "matched_by_chance": float(similarity.by_chance(matched, first, second, repeats, rng).mean()),
        "cka": similarity.linear_cka(first, second),
        "cka_by_chance": float(
            similarity.by_chance(similarity.linear_cka, first, second, repeats, rng).mean()
        ),
    }
    return LayerSimilarity(pd.DataFrame(pairs), metrics)


def compare_kernels(
    networks: tuple[keras.Model, keras.Model], repeats: int, rng: np.random.Generator
) -> Kernels:
    """Return the first convolution's kernels, matched by their angle; by chance: normal random kernels."""
    first, second = (_first_kernels(network) for network in networks)
    cosines = similarity.correlate_kernels(first, second)
    rows, columns = similarity.match(cosines)
    random = [
        similarity.matched_similarity(similarity.correlate_kernels(first, rng.standard_normal(second.shape)))
        for _ in range(repeats)
    ]
    table = pd.DataFrame({"kernel": rows, "twin_kernel": columns, "cosine": cosines[rows, columns]})
    metrics = {"matched_cosine": float(table["cosine"].mean()), "by_chance": float(np.mean(random))}
    return Kernels(first[..., rows], second[..., columns], table, metrics)


def draw_layers(table: pd.DataFrame) -> Figure:
    """Draw matched correlation and CKA of each layer (one row per layer), beside what chance gives."""
    figure, axes = new_figure(8.4, 3.4, ncols=2, sharey=True)
    place = np.arange(len(table))
    panels = {
        "correlation of matched maps": ("matched_correlation", "matched_by_chance"),
        "centered kernel alignment": ("cka", "cka_by_chance"),
    }
    for ax, (title, (found, chance)) in zip(axes, panels.items(), strict=True):
        ax.bar(place - 0.2, table[found], 0.38, color=GOOD, label="twin of another seed")
        ax.bar(place + 0.2, table[chance], 0.38, color=BAD, label="by chance: permuted images")
        ax.set_xticks(place, table["layer"], rotation=20, ha="right")
        ax.set(title=title, ylim=(0, 1))
    axes[0].set_ylabel("similarity")
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=2, fontsize=9)
    return figure


def draw_kernels(kernels: Kernels) -> Figure:
    """Draw each kernel of the first layer above the twin's that matches it, the best match first."""
    cosines = kernels.table["cosine"].to_numpy()
    order = np.argsort(-cosines, kind="stable")
    scale = signed_scale(np.stack([kernels.first, kernels.second]).mean(axis=-2), covered=1)
    rows = []
    for part in np.split(order, range(COLUMNS, len(order), COLUMNS)):
        for name, values in (("network", kernels.first), ("twin", kernels.second)):
            headings = [f"{cosines[i]:.2f}" if name == "network" else "" for i in part]
            maps = [values[..., i].mean(axis=2) for i in part]
            pairs = zip(maps, headings, strict=True)
            rows.append((name, [Tile(each, heading=heading, norm=scale) for each, heading in pairs]))
    found, chance = kernels.metrics["matched_cosine"], kernels.metrics["by_chance"]
    title = (
        "first convolution: each kernel above its match in the twin, and the cosine of their angle\n"
        f"mean {found:.2f}; random kernels reach {chance:.2f}"
    )
    return draw_grid(rows, title, scales=[(scale, "weight")])


def _first_kernels(network: keras.Model) -> np.ndarray:
    layer = next(layer for layer in network.layers if isinstance(layer, keras.layers.Conv2D))
    return keras.ops.convert_to_numpy(layer.kernel)
