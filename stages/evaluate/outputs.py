"""What the stage writes: tables and numbers below paths.data, pictures below paths.plots."""

from collections.abc import Mapping, Sequence
from itertools import combinations
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from sklearn.metrics import confusion_matrix

from digits.analysis.classification.calibration import apply_temperature, fit_temperature
from digits.analysis.classification.intervals import percent
from digits.analysis.classification.metrics import class_table, measure_classes, trace_curves
from digits.corruptions import spread
from digits.data.files import write_array, write_json, write_table
from digits.data.splits import scale
from digits.drawing.style import save
from digits.networks.common.saved import predict
from digits.networks.registry import NETWORKS
from digits.pipeline.declaration import Paths
from stages.evaluate import comparison, curves, predictions, reconstruction, robustness
from stages.evaluate.context import EvaluationContext, TestResult, measure_result

Output = tuple[pd.DataFrame | None, Figure | None]


def _write(paths: Paths, folder: str, outputs: Mapping[str, Output]) -> None:
    """Write tables and pictures, by name, into this folder of both places."""
    for name, (table, figure) in outputs.items():
        if table is not None:
            write_table(paths.data / folder / f"{name}.csv", table)
        if figure is not None:
            save(paths.plots / folder / f"{name}.png", figure)


def predictions_file(name: str, paths: Paths) -> Path:
    """Return where a classifier's label and prediction of every test image, as words, are written."""
    return Path(paths.data / f"{name}_predictions.csv")


def write_classifier(
    result: TestResult, model: keras.Model, context: EvaluationContext, paths: Paths
) -> dict[str, Any]:
    """Write outputs, tables and pictures of a classifier; return its metrics."""
    temperature = fit_temperature(context.val.labels, predict(model, context.val.images))
    tempered = apply_temperature(result.probabilities, temperature)
    metrics, intervals = measure_result(result, tempered, temperature, context)
    write_array(paths.data / f"{result.name}_probabilities.npy", result.probabilities)
    answers = result.describe(np.arange(len(result.test)))[["label", "prediction"]]
    write_table(predictions_file(result.name, paths), answers)
    outputs: dict[str, Output] = {
        "metrics": (intervals, None),
        **_draw_confusion(result, metrics, context),
        **_draw_curves(result, tempered, metrics, context),
        "first_predictions": predictions.draw_first_predictions(result),
        "first_probabilities": predictions.draw_first_probabilities(result),
        "nearest": predictions.compare_with_training(result, model, context.train),
        **{name: predictions.draw_gallery(result, name) for name in predictions.GALLERIES},
    }
    _write(paths, result.name, outputs)
    return metrics


def _draw_confusion(
    result: TestResult, metrics: dict[str, Any], context: EvaluationContext
) -> dict[str, Output]:
    classes, title = result.classes, result.title
    matrix = confusion_matrix(result.test.labels, result.predictions, labels=range(len(classes)))
    accuracy, low, high = (metrics[name] for name in ("accuracy", "accuracy_low", "accuracy_high"))
    interval = f"{percent(context.confidence)} interval {low:.2%} to {high:.2%}"
    caption = f"{title} on the test set: accuracy {accuracy:.2%}, {interval}"
    errors = f"{title}: the {metrics['errors']} errors, as fractions of the label's test images"
    counts = pd.DataFrame(matrix, columns=classes).assign(label=classes)[["label", *classes]]
    return {
        "confusion": (counts, predictions.draw_rows(matrix, classes, caption)),
        "confusion_errors": (None, predictions.draw_errors(matrix, classes, errors)),
        "classes": (class_table(matrix, classes), None),
        "worst_pairs": predictions.find_worst_pairs(result, matrix),
    }


