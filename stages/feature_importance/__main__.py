"""Find the pixels that matter to random forests and to the networks, and see how far a few go.

The forests are fitted on the training split; pixels are permuted in images of the validation split.
The MLP of train-mlp is then trained on the most important pixels, and on as many random ones; both
are measured on the test set. Beside that: what single hidden nodes and pairs of pixels tell.
"""

from digits.pipeline import stage
from digits.pipeline.declaration import Paths
from digits.tracking import Run
from stages.feature_importance.settings import Parameters


def main(parameters: Parameters, paths: Paths, run: Run) -> None:
    """Read splits and networks; write importances, chosen pixels, tables, pictures and figures."""
    from digits.analysis.saliency.permutation import number_blocks
    from digits.data.files import write_json
    from digits.data.splits import read_dataset, read_split
    from stages.feature_importance import forest, report

    train, val, test = (read_split(folder) for folder in (paths.train, paths.val, paths.test))
    classes = read_dataset(paths.dataset)["classes"]
    blocks = number_blocks(train.images.shape[1:3], parameters.feature_importance.block)
    forests = forest.measure((train, val, test), blocks, parameters)
    figures = {
        "forest": forests.figures,
        **report.report_networks(forests, val, blocks, classes, parameters, paths),
        **report.report_training_images(train, forests.flat, classes, parameters, paths),
        **report.report_retraining((train, val, test), forests.flat, len(classes), parameters, paths),
    }
    write_json(paths.metrics, figures)


if __name__ == "__main__":
    stage.run(main)
