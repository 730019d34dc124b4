"""Seek training images with a doubtful label, and test the search on labels flipped on purpose.

Every image is predicted by a CNN that was trained without it; confident learning then lists the
labels that these networks do not believe.
"""

from stages import record
from stages.shared import command
from studies.label_suspects.settings import Parameters, Paths


def main(parameters: Parameters, paths: Paths, run: record.Run) -> None:
    """Read the splits; write probabilities, suspects, a gallery, and what became of flipped labels."""
    import numpy as np

    from stages.shared.data import read_dataset, read_split
    from stages.shared.figures import image_grid, save
    from stages.shared.files import write_array, write_json, write_table
    from studies.label_suspects import search

    settings, seed = parameters.label_suspects, parameters.seed
    train, val = read_split(paths.train), read_split(paths.val)
    classes = read_dataset(paths.dataset)["classes"]
    network = parameters.train_cnn.model_copy(update={"epochs": settings.epochs})
    probabilities = search.out_of_fold(network, (train, val), len(classes), settings.folds, seed)
    write_array(paths.probabilities, probabilities)
    found = search.suspects(train.labels, probabilities)
    table = search.table(train, probabilities, found, classes)
    write_table(paths.plots / "suspects.csv", table)
    shown = table.head(settings.gallery)
    titles = [
        f"{label}, or {other}?" for label, other in zip(shown["label"], shown["suggestion"], strict=True)
    ]
    title = f"{len(found)} of {len(train):,} labels are doubtful; the most doubtful first"
    images = train.images[found[: settings.gallery]]
    save(paths.plots / "suspects.png", image_grid(images, titles, 10, title))
    rng = np.random.default_rng([seed, 1])
    wrong, flipped = search.flip(train, settings.flipped, len(classes), rng)
    again = search.out_of_fold(network, (wrong, val), len(classes), settings.folds, seed)
    figures = search.score(search.suspects(wrong.labels, again), flipped)
    write_json(paths.metrics, {"suspects": len(found), "found_again": figures})


if __name__ == "__main__":
    command.run("label-suspects", __doc__, Parameters, Paths, main, package="studies")