def _draw_curves(
    result: TestResult, tempered: np.ndarray, metrics: dict[str, Any], context: EvaluationContext
) -> dict[str, Output]:
    names, labels = np.array(result.classes), result.test.labels
    title = f"{result.title}: calibration on the test set ({percent(context.confidence)} intervals)"
    calibration = curves.tabulate_calibration(result, tempered, context)
    areas = measure_classes(labels, result.probabilities)
    traced = trace_curves(labels, result.probabilities, curves.POINTS)
    return {
        "calibration": (calibration, curves.draw_calibration(calibration, metrics, title)),
        "areas": (areas.assign(label=names[areas["label"]]), None),
        "curves": (traced.assign(label=names[traced["label"]]), None),
        "roc": (None, curves.draw_roc(traced, areas, result)),
        "precision_recall": (None, curves.draw_precision_recall(traced, areas, result)),
    }


def write_comparison(
    details: Mapping[str, dict[str, Any]],
    results: Sequence[TestResult],
    context: EvaluationContext,
    paths: Paths,
) -> dict[str, Any]:
    """Write the metrics that all classifiers share and how networks differ; return the metrics of each pair.

    details: metrics of each classifier, of which the baselines have no result
    """
    table = comparison.tabulate_classifiers(details)
    compared = {f"{a.name}_{b.name}": comparison.compare(a, b) for a, b in combinations(results, 2)}
    outputs: dict[str, Output] = {
        "comparison": (table, comparison.draw_error_rates(table, context.confidence)),
        **{f"agreement_{name}": (agreement, None) for name, (_, agreement) in compared.items()},
        "disagreement": comparison.show_disagreement(results),
        "doubtful": comparison.show_doubtful(results, context.doubtful),
    }
    _write(paths, "", outputs)
    return {name: metrics for name, (metrics, _) in compared.items()}


def write_robustness(
    models: Mapping[str, keras.Model],
    context: EvaluationContext,
    corruption: tuple[robustness.Levels, int, int],
    paths: Paths,
) -> None:
    """Write accuracies on corrupted images, and examples (levels, images at most, seed)."""
    levels, images, seed = corruption
    part = context.test.take(spread(len(context.test), images))
    table = robustness.measure(models, part, levels, seed, context.confidence)
    title = f"Accuracy on {len(part):,} corrupted test images ({percent(context.confidence)} intervals)"
    examples = robustness.draw_examples(part.images[0], levels, seed)
    curves_of_accuracy = robustness.draw_robustness(table, title)
    _write(paths, "", {"robustness": (table, curves_of_accuracy), "robustness_images": (None, examples)})


def write_reconstruction(network: keras.Model, context: EvaluationContext, paths: Paths) -> dict[str, float]:
    """Write errors and reconstructions of the autoencoder and of PCA; return their mean errors."""
    originals = scale(context.test.images)
    reconstructed = reconstruction.reconstruct(network, context.train, context.test)
    errors = {name: reconstruction.squared_error(originals, x) for name, x in reconstructed.items()}
    write_array(paths.data / "ae_errors.npy", errors["autoencoder"])
    metrics, tables = reconstruction.measure(errors, context)
    numbers = reconstruction.count_latents(network)
    picture = reconstruction.draw_reconstructions(originals, reconstructed, metrics, numbers)
    outputs: dict[str, Output] = {name: (table, None) for name, table in tables.items()}
    _write(paths, "ae", outputs | {"reconstructions": (None, picture)})
    return metrics


def write_histories(networks: Sequence[str], paths: Paths) -> None:
    """Draw the learning curves of every network whose history is declared."""
    for name in networks:
        if f"{name}_history" in paths:
            history = pd.read_csv(getattr(paths, f"{name}_history"))
            _write(paths, name, {"history": (None, curves.draw_history(history, NETWORKS[name].long_title))})


def write_metrics(details: Mapping[str, Any], predicted: Mapping[str, np.ndarray], paths: Paths) -> None:
    """Write all numbers, the headline numbers, and label and predicted classes of all test images."""
    write_json(paths.data / "details.json", details)
    headline = {name: details[name]["accuracy"] for name in predicted if name in NETWORKS}
    write_json(paths.metrics, headline | {"ae": details["ae"]["mse"]})
    write_table(paths.predictions, pd.DataFrame(predicted))
