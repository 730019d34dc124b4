"""Batch normalization by operations that give the same result on every processor."""

from typing import Any

import keras
import numpy as np

if keras.config.backend() == "tensorflow":
    import tensorflow as tf  # type: ignore[import-untyped]

    # The graph optimizer would turn 1/sqrt(x) into an instruction whose result depends on the processor.
    tf.config.optimizer.set_experimental_options({"arithmetic_optimization": False})


class BatchNormalization(keras.layers.BatchNormalization):  # type: ignore[misc]
    """Keras's layer for the last axis, without the reciprocal square root that processors approximate.

    Square roots and divisions are exact everywhere (IEEE 754). Ioffe and Szegedy 2015, arXiv:1502.03167.
    """

    def call(self, inputs: Any, training: bool | None = None, mask: Any = None) -> Any:
        """Normalize by the statistics of the inputs in training, else by their moving averages."""
        mean, variance = self.moving_mean, self.moving_variance
        if training:
            mean, variance = keras.ops.moments(inputs, axes=tuple(range(inputs.ndim - 1)))
            for moving, new in ((self.moving_mean, mean), (self.moving_variance, variance)):
                moving.assign(moving * self.momentum + new * (1 - self.momentum))
        return (inputs - mean) * (self.gamma / keras.ops.sqrt(variance + self.epsilon)) + self.beta

    def as_rescaling(self) -> keras.layers.Rescaling:
        """Return a plain layer of Keras that does the same outside of training."""
        values = (self.gamma, self.beta, self.moving_mean, self.moving_variance)
        gamma, beta, mean, variance = (keras.ops.convert_to_numpy(v).astype(np.float64) for v in values)
        scale = gamma / np.sqrt(variance + self.epsilon)
        return keras.layers.Rescaling(scale.tolist(), (beta - mean * scale).tolist(), name=self.name)


def fold(model: keras.Model) -> keras.Model:
    """Return the model for prediction, in which each normalization is a Rescaling; itself if it has none."""
    if not any(isinstance(layer, BatchNormalization) for layer in model.layers):
        return model
    layers = [
        each.as_rescaling() if isinstance(each, BatchNormalization) else each.from_config(each.get_config())
        for each in model.layers
    ]
    image = keras.Input(model.input_shape[1:], name=model.inputs[0].name)
    folded = keras.Sequential([image, *layers], name=model.name)
    for old, new in zip(model.layers, folded.layers, strict=True):
        if not isinstance(old, BatchNormalization):
            new.set_weights(old.get_weights())
    return folded
