"""Tables of results, from metrics/: written into README.md and docs/studies.md, or shown with --show."""

import argparse
import re
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from digits.analysis.classification.intervals import accuracy_interval, percent
from digits.data.files import read_json
from digits.networks.registry import NETWORKS
from digits.pipeline import StageError
from digits.pipeline.settings import read
from tools.dependencies import ROOT

BEGIN, END = "<!-- results: begin -->", "<!-- results: end -->"
WHERE = "Pictures are in plots/ (docs/tour.md explains them); `make ui` opens the runs in MLflow."


@dataclass(frozen=True)
class Results:
    """Accuracies on the test images as rows (name, accuracy, interval), and other numbers (name, value)."""

    images: int
    confidence: float
    accuracies: list[tuple[str, float, tuple[float, float]]]
    others: list[tuple[str, str]]


def main() -> int:
    """Write the tables into their pages, or show the results of the working tree."""
    parser = argparse.ArgumentParser(prog="python -m tools.results", description=__doc__)
    parser.add_argument("--show", action="store_true", help="print the results of the working tree instead")
    show = parser.parse_args().show
    try:
        if show:
            print(plain(results()), WHERE, sep="\n\n")
        else:
            for page, text in pages().items():
                page.write_text(text, encoding="utf-8")
    except StageError as error:
        sys.exit(f"results: {error}")
    return 0


def results(root: Path = ROOT) -> Results:
    """Read the results of a folder; raise StageError where some of them are missing."""
    folder = root / "metrics"
    names = ("predictions.csv", "evaluate.json", "feature-importance.json", "latent-analysis.json")
    if missing := [name for name in names if not (folder / name).exists()]:
        raise StageError(f"{folder} has no {', '.join(missing)}. `make repro` makes what is missing.")
    settings, predictions = read(root / "params.yaml"), pd.read_csv(folder / names[0])
    evaluate, importance, latent = (read_json(folder / name) for name in names[1:])
    images, labels = len(predictions), predictions["label"]
    pixels = settings["feature-importance"]["chosen_pixels"]
    accuracies = {
        "majority class": labels.value_counts(normalize=True).max(),
        "logistic regression": (predictions["logistic"] == labels).mean(),
        f"MLP on the {pixels} pixels that matter most to a random forest": importance["pixels"],
        **{NETWORKS[name].title: (predictions[name] == labels).mean() for name in predictions.columns[2:]},
    }
    confidence = settings["confidence"]
    rows = [
        (name, accuracy, accuracy_interval(round(accuracy * images), images, confidence))
        for name, accuracy in accuracies.items()
    ]
    others = {
        "mean squared error of the autoencoder, per pixel (1: full ink)": f"{evaluate['ae']:.5f}",
        "Fréchet distance of generated images from test images (lower is better)": f"{latent['frechet']:.1f}",
    }
    return Results(images, confidence, rows, list(others.items()))


def plain(found: Results) -> str:
    """Return the results as aligned text."""
    rows = _accuracies(found, f"on {found.images:,} test images")
    width = max(len(name) for name, *_ in [*rows, *found.others])
    lines = [f"{name:{width}}  {value:>8}  {interval}" for name, value, interval in rows]
    return "\n".join([*lines, "", *(f"{name:{width}}  {value:>8}" for name, value in found.others)])


def markdown(found: Results) -> str:
    """Return the results as Markdown tables; the networks' own accuracies are bold."""
    titles = {network.title for network in NETWORKS.values()}
    header, *rows = _accuracies(found, f"on the {found.images:,} test images")
    rows = [(f"**{name}**" if name in titles else name, *cells) for name, *cells in rows]
    return f"{_table(header, rows)}\n\n{_table(('', ''), found.others)}"


def _accuracies(found: Results, images: str) -> list[tuple[str, ...]]:
    """Return titles and rows of the accuracies; the last title says the level of the intervals."""
    rows = [
        (name, f"{value:.2%}", f"{low:.2%} to {high:.2%}") for name, value, (low, high) in found.accuracies
    ]
    return [(images, "accuracy", f"{percent(found.confidence)} interval"), *rows]


def pages(root: Path = ROOT) -> dict[Path, str]:
    """Return each page that has generated tables, with the text that it should have."""
    readme, studies = root / "README.md", root / "docs" / "studies.md"
    tables = {readme: markdown(results(root)), studies: study_tables(root)}
    return {page: with_table(page.read_text(encoding="utf-8"), table) for page, table in tables.items()}


def with_table(text: str, table: str) -> str:
    """Return the text with everything between the two marks replaced by the table."""
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n{table}\n{END}{after}"


def study_tables(root: Path) -> str:
    """Return pictures and table of each study that has been run."""
    shown = []
    for study, names in STUDIES.items():
        files = {name: root / "studies" / name for name in names}
        if all(file.exists() for file in files.values()):
            title = study.__name__.replace("_", " ")
            links = [f"![{title}](../studies/{name})" for name in names if name.endswith(".png")]
            found = [READERS[file.suffix](file) for file in files.values() if file.suffix in READERS]
            shown += [f"### {title.capitalize()}", *links, study(*found)]
    return "\n\n".join(shown) or "Not run yet."


def published(found: dict[str, Any], literature: pd.DataFrame) -> str:
    """Return published results beside ours."""
    lines = []
    for row in literature.astype({"net": str}).to_dict("records"):
        theirs = "not given" if pd.isna(row["low"]) else _range(row["low"], row["high"])
        seeds = found[row["net"]][row["what"]]
        ours = _number(seeds["mean"])
        if seeds["min"] != seeds["max"]:
            ours += f" ({_range(seeds['min'], seeds['max'])})"
        net = row["net"].replace("-", " ")
        if net.isdigit():
            net += " hidden unit" if net == "1" else " hidden units"
        lines.append((net, row["what"].replace("_", " "), theirs, ours, row["source"]))
    return _table(("network", "metric", "published", "ours (range over the seeds)", "source"), lines)


