"""Training steps: on TensorFlow many in one call, in parts; on the other backends Keras's own, one by one."""

from collections.abc import Callable, Sequence
from itertools import pairwise
from math import ceil

import keras
import numpy as np

from digits.training.objectives import Objective, Tensor

PART = 64  # images of a batch that one core computes, at most
Steps = Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]


def training_steps(model: keras.Model, objective: Objective, batch_size: int) -> Steps:
    """Return a function that takes a step of the compiled model for each batch of inputs, images and labels.

    It returns the objective's sums over the images, float64 (number of metrics,).
    """
    if keras.config.backend() == "tensorflow":
        return _tensorflow_steps(model, objective, batch_size)

    def steps(inputs: np.ndarray, images: np.ndarray, labels: np.ndarray) -> np.ndarray:
        sums = np.zeros(len(objective.metrics))
        for start in range(0, len(labels), batch_size):
            batch = slice(start, start + batch_size)
            targets = keras.ops.convert_to_numpy(objective.targets(images[batch], labels[batch]))
            row = model.train_on_batch(inputs[batch].astype(np.float32), targets, return_dict=True)
            sums += np.multiply(len(targets), [row[name] for name in objective.metrics])
        return sums

    return steps


def _tensorflow_steps(model: keras.Model, objective: Objective, batch_size: int) -> Steps:
    """Compute each batch in equal parts, one part on one core, and add their gradients in a fixed order.

    So the number of cores moves no bit. Batch normalization takes its statistics from a part. A GPU
    computes each batch as a whole.
    """
    import tensorflow as tf  # type: ignore[import-untyped]

    part_size = batch_size if tf.config.list_physical_devices("GPU") else PART
    model.optimizer.build(model.trainable_variables)

    def differentiate(part: Sequence[Tensor], weight: float) -> tuple[list[Tensor], Tensor]:
        inputs, images, labels = part
        targets = objective.targets(images, labels)
        with tf.GradientTape() as tape:
            outputs = model(tf.cast(inputs, tf.float32), training=True)
            losses = objective.losses(targets, outputs) + sum(model.losses)
            loss = weight * tf.reduce_mean(losses)
        return tape.gradient(loss, model.trainable_variables), objective.sums(targets, outputs, losses)

    def step(arrays: Sequence[Tensor], start: Tensor, size: int) -> Tensor:
        gradients, sums = [], []
        n_parts = ceil(size / part_size)
        bounds = [size * number // n_parts for number in range(n_parts + 1)]
        for first, last in pairwise(bounds):
            begin, length = start + first, last - first
            part = [tf.ensure_shape(a[begin : begin + length], (length, *a.shape[1:])) for a in arrays]
            gradient, part_sums = differentiate(part, length / size)
            gradients.append(gradient)
            sums.append(part_sums)
        added = [tf.add_n(each) for each in zip(*gradients, strict=True)]
        model.optimizer.apply(added, model.trainable_variables)
        return tf.add_n(sums)

    @tf.function(autograph=False, reduce_retracing=True)  # type: ignore[untyped-decorator]
    def whole_batches(*arrays: Tensor) -> Tensor:
        n_batches = tf.shape(arrays[-1])[0] // batch_size

        def add(number: Tensor, sums: Tensor) -> tuple[Tensor, Tensor]:
            return number + 1, sums + step(arrays, number * batch_size, batch_size)

        zeros = (tf.constant(0), tf.zeros(len(objective.metrics)))
        return tf.while_loop(lambda number, _: number < n_batches, add, zeros, parallel_iterations=1)[1]

    @tf.function(autograph=False)  # type: ignore[untyped-decorator]
    def one_batch(*arrays: Tensor) -> Tensor:
        return step(arrays, tf.constant(0), arrays[-1].shape[0])

    def steps(*arrays: np.ndarray) -> np.ndarray:
        whole = len(arrays[-1]) // batch_size * batch_size
        sums = np.zeros(len(objective.metrics))
        if whole:
            sums += whole_batches(*(tf.constant(array[:whole]) for array in arrays)).numpy()
        if whole < len(arrays[-1]):
            sums += one_batch(*(tf.constant(array[whole:]) for array in arrays)).numpy()
        return sums

    return steps
