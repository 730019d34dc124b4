"""The tables of docs/studies.md, as Markdown, from what the studies wrote."""

import json
from pathlib import Path

import pandas as pd

ROOT = Path(__file__).resolve().parents[1]
PLOTS, METRICS = ROOT / "plots" / "studies", ROOT / "metrics" / "studies"


def tables() -> str:
    """Return pictures and table of each study that has been run, one below the other."""
    parts = {
        published: ["published/nodes.png"],
        features: ["features/accuracy.png"],
        stability: ["stability/mlp/cells.png", "stability/cnn/cells.png"],
        twins: ["twins/layers.png", "twins/kernels.png"],
        label_suspects: ["label-suspects/suspects.png"],
        dimensions: ["dimensions/scores.png", "latent-map/map.png"],
        denoising: ["denoising/denoising.png", "denoising/denoising_images.png"],
    }
    shown = []
    for part, pictures in parts.items():
        if all((PLOTS / picture).exists() for picture in pictures):
            name = part.__name__.replace("_", " ")
            links = [f"![{name}](../plots/studies/{picture})" for picture in pictures]
            shown += [f"### {name.capitalize()}", *links, part()]
    return "\n\n".join(shown) or "Not run yet."


def published() -> str:
    """Return published figures beside ours."""
    rows = pd.read_csv(PLOTS / "published" / "comparison.csv", dtype={"net": str})
    lines = [
        "| network | figure | published | ours (range over the seeds) | source |",
        "|---|---|---|---|---|",
    ]
    for row in rows.to_dict("records"):
        theirs = "not given" if pd.isna(row["low"]) else _range(row["low"], row["high"])
        ours = _number(row["mean"])
        if row["min"] != row["max"]:
            ours += f" ({_range(row['min'], row['max'])})"
        net = row["net"].replace("-", " ")
        if net.isdigit():
            net += " hidden node" if net == "1" else " hidden nodes"
        lines.append(f"| {net} | {row['what'].replace('_', ' ')} | {theirs} | {ours} | {row['source']} |")
    return "\n".join(lines)


def features() -> str:
    """Return the mean test accuracy by source and number of features."""
    rows = pd.read_csv(PLOTS / "features" / "accuracy.csv")
    counts = sorted(rows["features"].unique())
    means = rows.pivot(index="source", columns="features", values="mean")
    lines = [f"| features from | {' | '.join(map(str, counts))} |", "|---" * (len(counts) + 1) + "|"]
    for source, values in means.iterrows():
        cells = ["" if pd.isna(value) else f"{value:.2%}" for value in values]
        lines.append(f"| {source} | {' | '.join(cells)} |")
    return "\n".join(lines)


def stability() -> str:
    """Return how far networks of other seeds lie apart."""
    lines = [
        "| network | trainings | accuracy, mean and standard deviation | predictions changed between two | "
        "net change of the confusion matrix | always wrong | sometimes wrong |",
        "|---|---|---|---|---|---|---|",
    ]
    for net in ("mlp", "cnn"):
        found = json.loads((METRICS / f"stability_{net}.json").read_text())
        changed, moved = (
            f"{found[name]:.2%} ({found[f'{name}_low']:.2%} to {found[f'{name}_high']:.2%})"
            for name in ("changed", "moved")
        )
        accuracy = f"{found['accuracy']:.2%}, {found['accuracy_sd']:.2%}"
        wrong = f"{found['always_wrong']:.2%} | {found['sometimes_wrong']:.2%}"
        lines.append(f"| {net.upper()} | {found['trainings']} | {accuracy} | {changed} | {moved} | {wrong} |")
    return "\n".join(lines)


def twins() -> str:
    """Return how alike the filters of two CNNs are."""
    found = json.loads((METRICS / "twins.json").read_text())
    kernels = found.pop("kernels")
    lines = ["| layer | matched maps, correlation | by chance | CKA | by chance |", "|---|---|---|---|---|"]
    for layer, row in found.items():
        names = ("matched_correlation", "matched_by_chance", "cka", "cka_by_chance")
        lines.append(f"| {layer} | {' | '.join(f'{row[name]:.2f}' for name in names)} |")
    cosines = f"{kernels['matched_cosine']:.2f} against {kernels['by_chance']:.2f} by chance"
    return "\n".join([*lines, "", f"Kernels of the first layer, matched: mean cosine {cosines}."])


def label_suspects() -> str:
    """Return what the search for wrong labels finds."""
    found = json.loads((METRICS / "label-suspects.json").read_text())
    again = found["found_again"]
    return "\n".join(
        [
            "| doubtful labels | |",
            "|---|---|",
            f"| in the training split as it is | {found['suspects']} |",
            f"| flipped on purpose | {again['flipped']} |",
            f"| of these found again | {again['recall']:.1%} |",
            f"| share of flipped ones among those found | {again['precision']:.1%} |",
            f"| share of flipped ones among the first {again['flipped']} | {again['top_precision']:.1%} |",
        ]
    )


def dimensions() -> str:
    """Return what a space keeps by its size: the autoencoder's / that of principal components."""
    found = json.loads((METRICS / "dimensions.json").read_text())
    scores = {
        "reconstruction_error": ("mean squared error", "{:.4f}"),
        "knn": ("named by neighbours", "{:.2%}"),
        "frechet_reconstructed": ("Fréchet distance, reconstructed", "{:.1f}"),
        "frechet_normal": ("fitted normal", "{:.1f}"),
        "frechet_mixture": ("mixture", "{:.1f}"),
    }
    lines = [
        f"| dimensions | {' | '.join(title for title, _ in scores.values())} |",
        "|---" * (len(scores) + 1) + "|",
    ]
    for size in sorted(found["autoencoder"]["knn"], key=int):
        cells = [
            " / ".join(form.format(found[space][score][size]) for space in ("autoencoder", "components"))
            for score, (_, form) in scores.items()
        ]
        lines.append(f"| {size} | {' | '.join(cells)} |")
    return "\n".join([*lines, "", "In each cell: the autoencoder / as many principal components."])


def denoising() -> str:
    """Return the mean gain of each method, in decibels."""
    found = json.loads((METRICS / "denoising.json").read_text())
    titles = {"deviation": "Gaussian noise", "dropped": "dropped pixels"}
    methods = list(next(iter(found.values())))
    lines = [f"| mean gain in decibels | {' | '.join(methods)} |", "|---" * (len(methods) + 1) + "|"]
    for kind, title in titles.items():
        lines.append(f"| {title} | {' | '.join(f'{found[kind][method]:+.1f}' for method in methods)} |")
    return "\n".join(lines)


def _range(low: float, high: float) -> str:
    return _number(low) if low == high else f"{_number(low)} to {_number(high)}"


def _number(value: float) -> str:
    return f"{value:,.1f}".removesuffix(".0") if value >= 1 else f"{value:.3f}"
