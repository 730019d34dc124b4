"""Look at the filters of the CNN: what they see, how they answer, and what excites them most.

The layers with their maps, receptive fields and costs; the maps of single test images; what the units
of the last hidden layer answer to; and for every map of every convolution the pattern that excites it
most, by gradient ascent from noise, beside what training images reach.
"""

from digits.pipeline import stage
from digits.pipeline.declaration import Paths
from digits.tracking import Run
from stages.filters.settings import Parameters


def main(parameters: Parameters, paths: Paths, run: Run) -> None:
    """Read splits and network; write arrays, tables, pictures and figures."""
    from digits.data.files import write_json
    from digits.data.splits import read_dataset, read_split
    from digits.networks.common.saved import load_model
    from stages.filters import maps, report

    train, test, model = read_split(paths.train), read_split(paths.test), load_model(paths.cnn)
    classes = read_dataset(paths.dataset)["classes"]
    examples = maps.choose_examples(test)
    shown = maps.choose_shown(examples.labels, parameters.filters.shown_class)
    names = [classes[label] for label in examples.labels]
    figures = {"layers": report.report_layers(model, examples.images[shown], paths)}
    report.report_kernels(model, examples.images[shown], names[shown], paths)
    report.report_maps(model, examples, shown, names, paths)
    figures["maps"] = report.report_patterns(model, train, parameters, paths)
    figures["features"] = report.report_features(model, test, classes, paths)
    write_json(paths.metrics, figures)


if __name__ == "__main__":
    stage.run(main)
