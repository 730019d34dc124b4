"""The last hidden layer: which classes its units answer to, and for which they vote."""

from dataclasses import dataclass

import keras
import numpy as np
import pandas as pd

from digits.analysis.saliency.attribution import mean_by_class
from digits.data.splits import Split
from digits.networks.common.saved import predict, up_to

FEATURES, OUTPUT = "features", "probabilities"  # layers of the CNN


@dataclass(frozen=True)
class Features:
    """The units of the last hidden layer.

    means: float64 (n_classes, n units), mean activation by class; nan for a class without images
    weights: float32 (n_classes, n units), from the unit to the class
    activations: float32 (n images, n units)
    """

    means: np.ndarray
    weights: np.ndarray
    activations: np.ndarray

    @property
    def dead(self) -> np.ndarray:
        """Return which units are the same for all images, bool (n units,)."""
        return np.asarray(np.ptp(self.activations, axis=0) == 0)

    @property
    def preferred(self) -> np.ndarray:
        """Return the class that activates each unit most in the mean, int64 (n units,)."""
        return np.nanargmax(self.means, axis=0)

    @property
    def order(self) -> np.ndarray:
        """Return the units by preferred class and its lead, the dead ones last, int64 (n units,)."""
        others = self.means.copy()
        others[self.preferred, np.arange(others.shape[1])] = -np.inf
        lead = np.nanmax(self.means, axis=0) - np.nanmax(others, axis=0)
        return np.lexsort((-lead, self.preferred, self.dead))

    @property
    def figures(self) -> dict[str, float]:
        """Return numbers of units and dead ones, the share that votes for its preferred class, and of zeros.

        A live unit votes for the class to which its weight is largest, among those with images.
        """
        present = ~np.isnan(self.means).all(axis=1)
        votes = np.where(present[:, None], self.weights, -np.inf).argmax(axis=0)
        figures: dict[str, float] = {"units": len(self.dead), "dead": int(self.dead.sum())}
        if not self.dead.all():
            figures["vote_for_preferred"] = float((votes == self.preferred)[~self.dead].mean())
        return figures | {"share_of_zeros": float((self.activations == 0).mean())}

    def tabulate(self, classes: list[str]) -> pd.DataFrame:
        """Return a row a unit, in order: unit, preferred, mean_CLASS and weight_CLASS of every class.

        A dead unit prefers none.
        """
        names = np.where(self.dead, "", np.array(classes)[self.preferred])
        columns: dict[str, np.ndarray] = {"unit": self.order, "preferred": names[self.order]}
        for kind, values in (("mean", self.means), ("weight", self.weights)):
            columns |= {f"{kind}_{name}": row[self.order] for name, row in zip(classes, values, strict=True)}
        return pd.DataFrame(columns)


def describe(model: keras.Model, test: Split) -> Features:
    """Describe the CNN's last hidden layer over the test images."""
    activations = predict(up_to(model, FEATURES), test.images)
    weights = model.get_layer(OUTPUT).get_weights()[0].T
    means = mean_by_class(activations.astype(np.float64), test.labels, len(weights))
    return Features(means, weights, activations)
