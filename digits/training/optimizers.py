"""Keras's optimizers and learning-rate schedules, from the settings."""

import keras
from keras.optimizers import schedules

from digits.training.settings import Optimizer, Schedule


def build_optimizer(settings: Optimizer, steps: int, epochs: int) -> keras.optimizers.Optimizer:
    """Return the optimizer with its schedule; `steps` is the number of batches in an epoch."""
    rate = _rate(settings.schedule, settings.learning_rate, steps, epochs)
    if settings.name == "adam":
        return keras.optimizers.Adam(rate)
    if settings.name == "adamw":
        return keras.optimizers.AdamW(rate, weight_decay=settings.weight_decay)
    optimizer = keras.optimizers.RMSprop if settings.name == "rmsprop" else keras.optimizers.SGD
    return optimizer(rate, momentum=settings.momentum)


def _rate(schedule: Schedule, rate: float, steps: int, epochs: int) -> float | schedules.LearningRateSchedule:
    if schedule.name == "inverse_time":
        return schedules.InverseTimeDecay(rate, 1, schedule.decay)
    if schedule.name == "constant":
        return rate
    warmup = min(schedule.warmup_epochs, epochs - 1) * steps
    if warmup == 0:
        return schedules.CosineDecay(rate, epochs * steps)
    return schedules.CosineDecay(0.0, epochs * steps - warmup, warmup_target=rate, warmup_steps=warmup)
