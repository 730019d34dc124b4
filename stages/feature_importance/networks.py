"""Which pixels matter to a trained network: permutation, occlusion and integrated gradients."""

from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

from digits.analysis.saliency import attribution, permutation
from digits.analysis.saliency.gradients import output_gradient
from digits.data.splits import Split
from digits.networks.common.saved import load_model, predict
from stages.feature_importance.settings import Importance


@dataclass(frozen=True)
class View:
    """What a network sees of validation images.

    permutation, occlusion: drop of accuracy, and of the true class's probability, without each
        block; integrated_gradients: mean |share| of it (block rows, block columns)
    shares: integrated gradients of some images, summed over channels (n, height, width)
    probabilities: of the true class for these images, and for the blank image instead (n, 2)
    completeness_error: how far the shares of an image miss their sum, on average
    """

    permutation: np.ndarray
    occlusion: np.ndarray
    integrated_gradients: np.ndarray
    shares: np.ndarray
    probabilities: np.ndarray
    completeness_error: float

    @property
    def block_maps(self) -> dict[str, np.ndarray]:
        """The maps of blocks by name."""
        return {name: getattr(self, name) for name in ("permutation", "occlusion", "integrated_gradients")}


def choose_images(split: Split, per_class: int) -> Split:
    """Return the first images of each class, class by class."""
    chosen = attribution.first_of_each_class(split.labels, per_class)
    return Split(split.images[chosen], split.labels[chosen], split.indices[chosen])


def view(path: Path, val: Split, chosen: Split, blocks: np.ndarray, settings: Importance, seed: int) -> View:
    """Measure the saved network on the first validation images, and attribute the chosen ones."""
    model = load_model(path)
    network, shape = partial(predict, model), (-1, int(blocks[0].max()) + 1)
    groups = permutation.group_pixels(blocks, val.images.shape[-1])
    images, labels = np.asarray(val.images[: settings.images]), val.labels[: settings.images]
    rng = np.random.default_rng(seed)
    drops = permutation.permutation_importance(
        lambda batch: network(batch).argmax(axis=1), images, labels, groups, rng
    )
    shares = attribution.integrated_gradients(
        partial(output_gradient, model), chosen.images, chosen.labels, settings.steps
    )
    summed = shares.sum(axis=-1)
    true = partial(attribution.true_probability, network, labels=chosen.labels)
    return View(
        drops.reshape(shape),
        attribution.occlusion(network, images, labels, groups).reshape(shape),
        permutation.sum_blocks(np.abs(summed).mean(axis=0), blocks),
        summed,
        np.stack([true(chosen.images), true(np.full_like(chosen.images, attribution.PAPER))], axis=1),
        attribution.completeness_error(shares, network, chosen.images, chosen.labels),
    )


def tabulate_blocks(maps: dict[str, np.ndarray], side: int) -> pd.DataFrame:
    """Return one row a block: its upper left pixel (row, column), and each map's value."""
    rows, columns = np.indices(next(iter(maps.values())).shape).reshape(2, -1) * side
    values = {name: values.ravel() for name, values in maps.items()}
    return pd.DataFrame({"row": rows, "column": columns, **values})


def tabulate_pixels(maps: dict[str, np.ndarray]) -> pd.DataFrame:
    """Return one row a pixel: row, column, and the value in each map (height, width)."""
    rows, columns = np.indices(next(iter(maps.values())).shape).reshape(2, -1)
    return pd.DataFrame(
        {"row": rows, "column": columns, **{name: each.ravel() for name, each in maps.items()}}
    )
