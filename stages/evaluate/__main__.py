"""Measure the three networks on the test set, beside baselines.

Classifiers are compared with the majority class, with logistic regression and with each other, the
autoencoder with a principal component analysis of the same dimension. Temperatures are fitted on the
validation split. Metrics and pictures of a network are also recorded on the run that trained it.
"""

from typing import Any

from digits.compute import Compute
from digits.pipeline.stage import Confidence, Paths, Run, Seed, run_stage
from stages.evaluate.settings import Evaluation


def main(
    paths: Paths, run: Run, seed: Seed, confidence: Confidence, compute: Compute, evaluate: Evaluation
) -> None:
    """Read the splits and the networks; write predictions, tables, pictures and metrics."""
    import numpy as np

    from digits.analysis.classification.metrics import measure, summarize
    from digits.networks.common.saved import load_model, predict
    from digits.networks.registry import CLASSIFIERS, NETWORKS
    from digits.pipeline.settings import flatten
    from stages.evaluate import comparison, outputs
    from stages.evaluate.context import TestResult, read_context

    context = read_context(paths, evaluate.bootstrap, seed, confidence, evaluate.calibration_bins)
    test, classes = context.test, context.classes
    networks = {name: load_model(getattr(paths, name)) for name in NETWORKS if name in paths}
    models = {name: networks[name] for name in CLASSIFIERS if name in networks}
    results = [TestResult(name, test, classes, predict(model, test.images)) for name, model in models.items()]
    guesses = comparison.predict_baselines(context, evaluate.logistic_iterations)
    details: dict[str, Any] = {}
    for name, values in guesses.items():
        measured = measure(test.labels, values, context.bins, np.ones((len(test), 1)))
        details[name] = summarize(measured, len(test), confidence)
    for result in results:
        details[result.name] = outputs.write_classifier(result, models[result.name], context, paths)
    details["comparison"] = outputs.write_comparison(details, results, context, paths)
    corruption = (evaluate.corruptions.model_dump(), evaluate.corrupted_images, seed)
    outputs.write_robustness(models, context, corruption, paths)
    details["ae"] = outputs.write_reconstruction(networks["ae"], context, paths)
    outputs.write_histories(list(networks), paths)
    predictions = {"label": test.labels, "logistic": guesses["logistic"].argmax(axis=1)}
    outputs.write_metrics(details, predictions | {each.name: each.predictions for each in results}, paths)
    for name in networks:
        metrics = {f"test_{key}": float(value) for key, value in flatten(details[name])}
        files = {"test": paths.plots / name, "test/tables": paths.data / name}
        if name in models:
            files["test/predictions.csv"] = outputs.predictions_file(name, paths)
        run.about(getattr(paths, name), metrics, files)


if __name__ == "__main__":
    run_stage(main)
