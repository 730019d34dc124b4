"""How alike two networks are, layer by layer, and how alike chance would make them."""

from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import pandas as pd

from digits.analysis.saliency import similarity
from digits.analysis.saliency.convolutions import feature_maps


@dataclass(frozen=True)
class Layer:
    """A convolution of both networks: a row for each pair of maps, and figures of the whole."""

    table: pd.DataFrame
    figures: dict[str, Any]


@dataclass(frozen=True)
class Kernels:
    """The first convolution's kernels (height, width, channels, n), the twin's in matching order."""

    first: np.ndarray
    second: np.ndarray
    table: pd.DataFrame
    figures: dict[str, float]


def compare_layers(
    networks: tuple[keras.Model, keras.Model], images: np.ndarray, repeats: int, rng: np.random.Generator
) -> list[Layer]:
    """Return how similar each convolution is on images, uint8 (n, height, width, channels)."""
    ours, theirs = (feature_maps(network, images) for network in networks)
    return [_compare_layer(name, maps, theirs[name], repeats, rng) for name, maps in ours.items()]


def _compare_layer(
    name: str, first: np.ndarray, second: np.ndarray, repeats: int, rng: np.random.Generator
) -> Layer:
    """Return the matched maps (n, height, width, maps), CKA, and both by chance."""
    correlations = similarity.correlate_maps(first, second)
    rows, columns = similarity.match(correlations)
    pairs = {"layer": name, "map": rows, "twin_map": columns, "correlation": correlations[rows, columns]}

    def matched(one: np.ndarray, other: np.ndarray) -> float:
        return similarity.matched_similarity(similarity.correlate_maps(one, other))

    figures = {
        "layer": name,
        "matched_correlation": float(correlations[rows, columns].mean()),
        "matched_by_chance": float(similarity.by_chance(matched, first, second, repeats, rng).mean()),
        "cka": similarity.linear_cka(first, second),
        "cka_by_chance": float(
            similarity.by_chance(similarity.linear_cka, first, second, repeats, rng).mean()
        ),
    }
    return Layer(pd.DataFrame(pairs), figures)


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
    figures = {"matched_cosine": float(table["cosine"].mean()), "by_chance": float(np.mean(random))}
    return Kernels(first[..., rows], second[..., columns], table, figures)


def _first_kernels(network: keras.Model) -> np.ndarray:
    layer = next(layer for layer in network.layers if isinstance(layer, keras.layers.Conv2D))
    return keras.ops.convert_to_numpy(layer.kernel)
