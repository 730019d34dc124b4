"""What the stage writes: tables and numbers below paths.data, pictures below paths.plots."""

from collections.abc import Mapping, Sequence
from itertools import combinations
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from digits.analysis.classification.calibration import apply_temperature, fit_temperature
from digits.analysis.classification.metrics import class_table, confusion_matrix
from digits.analysis.classification.roc import measure_classes, trace_curves
from digits.corruptions import spread
from digits.data.files import write_array, write_json, write_table
from digits.data.splits import scale
from digits.drawing.style import save
from digits.networks.common.saved import predict
from digits.networks.registry import NETWORKS
from digits.pipeline.declaration import Paths
from stages.evaluate import (
    baselines,
    comparison,
    confusion,
    curves,
    galleries,
    nearest,
    probabilities,
    reconstruction,
    robustness,
)
from stages.evaluate.context import EvaluationContext, TestResult, measure_result


def _write(
    paths: Paths, folder: str, tables: Mapping[str, pd.DataFrame], pictures: Mapping[str, Figure]
) -> None:
    """Write tables and pictures, by name, into this folder of both places."""
    for name, table in tables.items():
        write_table(paths.data / folder / f"{name}.csv", table)
    for name, figure in pictures.items():
        save(paths.plots / folder / f"{name}.png", figure)


def predictions_file(name: str, paths: Paths) -> Path:
    """Return where a classifier's label and prediction of every test image, as words, are written."""
    return Path(paths.data / f"{name}_predictions.csv")


def write_classifier(
    result: TestResult, model: keras.Model, context: EvaluationContext, paths: Paths
) -> dict[str, Any]:
    """Write outputs, tables and pictures of a classifier; return its metrics."""
    labels, classes, title = result.test.labels, result.classes, result.title
    temperature = fit_temperature(context.val.labels, predict(model, context.val.images))
    tempered = apply_temperature(result.probabilities, temperature)
    metrics, intervals = measure_result(result, tempered, temperature, context)
    write_array(paths.data / f"{result.name}_probabilities.npy", result.probabilities)
    answers = result.describe(np.arange(len(labels)))[["label", "prediction"]]
    write_table(predictions_file(result.name, paths), answers)

    matrix, level = confusion_matrix(labels, result.predictions, len(classes)), f"{context.confidence:.0%}"
    areas = measure_classes(labels, result.probabilities)
    traced = trace_curves(labels, result.probabilities, probabilities.POINTS)
    calibration = probabilities.tabulate_calibration(result, tempered, context)
    drawn = {
        "worst_pairs": confusion.find_worst_pairs(result, matrix),
        "first_predictions": galleries.draw_first_predictions(result),
        "nearest": nearest.compare_with_training(result, model, context.train),
        **galleries.draw_galleries(result),
    }
    names = np.array(classes)
    tables = {
        "metrics": intervals,
        "confusion": pd.DataFrame(matrix, columns=classes).assign(label=classes)[["label", *classes]],
        "classes": class_table(matrix, classes),
        "calibration": calibration,
        "areas": areas.assign(label=names[areas["label"]]),
        "curves": traced.assign(label=names[traced["label"]]),
        "first_probabilities": galleries.tabulate_probabilities(result),
        **{name: table for name, (table, _) in drawn.items()},
    }
    accuracy, low, high = (metrics[name] for name in ("accuracy", "accuracy_low", "accuracy_high"))
    caption = f"{title} on the test set: accuracy {accuracy:.2%}, {level} interval {low:.2%} to {high:.2%}"
    errors = f"{title}: the {metrics['errors']} errors, as fractions of the label's test images"
    calibrated = f"{title}: calibration on the test set ({level} intervals)"
    pictures = {
        "confusion": confusion.draw_rows(matrix, classes, caption),
        "confusion_errors": confusion.draw_errors(matrix, classes, errors),
        "calibration": probabilities.draw_calibration(calibration, metrics, calibrated),
        "roc": probabilities.draw_roc(traced, areas, result),
        "precision_recall": probabilities.draw_precision_recall(traced, areas, result),
        "first_probabilities": galleries.draw_probabilities(result),
        **{name: picture for name, (_, picture) in drawn.items()},
    }
    _write(paths, result.name, tables, pictures)
    return metrics


def write_error_rates(
    details: Mapping[str, dict[str, Any]], context: EvaluationContext, paths: Paths
) -> None:
    """Write the metrics that all classifiers share, and their error rates side by side."""
    table = baselines.tabulate_classifiers(details)
    picture = baselines.draw_error_rates(table, context.confidence)
    _write(paths, "", {"comparison": table}, {"comparison": picture})


def write_comparison(
    results: Sequence[TestResult], context: EvaluationContext, paths: Paths
) -> dict[str, Any]:
    """Write how classifiers differ; return the metrics of the pair, or of each pair by its names."""
    pairs = list(combinations(results, 2))
    compared = [comparison.compare(*pair) for pair in pairs]
    names = [f"{first.name}_{second.name}" for first, second in pairs]
    tables = {f"agreement_{name}": table for name, (_, table) in zip(names, compared, strict=True)}
    tables["disagreement"] = comparison.tabulate_disagreement(results)
    tables["doubtful"] = comparison.tabulate_doubtful(results, context.doubtful)
    metrics = [found for found, _ in compared]
    pictures = {
        "disagreement": comparison.draw_disagreement(results, [10 ** m["mcnemar_log10_p"] for m in metrics]),
        "doubtful": comparison.draw_doubtful(results, context.doubtful),
    }
    _write(paths, "", tables, pictures)
    return dict(zip(names, metrics, strict=True))


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
    title = f"Accuracy on {len(part):,} corrupted test images ({context.confidence:.0%} intervals)"
    pictures = {
        "robustness": robustness.draw_robustness(table, title),
        "robustness_images": robustness.draw_examples(part.images[0], levels, seed),
    }
    _write(paths, "", {"robustness": table}, pictures)


def write_reconstruction(network: keras.Model, context: EvaluationContext, paths: Paths) -> dict[str, float]:
    """Write errors and reconstructions of the autoencoder and of PCA; return their mean errors."""
    originals = scale(context.test.images)
    reconstructed = reconstruction.reconstruct(network, context.train, context.test)
    errors = {name: reconstruction.squared_error(originals, x) for name, x in reconstructed.items()}
    write_array(paths.data / "ae_errors.npy", errors["autoencoder"])
    metrics, tables = reconstruction.measure(errors, context)
    picture = reconstruction.draw_reconstructions(originals, reconstructed, metrics)
    _write(paths, "ae", tables, {"reconstructions": picture})
    return metrics


def write_curves(networks: Sequence[str], paths: Paths) -> None:
    """Draw the learning curves of every network whose history is declared."""
    for name in networks:
        if f"{name}_history" in paths:
            history = pd.read_csv(getattr(paths, f"{name}_history"))
            picture = curves.draw_history(history, NETWORKS[name].long_title)
            _write(paths, name, {}, {"history": picture})


def write_metrics(
    details: Mapping[str, Any], results: Sequence[TestResult], logistic: np.ndarray, paths: Paths
) -> None:
    """Write all numbers, the headline numbers, and the predicted classes of all test images."""
    write_json(paths.data / "details.json", details)
    accuracies = {result.name: details[result.name]["accuracy"] for result in results}
    write_json(paths.metrics, {"ae": details["ae"]["mse"], **accuracies})
    columns = {"label": results[0].test.labels, "logistic": logistic}
    columns |= {result.name: result.predictions for result in results}
    write_table(paths.predictions, pd.DataFrame(columns))
