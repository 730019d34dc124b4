"""Split the images into training, validation and test sets; check and explore them.

The split is stratified and seeded. The training and validation sets come from the original training
file, the test set from the original test file; from here on only evaluation and analysis open it.
"""

from digits.compute import Compute
from digits.pipeline.stage import Paths, Run, run_stage
from stages.preprocess.settings import Sizes, SplitSeed


def main(paths: Paths, run: Run, split_seed: SplitSeed, compute: Compute, preprocess: Sizes) -> None:
    """Read the IDX files; write the splits, the tables of the exploration and its pictures."""
    from digits.data.files import read_json, write_json, write_table
    from digits.data.splits import write_split
    from digits.drawing.style import save
    from stages.preprocess import exploration, splits

    dataset, sizes = read_json(paths.raw / "dataset.json"), preprocess.model_dump()
    title, classes = dataset["title"], dataset["classes"]
    files = {name: splits.read_pair(paths.raw, name) for name in ("train", "t10k")}
    parts = splits.split(files["train"], files["t10k"], sizes, split_seed)
    splits.check(parts, len(classes))
    for name, folder in (("train", paths.train), ("val", paths.val), ("test", paths.test)):
        write_split(folder, parts[name])
    write_json(paths.dataset, dataset)
    train, statistics = parts["train"], {name: exploration.statistics(part) for name, part in parts.items()}
    counts, values = exploration.label_counts(parts, classes), exploration.pixel_values(train.images)
    write_json(paths.data / "statistics.json", statistics)
    write_table(paths.data / "label_counts.csv", counts)
    write_table(paths.data / "pixel_values.csv", values)
    means = exploration.class_means(train, len(classes))
    save(paths.plots / "label_counts.png", exploration.draw_label_counts(counts, title))
    save(paths.plots / "pixel_values.png", exploration.draw_pixel_values(values))
    save(paths.plots / "images.png", exploration.draw_images(train, classes))
    save(paths.plots / "class_means.png", exploration.draw_class_means(means, classes))


if __name__ == "__main__":
    run_stage(main)