def features(found: dict[str, Any]) -> str:
    """Return the mean test accuracy by source and number of features."""
    counts = sorted({count for means in found.values() for count in means}, key=int)
    lines = [
        (source, *(f"{means[count]:.2%}" if count in means else "" for count in counts))
        for source, means in found.items()
    ]
    return _table(("features from", *counts), lines)


def stability(mlp: dict[str, Any], cnn: dict[str, Any]) -> str:
    """Return how much networks with other seeds differ."""
    lines = []
    for name, found in (("MLP", mlp), ("CNN", cnn)):
        changed, moved = (
            f"{found[key]:.2%} ({found[f'{key}_low']:.2%} to {found[f'{key}_high']:.2%})"
            for key in ("changed", "moved")
        )
        accuracy = f"{found['accuracy']:.2%}, {found['accuracy_sd']:.2%}"
        wrong = (f"{found[key]:.2%}" for key in ("always_wrong", "sometimes_wrong"))
        lines.append((name, found["trainings"], accuracy, changed, moved, *wrong))
    header = (
        "network", "trainings", "accuracy, mean and standard deviation", "predictions changed between two",
        "net change of the confusion matrix", "always wrong", "sometimes wrong",
    )  # fmt: skip
    return _table(header, lines)


def twins(found: dict[str, Any]) -> str:
    """Return how similar the filters of two CNNs are."""
    keys = ("matched_correlation", "matched_by_chance", "cka", "cka_by_chance")
    lines = [(layer, *(f"{row[k]:.2f}" for k in keys)) for layer, row in found.items() if layer != "kernels"]
    cosines = f"{found['kernels']['matched_cosine']:.2f}, {found['kernels']['by_chance']:.2f} by chance"
    header = ("layer", "correlation of matched maps", "by chance", "CKA", "by chance")
    return f"{_table(header, lines)}\n\nMatched kernels of the first layer: mean cosine {cosines}."


def label_suspects(found: dict[str, Any]) -> str:
    """Return what the search for wrong labels finds."""
    again, flipped = found["found_again"], found["found_again"]["flipped"]
    lines = [
        ("in the training split as it is", found["suspects"]),
        ("labels changed on purpose", flipped),
        ("fraction of these that are found", f"{again['recall']:.1%}"),
        ("fraction of those found that were changed", f"{again['precision']:.1%}"),
        (f"fraction of the first {flipped} found that were changed", f"{again['top_precision']:.1%}"),
    ]
    return _table(("suspected labels", ""), lines)


def dimensions(found: dict[str, Any]) -> str:
    """Return what a latent space keeps, by its size: of the autoencoder, and of principal components."""
    scores = {
        "reconstruction_error": ("mean squared error", "{:.4f}"),
        "knn": ("accuracy of nearest neighbours", "{:.2%}"),
        "frechet_reconstructed": ("Fréchet distance, reconstructed", "{:.1f}"),
        "frechet_normal": ("fitted Gaussian", "{:.1f}"),
        "frechet_mixture": ("mixture", "{:.1f}"),
    }
    spaces = ("autoencoder", "components")
    lines = []
    for size in sorted(found["autoencoder"]["knn"], key=int):
        cells = (
            " / ".join(form.format(found[s][key][size]) for s in spaces) for key, (_, form) in scores.items()
        )
        lines.append((size, *cells))
    header = ("dimensions", *(title for title, _ in scores.values()))
    return f"{_table(header, lines)}\n\nIn each cell: the autoencoder / as many principal components."


def denoising(found: dict[str, Any]) -> str:
    """Return the mean gain of each method, in decibels."""
    titles = {"standard_deviation": "Gaussian noise", "dropped": "dropped pixels"}
    methods = list(next(iter(found.values())))
    lines = [(title, *(f"{found[kind][m]:+.1f}" for m in methods)) for kind, title in titles.items()]
    return _table(("mean gain in decibels", *methods), lines)


READERS: dict[str, Callable[[Path], Any]] = {".json": read_json, ".csv": pd.read_csv}
STUDIES: dict[Callable[..., str], tuple[str, ...]] = {  # below studies/: pictures and numbers
    published: ("plots/published/units.png", "metrics/published.json", "published/literature.csv"),
    features: ("plots/features/accuracy.png", "metrics/features.json"),
    stability: (
        "plots/stability/mlp/cells.png", "plots/stability/cnn/cells.png",
        "metrics/stability_mlp.json", "metrics/stability_cnn.json",
    ),
    twins: ("plots/twins/layers.png", "plots/twins/kernels.png", "metrics/twins.json"),
    label_suspects: ("plots/label-suspects/suspects.png", "metrics/label-suspects.json"),
    dimensions: ("plots/dimensions/scores.png", "plots/latent-map/map.png", "metrics/dimensions.json"),
    denoising: (
        "plots/denoising/denoising.png", "plots/denoising/denoising_images.png", "metrics/denoising.json",
    ),
}  # fmt: skip


def _table(header: tuple[str, ...], rows: list[Any]) -> str:
    rule = f"|{'---|' * len(header)}"
    lines = [re.sub(" +", " ", f"| {' | '.join(map(str, cells))} |") for cells in (header, *rows)]
    return "\n".join([lines[0], rule, *lines[1:]])


def _range(low: float, high: float) -> str:
    return _number(low) if low == high else f"{_number(low)} to {_number(high)}"


def _number(value: float) -> str:
    return f"{value:,.1f}".removesuffix(".0") if value >= 1 else f"{value:.3f}"


if __name__ == "__main__":
    sys.exit(main())
