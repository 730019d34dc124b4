"""Find the pixels that matter to a random forest, and see how far an MLP comes with these alone.

The forest is fitted on the training split. The MLP of train-mlp is then trained on the most
important pixels, and on as many random ones; both are measured on the test set.
"""

from stages import record
from stages.feature_importance.settings import Parameters, Paths
from stages.shared import command


def main(parameters: Parameters, paths: Paths, run: record.Run) -> None:
    """Read the splits; write importances, chosen pixels, tables, pictures and figures."""
    import numpy as np

    from stages.analysis import importance
    from stages.feature_importance import figures, retraining
    from stages.shared.data import read_dataset, read_split
    from stages.shared.figures import save
    from stages.shared.files import write_array, write_json, write_table

    settings, seed = parameters.feature_importance, parameters.seed
    train, val, test = (read_split(folder) for folder in (paths.train, paths.val, paths.test))
    n_classes = len(read_dataset(paths.dataset)["classes"])
    forest = importance.fit_forest(train, settings.trees, seed, parameters.compute.threads)
    importances = forest.feature_importances_
    rng = np.random.default_rng([seed, settings.pixels])
    chosen = {
        "forest": importance.largest(importances, settings.pixels),
        "random": np.sort(rng.choice(len(importances), settings.pixels, replace=False)),
    }
    measured = {"forest": {"accuracy": importance.forest_accuracy(forest, test)}}
    for name, pixels in chosen.items():
        measured[f"{name}_{settings.pixels}"] = retraining.measure(
            pixels, (train, val, test), n_classes, parameters
        )
        write_array(paths.outputs / f"{name}_pixels.npy", pixels)
    write_array(paths.outputs / "importances.npy", importances)
    write_json(paths.metrics, measured)
    size = train.images.shape[1:3]
    write_table(paths.plots / "importances.csv", importance.table(importances, size))
    save(paths.plots / "importance_map.png", figures.importance_map(importances, size))
    mean = train.images.mean(axis=0)
    save(paths.plots / "chosen_pixels.png", figures.chosen_pixels(chosen, mean, measured))


if __name__ == "__main__":
    command.run("feature-importance", __doc__, Parameters, Paths, main)
