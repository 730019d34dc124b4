"""Optimizers and the course of their learning rate, against closed forms."""

from math import cos, pi, sqrt
from typing import Any

import keras
import pytest

from digits.training.optimizers import build_optimizer
from digits.training.settings import Optimizer
from tests.support.helpers import optimizer

STEPS, EPOCHS, RATE = 10, 5, 0.2
TOTAL = STEPS * EPOCHS


def rate_at(step: int, **schedule: Any) -> float:
    built = build_optimizer(optimizer(rate=RATE, **schedule), STEPS, EPOCHS)
    built.iterations.assign(step)
    return float(built.learning_rate)


def cosine(share: float) -> float:
    return RATE * (1 + cos(pi * share)) / 2


@pytest.mark.parametrize("step", [0, 1, 7, 25, 49, 50])
def test_each_schedule_follows_its_closed_form(step: int) -> None:
    assert rate_at(step, schedule="constant") == pytest.approx(RATE)
    assert rate_at(step, schedule="inverse_time", decay=0.3) == pytest.approx(RATE / (1 + 0.3 * step))
    assert rate_at(step, schedule="cosine") == pytest.approx(cosine(step / TOTAL), abs=1e-7)


@pytest.mark.parametrize(
    ("step", "expected"),
    [(0, 0), (1, RATE / 20), (10, RATE / 2), (20, RATE), (35, RATE / 2), (41, cosine(21 / 30)), (50, 0)],
)
def test_cosine_rises_in_the_epochs_of_warm_up_and_ends_at_0(step: int, expected: float) -> None:
    assert rate_at(step, schedule="cosine", warmup_epochs=2) == pytest.approx(expected, abs=1e-7)


def test_a_warm_up_leaves_the_last_epoch_to_descend() -> None:
    rates = [rate_at(step, schedule="cosine", warmup_epochs=9) for step in (20, 40, 45, 50)]
    assert rates == pytest.approx([RATE / 2, RATE, RATE / 2, 0], abs=1e-7)


def after_two_steps(settings: Optimizer, gradient: float = 1.0) -> float:
    """Return where a weight of 1 stands after two steps down the same gradient."""
    built = build_optimizer(settings, STEPS, EPOCHS)
    weight = keras.Variable(1.0)
    for _ in range(2):
        built.apply([keras.ops.convert_to_tensor(gradient)], [weight])
    return float(weight.value)


FIRST, SECOND = 0.1 / sqrt(0.1), 0.1 / sqrt(0.19)  # steps of RMSprop at rate 0.1 and gradient 1


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        (optimizer("sgd", 0.1), 1 - 0.2),
        (optimizer("sgd", 0.1, momentum=0.9), 1 - 0.1 - 0.19),
        (optimizer("rmsprop", 0.1), 1 - FIRST - SECOND),
        (optimizer("rmsprop", 0.1, momentum=0.9), 1 - FIRST - (0.9 * FIRST + SECOND)),
        (optimizer("adam", 0.1), 1 - 0.2),
        (optimizer("adamw", 0.1), 1 - 0.2),
        (optimizer("adamw", 0.1, weight_decay=0.5), (0.95 - 0.1) * 0.95 - 0.1),
    ],
)
def test_each_optimizer_takes_its_own_steps(settings: Optimizer, expected: float) -> None:
    assert after_two_steps(settings) == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize("name", ["rmsprop", "adam", "adamw"])
def test_adaptive_steps_do_not_depend_on_the_size_of_the_gradient(name: str) -> None:
    settings = optimizer(name, 0.1)
    assert after_two_steps(settings, 100.0) == pytest.approx(after_two_steps(settings), abs=1e-5)
