"""Measure the three networks on the test set, beside baselines.

Classifiers stand beside the majority class and logistic regression, and beside each other; the
autoencoder stands beside a principal component analysis of the same dimension. Temperatures are
fitted on the validation split. Figures and pictures of a network are recorded on the run that trained
it too.
"""

from types import SimpleNamespace
from typing import Any

from digits.pipeline import stage
from digits.pipeline.declaration import Paths
from digits.tracking import Run
from stages.evaluate.settings import Parameters


def main(parameters: Parameters, paths: Paths, run: Run) -> None:
    """Read the splits and the networks; write outputs, tables, pictures and figures."""
    from digits.data.files import write_json, write_table
    from digits.drawing.style import save
    from digits.networks.common.saved import load_model, predict
    from stages.evaluate import (
        baselines,
        classifiers,
        curves,
        disagreement,
        doubtful,
        reconstruction,
        robustness,
    )
    from stages.evaluate.case import read_case
    from stages.evaluate.outcome import Outcome

    settings: Any = SimpleNamespace(**dict(parameters.evaluate), confidence=parameters.confidence)
    case = read_case(parameters, paths)
    networks = {name: load_model(getattr(paths, name)) for name in curves.NETWORKS}
    models = {name: networks[name] for name in classifiers.NAMES}
    outcomes = {
        name: Outcome(name, case.test, case.classes, predict(model, case.test.images))
        for name, model in models.items()
    }
    figures = baselines.measure(case, settings)
    for name, model in models.items():
        figures[name] = classifiers.report(outcomes[name], model, case, settings, paths)
    figures["ae"] = reconstruction.report(networks["ae"], case, settings, paths)
    figures["comparison"] = disagreement.report(outcomes["mlp"], outcomes["cnn"], paths.plots)
    doubtful.report(case.doubtful, outcomes["mlp"], outcomes["cnn"], paths.plots)
    robustness.report(models, case.test, settings, parameters.seed, paths.plots)
    comparison = baselines.compare(figures)
    write_table(paths.plots / "comparison.csv", comparison)
    save(paths.plots / "comparison.png", baselines.draw_comparison(comparison, settings.confidence))
    curves.draw({name: getattr(paths, f"{name}_history") for name in networks}, paths.plots)
    write_json(paths.metrics, {name: classifiers.nest(values) for name, values in figures.items()})
    for name in networks:
        test_figures = {f"test_{key}": float(value) for key, value in figures[name].items()}
        files = {"test": paths.plots / name}
        if name in models:
            files["test/predictions.csv"] = classifiers.predictions_file(name, paths)
        run.about(getattr(paths, name), test_figures, files)


if __name__ == "__main__":
    stage.run(main)
