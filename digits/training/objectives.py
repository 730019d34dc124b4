"""What a network learns: its targets, its loss and its metrics."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np

from digits.data.splits import PIXEL_MAX

Tensor = Any  # of the backend, or an array
Targets = Callable[[Tensor, Tensor], Tensor]


@dataclass(frozen=True)
class Objective:
    """Keras's name of the loss, the targets from images and labels, and whether these are one-hot classes."""

    loss: str
    targets: Targets
    classifies: bool

    @property
    def metrics(self) -> tuple[str, ...]:
        """The names of what `sums` returns, the loss first."""
        return ("loss", "accuracy") if self.classifies else ("loss",)

    def losses(self, targets: Tensor, outputs: Tensor) -> Tensor:
        """Return the loss of each image, float32 (n,)."""
        losses = keras.losses.get(self.loss)(targets, outputs)
        return keras.ops.mean(losses, axis=tuple(range(1, losses.ndim))) if losses.ndim > 1 else losses

    def sums(self, targets: Tensor, outputs: Tensor, losses: Tensor) -> Tensor:
        """Return the sums over the images of each metric, float32 (number of metrics,)."""
        sums = [keras.ops.sum(losses)]
        if self.classifies:
            right = keras.ops.argmax(outputs, axis=-1) == keras.ops.argmax(targets, axis=-1)
            sums.append(keras.ops.sum(keras.ops.cast(right, "float32")))
        return keras.ops.stack(sums)

    def means(self, sums: np.ndarray, n: int) -> dict[str, float]:
        """Return the mean of each metric over n images."""
        return dict(zip(self.metrics, (sums / n).tolist(), strict=True))


def classification(loss: str, n_classes: int) -> Objective:
    """Return the objective of a classifier; its targets are float32 (n, n_classes), one-hot."""
    return Objective(loss, lambda images, labels: keras.ops.one_hot(labels, n_classes), classifies=True)


def reconstruction() -> Objective:
    """Return the objective of an autoencoder: its targets are the images, float32 in [0, 1]."""

    def scaled(images: Tensor, labels: Tensor) -> Tensor:
        return keras.ops.cast(images, "float32") / PIXEL_MAX

    return Objective("mean_squared_error", scaled, classifies=False)
