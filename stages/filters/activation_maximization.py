"""Activation maximization: the pattern that activates each map most, compared with training images."""

from dataclasses import dataclass
from functools import partial

import keras
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from digits.analysis.saliency.attribution import output_gradient
from digits.analysis.saliency.convolutions import find_activations, preactivation
from digits.analysis.saliency.maximization import find_constant, maximize
from digits.data.splits import Split
from digits.drawing.grid import Tile, draw_grid, fold
from digits.networks.common.saved import predict

ACTIVE, UNREACHED, DEAD = "active", "unreached", "dead"
DRAWN, PER_ROW = 12, 6  # patterns


@dataclass(frozen=True)
class Patterns:
    """The patterns that activate the maps of a convolution most.

    images: uint8 (n maps, height, width, channels), the pattern of each map
    compared: number of training images
    table: one row per map: map, state, then the mean activations of the map by its pattern, by the best
        noise image and by the best training image (pattern, noise, image), and that image's index.
        A dead map is constant for all of them, an unreached one for all but training images.
    """

    layer: str
    images: np.ndarray
    compared: int
    table: pd.DataFrame

    @property
    def metrics(self) -> dict[str, float]:
        """Return numbers of maps by state and, of the active ones, what patterns, noise and images reach.

        Medians over the maps, the least and the most that a pattern reaches, and beats_images, the
        fraction of the maps that their pattern activates more than any image.
        """
        state = self.table["state"]
        metrics: dict[str, float] = {"maps": len(state)}
        metrics |= {name: int((state == name).sum()) for name in (UNREACHED, DEAD)}
        active = self.table[state == ACTIVE]
        if len(active):
            for column in ("pattern", "noise", "image"):
                metrics[f"median_{column}"] = float(active[column].median())
            metrics |= {f"{end}_pattern": float(active["pattern"].agg(end)) for end in ("min", "max")}
            metrics["beats_images"] = float((active["pattern"] > active["image"]).mean())
        return metrics


def search(
    model: keras.Model,
    convolution: str,
    noise: np.ndarray,
    compared: Split,
    starts: int,
    steps: int,
    step: float,
) -> Patterns:
    """Search the pattern of each map of one convolution.

    noise: float32 (n, height, width, channels); starts, steps, step: see `maximize`
    """
    layer, average = find_activations(model)[convolution], keras.layers.GlobalAveragePooling2D()
    after = keras.Model(model.inputs, average(model.get_layer(layer).output))
    # A rectified map that is 0 everywhere has no slope; its pre-activation always has one.
    before = keras.Model(model.inputs, average(preactivation(model, layer)))
    activate, gradient = partial(predict, after), partial(output_gradient, before)
    images = maximize(activate, partial(predict, before), gradient, noise, starts, steps, step)
    table = _tabulate(activate(images), activate(noise), activate(compared.images), compared.indices)
    return Patterns(convolution, images, len(compared), table)


def _tabulate(
    patterns: np.ndarray, noise: np.ndarray, images: np.ndarray, indices: np.ndarray
) -> pd.DataFrame:
    """Return the table of `Patterns` from activations (n, n maps); row i of `patterns` is for map i."""
    reached = np.diagonal(patterns)
    dead, unreached = find_constant(patterns, noise, images), find_constant(reached[None], noise)
    return pd.DataFrame(
        {
            "map": np.arange(len(reached)),
            "state": np.select([dead, unreached], [DEAD, UNREACHED], ACTIVE),
            "pattern": reached,
            "noise": noise.max(axis=0),
            "image": images.max(axis=0),
            "index": indices[images.argmax(axis=0)],
        }
    )


def draw(found: Patterns) -> Figure:
    """Draw the patterns that activate their maps most, with the map's number and mean activation."""
    active = found.table[found.table["state"] == ACTIVE]
    best = active.sort_values("pattern", ascending=False, kind="stable")[:DRAWN]
    tiles = [
        Tile(found.images[number], heading=f"map {number}: {reached:.2f}")
        for number, reached in zip(best["map"], best["pattern"], strict=True)
    ]
    return draw_grid(fold(tiles, PER_ROW), _describe(found, len(tiles)), side=1.5, framed=True)


def _describe(found: Patterns, drawn: int) -> str:
    metrics = found.metrics
    states = f"{metrics['dead']} dead, {metrics['unreached']} unreached"
    text = (
        f"Activation maximization for {found.layer}: the {drawn} patterns with the highest mean activation\n"
        f"{metrics['maps']} maps ({states})"
    )
    if "median_pattern" not in metrics:
        return text
    pattern, noise, image = (metrics[f"median_{key}"] for key in ("pattern", "noise", "image"))
    return (
        f"{text}; median activation {pattern:.2f} by patterns, {image:.2f} by the best of "
        f"{found.compared:,} training images, {noise:.2f} by the best noise"
    )
