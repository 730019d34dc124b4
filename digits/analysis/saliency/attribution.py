"""What a network's output owes to which pixels: gradients, occlusion and integrated gradients.

The one module that names backends: Keras 3 has no neutral call for a gradient.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import keras
import numpy as np
import pandas as pd

from digits.compute import parallel

Probabilities = Callable[[np.ndarray], np.ndarray]
Gradient = Callable[[np.ndarray, np.ndarray], np.ndarray]

BLANK = 0  # value of a pixel without ink
BATCH = 100  # images


def occlusion(
    predict: Probabilities, images: np.ndarray, labels: np.ndarray, groups: Sequence[np.ndarray]
) -> np.ndarray:
    """Return the mean drop of the true class's probability without each group, float64 (n groups,).

    predict: from images (n, ...) to probabilities (n, n_classes)
    groups: flat indices of the values that are set to BLANK
    Zeiler and Fergus (2014), ECCV, occlude with grey; here it is the background of the images.
    """
    complete = true_probability(predict, images, labels).mean()
    drops = np.zeros(len(groups))
    for number, group in enumerate(groups):
        occluded = images.reshape(len(images), -1).copy()
        if (occluded[:, group] != BLANK).any():
            occluded[:, group] = BLANK
            drops[number] = (
                complete - true_probability(predict, occluded.reshape(images.shape), labels).mean()
            )
    return drops


def true_probability(predict: Probabilities, images: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Return the probability of each image's own class, float64 (n,), 0 to 1."""
    return predict(images).astype(np.float64)[np.arange(len(labels)), labels]


def integrated_gradients(
    gradient: Gradient, images: np.ndarray, labels: np.ndarray, steps: int
) -> np.ndarray:
    """Return the contribution of each value to F(image) - F(blank), float64, in the shape of the images.

    gradient: from images (n, ...), float32, and classes (n,) to the gradient of F, each image's
        output for its class, in the shape of the images
    The midpoint rule approximates the integral along the line from the blank image. Completeness:
    the attributions of an image add up to the difference, more closely with more steps.
    Sundararajan, Taly and Yan (2017), ICML, PMLR 70: 3319-3328.
    """
    difference = images.astype(np.float64) - BLANK
    total = np.zeros(images.shape)
    for step in range(steps):
        fraction = (step + 0.5) / steps
        total += gradient((BLANK + fraction * difference).astype(np.float32), labels)
    return difference * total / steps


def completeness_error(
    attributions: np.ndarray, predict: Probabilities, images: np.ndarray, labels: np.ndarray
) -> float:
    """Return the mean of |sum of an image's attributions - (F(image) - F(blank))|, F a probability."""
    blank = np.full_like(images, BLANK)
    difference = true_probability(predict, images, labels) - true_probability(predict, blank, labels)
    return float(np.abs(attributions.reshape(len(images), -1).sum(axis=1) - difference).mean())


def first_of_each_class(labels: np.ndarray, n: int) -> np.ndarray:
    """Return the positions of the first n images of each class, int64, class by class."""
    return np.concatenate([np.flatnonzero(labels == label)[:n] for label in np.unique(labels)])


def mean_by_class(attributions: np.ndarray, labels: np.ndarray, n_classes: int) -> np.ndarray:
    """Return the mean attribution of each class, (n_classes, ...); nan for a class without images."""
    means = np.full((n_classes, *attributions.shape[1:]), np.nan)
    for label in np.unique(labels):
        means[label] = attributions[labels == label].mean(axis=0)
    return means


def tabulate_maps(maps: Mapping[str, np.ndarray], side: int = 1) -> pd.DataFrame:
    """Return one row per place of maps of equal size (height, width): row, column, and each map's value.

    side: pixels between two places, for maps of blocks; row and column are then a block's upper left pixel
    """
    rows, columns = np.indices(next(iter(maps.values())).shape).reshape(2, -1) * side
    return pd.DataFrame(
        {"row": rows, "column": columns} | {name: each.ravel() for name, each in maps.items()}
    )


def output_gradient(model: keras.Model, images: np.ndarray, outputs: np.ndarray) -> np.ndarray:
    """Return d model(image)[output] / d image for each image, float32, in the shape of the images.

    images: float32 (n, ...), in the range that the model takes
    outputs: integers (n,), one for each image, 0 to n_outputs - 1
    Layers act as in prediction. Raises NotImplementedError for a backend without gradients.
    """
    backend = keras.backend.backend()
    if backend not in GRADIENTS:
        raise NotImplementedError(f"gradients need the backend {' or '.join(GRADIENTS)}, not {backend}")
    mask = np.eye(model.output_shape[-1], dtype=np.float32)[outputs.astype(np.intp)]
    batches = [slice(start, start + BATCH) for start in range(0, len(images), BATCH)]
    return np.concatenate(
        parallel(lambda batch: GRADIENTS[backend](model, images[batch], mask[batch]), batches)
    )


def _chosen(model: keras.Model, images: Any, mask: np.ndarray) -> Any:
    """Sum the chosen outputs of all images; each image's gradient sees its own alone."""
    return keras.ops.sum(model(images, training=False) * mask)


def _tensorflow(model: keras.Model, images: np.ndarray, mask: np.ndarray) -> np.ndarray:
    import tensorflow as tf  # type: ignore[import-untyped]

    variable = tf.convert_to_tensor(images)
    with tf.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(variable)
        chosen = _chosen(model, variable, mask)
    return tape.gradient(chosen, variable).numpy()


def _torch(model: keras.Model, images: np.ndarray, mask: np.ndarray) -> np.ndarray:
    import torch  # type: ignore[import-not-found]

    variable = keras.ops.convert_to_tensor(images).requires_grad_(True)
    chosen = _chosen(model, variable, keras.ops.convert_to_tensor(mask))
    return torch.autograd.grad(chosen, variable)[0].cpu().numpy()


def _jax(model: keras.Model, images: np.ndarray, mask: np.ndarray) -> np.ndarray:
    import jax  # type: ignore[import-not-found]

    return np.asarray(jax.grad(lambda variable: _chosen(model, variable, mask))(images))


GRADIENTS = {"tensorflow": _tensorflow, "torch": _torch, "jax": _jax}
