"""What a network's answer owes to which pixels: occlusion and integrated gradients."""

from collections.abc import Callable, Sequence

import numpy as np

Probabilities = Callable[[np.ndarray], np.ndarray]
Gradient = Callable[[np.ndarray, np.ndarray], np.ndarray]

PAPER = 0  # value of a pixel without ink


def occlusion(
    predict: Probabilities, images: np.ndarray, labels: np.ndarray, groups: Sequence[np.ndarray]
) -> np.ndarray:
    """Return the mean drop of the true class's probability without each group, float64 (n groups,).

    predict: from images (n, ...) to probabilities (n, n_classes)
    groups: flat indices of the values that are set to PAPER
    Zeiler and Fergus (2014), ECCV, occlude with grey; here it is the paper of the images.
    """
    complete = true_probability(predict, images, labels).mean()
    drops = np.zeros(len(groups))
    for number, group in enumerate(groups):
        occluded = images.reshape(len(images), -1).copy()
        if (occluded[:, group] != PAPER).any():
            occluded[:, group] = PAPER
            drops[number] = (
                complete - true_probability(predict, occluded.reshape(images.shape), labels).mean()
            )
    return drops


def true_probability(predict: Probabilities, images: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Return the probability of each image's own class, float64 (n,), 0 to 1."""
    probabilities = predict(images).astype(np.float64)
    return np.take_along_axis(probabilities, labels[:, None].astype(np.intp), axis=1)[:, 0]


def integrated_gradients(
    gradient: Gradient, images: np.ndarray, labels: np.ndarray, steps: int
) -> np.ndarray:
    """Return each value's share in F(image) - F(paper), float64, in the shape of the images.

    gradient: from images (n, ...), float32, and classes (n,) to the gradient of F, each image's
        output for its class, in the shape of the images
    The integral along the line from an image of PAPER is taken by the midpoint rule. Completeness:
    the shares of an image add up to the difference, the closer the more steps.
    Sundararajan, Taly and Yan (2017), ICML, PMLR 70: 3319-3328.
    """
    difference = images.astype(np.float64) - PAPER
    total = np.zeros(images.shape)
    for step in range(steps):
        share = (step + 0.5) / steps
        total += gradient((PAPER + share * difference).astype(np.float32), labels)
    return difference * total / steps


def completeness_error(
    attributions: np.ndarray, predict: Probabilities, images: np.ndarray, labels: np.ndarray
) -> float:
    """Return the mean of |sum of an image's attributions - (F(image) - F(paper))|, F a probability."""
    paper = np.full_like(images, PAPER)
    difference = true_probability(predict, images, labels) - true_probability(predict, paper, labels)
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
