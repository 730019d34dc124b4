"""The gradient of a network's output with respect to its images; the one place that names backends.

Keras 3 computes it in each backend's own way and has no neutral call for it.
"""

from typing import Any

import keras
import numpy as np

BATCH = 500


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
    return np.concatenate(
        [
            GRADIENTS[backend](model, images[start : start + BATCH], mask[start : start + BATCH])
            for start in range(0, len(images), BATCH)
        ]
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
