"""Measure the three networks on the test set, beside baselines.

Classifiers stand beside the majority class and logistic regression, the autoencoder beside a
principal component analysis of the same dimension. Figures and pictures of a network are recorded
on the run that trained it too.
"""

from stages import record
from stages.evaluate.settings import Parameters, Paths
from stages.shared import command


def main(parameters: Parameters, paths: Paths, run: record.Run) -> None:
    """Read the splits and the networks; write outputs, tables, pictures and figures."""
    from stages.evaluate import baselines, classifiers, curves, reconstruction
    from stages.shared.data import read_dataset, read_split
    from stages.shared.files import write_json, write_table

    settings = parameters.evaluate
    train, test = read_split(paths.train), read_split(paths.test)
    classes = read_dataset(paths.dataset)["classes"]
    figures = baselines.measure(train, test, len(classes), settings)
    for name in classifiers.NAMES:
        figures[name] = classifiers.measure(name, getattr(paths, name), test, classes, settings, paths)
    figures["ae"] = reconstruction.measure(paths.ae, train, test, settings, paths)
    write_json(paths.metrics, figures)
    write_table(paths.plots / "comparison.csv", baselines.compare(figures))
    curves.draw({name: getattr(paths, f"{name}_history") for name in curves.NETWORKS}, paths.plots)
    for name in curves.NETWORKS:
        test_figures = {f"test_{key}": float(value) for key, value in figures[name].items()}
        files = {"test": paths.plots / name}
        if name in classifiers.NAMES:
            files["test/predictions.csv"] = classifiers.predictions_file(name, paths)
        run.about(getattr(paths, name), test_figures, files)


if __name__ == "__main__":
    command.run("evaluate", __doc__, Parameters, Paths, main)
