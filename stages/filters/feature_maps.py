"""The feature maps of single images, and the kernels of the first convolution with their responses."""

from collections.abc import Mapping, Sequence

import keras
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from digits.analysis.saliency.attribution import tabulate_maps
from digits.analysis.saliency.convolutions import find_activations, preactivation
from digits.drawing.grid import Tile, draw_grid, fold
from digits.drawing.style import scale_of, signed_scale
from digits.networks.common.saved import predict

SHOWN_CLASS = 4  # the class of the image whose maps are drawn
DRAWN = 24  # maps, at most
KERNELS = 32  # at most
PER_ROW = 8
COMPARED = 15  # maps of all convolutions together in the picture of all classes


def choose_shown(labels: np.ndarray, wanted: int = SHOWN_CLASS) -> int:
    """Return the position of the label `wanted`, or of the next one present after it, or of the first."""
    later = np.flatnonzero(labels >= wanted)
    return int(later[0]) if len(later) else 0


def most_varied(activations: np.ndarray, n: int) -> np.ndarray:
    """Return up to n maps, int64, ascending, whose means differ most between the images.

    activations: (n images, height, width, n maps)
    """
    spread = activations.mean(axis=(1, 2), dtype=np.float64).std(axis=0)
    return np.sort(np.argsort(-spread, kind="stable")[:n])


def choose_compared(found: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return the most varied maps of each convolution, COMPARED together, at least one of each."""
    return {name: most_varied(each, max(1, COMPARED // len(found))) for name, each in found.items()}


def tabulate(maps: np.ndarray) -> pd.DataFrame:
    """Return one row per unit of maps (height, width, n maps): row, column, and the value in each map."""
    return tabulate_maps({str(number): maps[..., number] for number in range(maps.shape[-1])})


def tabulate_classes(activations: np.ndarray, chosen: np.ndarray, classes: Sequence[str]) -> pd.DataFrame:
    """Return one row per unit with a column CLASS_MAP for each image and chosen map.

    activations: (n images, height, width, n maps); classes: of each image
    """
    pairs = zip(classes, activations, strict=True)
    return tabulate_maps({f"{name}_{i}": maps[..., i] for name, maps in pairs for i in chosen})


def draw_maps(layer: str, maps: np.ndarray, image: np.ndarray, name: str) -> Figure:
    """Draw the image of class `name` and the most active maps (height, width, n maps) of a convolution."""
    order = np.sort(np.argsort(-maps.mean(axis=(0, 1), dtype=np.float64), kind="stable")[:DRAWN])
    norm, constant = scale_of(maps), int((np.ptp(maps, axis=(0, 1)) == 0).sum())
    tiles = [Tile(maps[..., i], norm=norm, heading=str(i)) for i in order]
    drawn, size = _count(len(order), maps.shape[-1], "the most active"), f"{maps.shape[0]} x {maps.shape[1]}"
    return draw_grid(
        [("", [Tile(image)]), *fold(tiles, PER_ROW)],
        f"Feature maps of {layer} for an image of class {name}, after the activation function\n"
        f"Shown: {drawn} maps of {size} units; {constant} maps are constant",
        side=1.0,
        scales=[(norm, "activation")],
    )


def draw_class_maps(
    found: Mapping[str, np.ndarray],
    chosen: Mapping[str, np.ndarray],
    images: np.ndarray,
    classes: Sequence[str],
) -> Figure:
    """Draw an image of each class (n, height, width, channels) beside chosen maps of each convolution.

    Each convolution has a colour scale of its own.
    """
    norms = {layer: scale_of(each[..., chosen[layer]]) for layer, each in found.items()}
    rows = []
    for position, (image, name) in enumerate(zip(images, classes, strict=True)):
        tiles = [
            Tile(each[position, ..., i], norm=norms[layer], heading="" if position else str(i))
            for layer, each in found.items()
            for i in chosen[layer]
        ]
        rows.append((name, [Tile(image), *tiles]))
    return draw_grid(
        rows,
        "Feature maps of one image per class: those whose mean activation differs most between the classes",
        groups=[("", 1), *((layer, len(numbers)) for layer, numbers in chosen.items())],
    )


def first_kernels(model: keras.Model, image: np.ndarray) -> tuple[np.ndarray, np.ndarray] | None:
    """Return the first convolution's kernels and its responses to an image, before the activation.

    Kernels are (height, width, channels, n), responses (height, width, n); None without a convolution.
    """
    first = next(iter(find_activations(model)), None)
    if first is None:
        return None
    responses = predict(keras.Model(model.inputs, preactivation(model, first)), image[None])[0]
    return model.get_layer(first).get_weights()[0], responses


def tabulate_kernels(kernels: np.ndarray) -> pd.DataFrame:
    """Return one row per weight: filter, row, column, channel, weight; kernels: as in `first_kernels`."""
    rows, columns, channels, filters = np.indices(kernels.shape).reshape(4, -1)
    places = {"filter": filters, "row": rows, "column": columns, "channel": channels}
    return pd.DataFrame(places | {"weight": kernels.ravel()}).sort_values(list(places)).reset_index(drop=True)


def draw_kernels(kernels: np.ndarray, responses: np.ndarray, name: str) -> Figure:
    """Draw each kernel above its response to an image of class `name`; channels are side by side."""
    n = min(kernels.shape[-1], KERNELS)
    flat = kernels.transpose(3, 0, 2, 1).reshape(kernels.shape[-1], kernels.shape[0], -1)[:n]
    norms = signed_scale(flat), scale_of(responses[..., :n])
    upper = fold([Tile(flat[i], norm=norms[0], heading=str(i)) for i in range(n)], PER_ROW)
    lower = fold([Tile(responses[..., i], norm=norms[1]) for i in range(n)], PER_ROW)
    return draw_grid(
        [row for pair in zip(upper, lower, strict=True) for row in pair],
        f"Filters of the first convolution ({_count(n, kernels.shape[-1], 'the first')}),\n"
        f"each above its response to an image of class {name}",
        side=1.0,
        scales=list(zip(norms, ("weight", "response"), strict=True)),
    )


def _count(n: int, total: int, which: str) -> str:
    """Say how many are drawn: "all 32" or "the first 32 of 70"."""
    return f"all {total}" if n == total else f"{which} {n} of {total}"
