"""The CNN's penultimate activations: which classes activate each unit, and for which it votes."""

from collections.abc import Sequence
from dataclasses import dataclass

import keras
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from digits.analysis.saliency.attribution import mean_by_class
from digits.data.splits import Split
from digits.drawing.style import add_scale, new_figure, scale_colours, scale_of, signed_scale
from digits.networks.common.saved import predict, up_to

PENULTIMATE, OUTPUT = "features", "probabilities"  # layers of the CNN


@dataclass(frozen=True)
class Units:
    """The units of the last hidden layer.

    means: float64 (n_classes, n units), mean activation per class; nan for a class without images
    weights: float32 (n_classes, n units), from the unit to the class
    activations: float32 (n images, n units)
    """

    means: np.ndarray
    weights: np.ndarray
    activations: np.ndarray

    @property
    def dead(self) -> np.ndarray:
        """Return which units are constant over all images, bool (n units,)."""
        return np.asarray(np.ptp(self.activations, axis=0) == 0)

    @property
    def preferred(self) -> np.ndarray:
        """Return the class with the largest mean activation of each unit, int64 (n units,)."""
        return np.nanargmax(self.means, axis=0)

    @property
    def order(self) -> np.ndarray:
        """Return the units by preferred class and its lead, the dead ones last, int64 (n units,)."""
        others = self.means.copy()
        others[self.preferred, np.arange(others.shape[1])] = -np.inf
        lead = np.nanmax(self.means, axis=0) - np.nanmax(others, axis=0)
        return np.lexsort((-lead, self.preferred, self.dead))

    @property
    def metrics(self) -> dict[str, float]:
        """Return numbers of units and dead units, and fractions of votes for the preferred class and zeros.

        A live unit votes for the class to which its weight is largest, among those with images.
        """
        present = ~np.isnan(self.means).all(axis=1)
        votes = np.where(present[:, None], self.weights, -np.inf).argmax(axis=0)
        metrics: dict[str, float] = {"units": len(self.dead), "dead": int(self.dead.sum())}
        if not self.dead.all():
            metrics["vote_for_preferred"] = float((votes == self.preferred)[~self.dead].mean())
        return metrics | {"fraction_of_zeros": float((self.activations == 0).mean())}

    def tabulate(self, classes: list[str]) -> pd.DataFrame:
        """Return one row per unit, in order: unit, preferred, mean_CLASS and weight_CLASS of every class.

        A dead unit prefers no class.
        """
        names = np.where(self.dead, "", np.array(classes)[self.preferred])
        columns: dict[str, np.ndarray] = {"unit": self.order, "preferred": names[self.order]}
        for kind, values in (("mean", self.means), ("weight", self.weights)):
            columns |= {f"{kind}_{name}": row[self.order] for name, row in zip(classes, values, strict=True)}
        return pd.DataFrame(columns)


def describe(model: keras.Model, test: Split) -> Units:
    """Describe the units of the CNN's last hidden layer over the test images."""
    activations = predict(up_to(model, PENULTIMATE), test.images)
    weights = model.get_layer(OUTPUT).get_weights()[0].T
    means = mean_by_class(activations.astype(np.float64), test.labels, len(weights))
    return Units(means, weights, activations)


def draw(units: Units, classes: Sequence[str]) -> Figure:
    """Draw each unit's mean activation per class above its weights to the classes."""
    figure, axes = new_figure(10, 0.5 * len(classes) + 2, nrows=2, sharex=True)
    means, weights = units.means[:, units.order], units.weights[:, units.order]
    panels = (
        (means, scale_of(means), "mean activation"),
        (weights, signed_scale(weights), "weight to the class"),
    )
    boundaries = np.flatnonzero(np.diff(units.preferred[units.order])) + 0.5
    for ax, (values, norm, label) in zip(axes, panels, strict=True):
        ax.imshow(values, cmap=scale_colours(norm), norm=norm, interpolation="nearest", aspect="auto")
        ax.set_yticks(range(len(classes)), classes)
        ax.set_ylabel("class")
        line = "black" if (norm.vmin or 0) < 0 else "white"  # 0 is white on a signed scale, dark on others
        ax.vlines(boundaries, -0.5, len(classes) - 0.5, color=line, linewidth=1)
        add_scale(figure, ax, norm, label)
    axes[1].set_xlabel("units of the last hidden layer, grouped by the class that activates them most")
    figure.suptitle(_describe(units))
    return figure


def _describe(units: Units) -> str:
    metrics = units.metrics
    text = f"Penultimate activations of the CNN: {metrics['units']} units, {metrics['dead']} of them dead"
    if "vote_for_preferred" not in metrics:
        return text
    votes = f"{metrics['vote_for_preferred']:.0%} of the others have their largest weight"
    return f"{text}\n{votes} to the class that activates them most"
