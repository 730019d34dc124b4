"""Split the images into training, validation and test sets, check them, and show what they hold.

The split is stratified and seeded. The training and validation sets come from the original training
file, the test set from the original test file; from here on only evaluation and analysis open it.
"""

from digits.pipeline import stage
from digits.pipeline.declaration import Paths
from digits.tracking import Run
from stages.preprocess.settings import Parameters


def main(parameters: Parameters, paths: Paths, run: Run) -> None:
    """Read the IDX files; write the splits, the exploration and its figures."""
    from digits.data.files import read_json, write_json, write_table
    from digits.data.splits import write_split
    from digits.drawing.style import save
    from stages.preprocess import exploration, figures, idx, splits

    dataset = read_json(paths.raw / "dataset.json")
    files = {name: idx.read_pair(paths.raw, name) for name in ("train", "t10k")}
    parts = splits.split(files["train"], files["t10k"], parameters.preprocess, parameters.split_seed)
    splits.check(parts, len(dataset["classes"]))
    for name, folder in (("train", paths.train), ("val", paths.val), ("test", paths.test)):
        write_split(folder, parts[name])
    write_json(paths.dataset, dataset)
    write_json(
        paths.data / "statistics.json", {name: exploration.statistics(part) for name, part in parts.items()}
    )
    counts = exploration.label_counts(parts, dataset["classes"])
    values = exploration.pixel_values(parts["train"].images)
    means = exploration.class_means(parts["train"], len(dataset["classes"]))
    write_table(paths.data / "label_counts.csv", counts)
    write_table(paths.data / "pixel_values.csv", values)
    save(paths.plots / "label_counts.png", figures.label_counts(counts, dataset["title"]))
    save(paths.plots / "pixel_values.png", figures.pixel_values(values))
    save(paths.plots / "images.png", figures.images(parts["train"], dataset["classes"]))
    save(paths.plots / "class_means.png", figures.class_means(means, dataset["classes"]))


if __name__ == "__main__":
    stage.run(main)
