"""The tables of results in README.md and docs/studies.md, generated from metrics/ and plots/.

`python -m tools.results` writes them.
"""

import argparse
import json
from pathlib import Path
from typing import Any

from tools import study_tables

ROOT = Path(__file__).resolve().parents[1]
BEGIN, END = "<!-- results: begin -->", "<!-- results: end -->"


def main() -> None:
    """Write the tables into their pages."""
    argparse.ArgumentParser(prog="python -m tools.results", description=__doc__).parse_args()
    for page, made in pages().items():
        page.write_text(with_table(page.read_text(encoding="utf-8"), made), encoding="utf-8")


def pages() -> dict[Path, str]:
    """Return each page that has a generated table, with the table."""
    return {ROOT / "README.md": table(ROOT / "metrics"), ROOT / "docs" / "studies.md": study_tables.tables()}


def with_table(text: str, table: str) -> str:
    """Return the text with what stands between the two marks replaced by the table."""
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n{table}\n{END}{after}"


def table(metrics: Path) -> str:
    """Return the results as a Markdown table."""
    evaluate, importance, latent = (
        json.loads((metrics / f"{stage}.json").read_text())
        for stage in ("evaluate", "feature-importance", "latent-analysis")
    )
    n = json.loads((metrics / "preprocess.json").read_text())["test"]["images"]
    pixels = next(int(key.split("_")[1]) for key in importance if key.startswith("forest_"))
    variance = latent["explained_variance"]
    rows = [
        ("majority class", _accuracy(evaluate["majority"])),
        ("logistic regression", _accuracy(evaluate["logistic"])),
        (f"MLP on {pixels} random pixels", _accuracy(importance[f"random_{pixels}"])),
        (f"MLP on the forest's {pixels} pixels", _accuracy(importance[f"forest_{pixels}"])),
        ("**MLP**", _accuracy(evaluate["mlp"])),
        ("**CNN**", _accuracy(evaluate["cnn"])),
    ]
    ae = evaluate["ae"]
    return "\n".join(
        [
            f"| on the {n:,} test images | accuracy | 95 % interval |",
            "|---|---|---|",
            *(f"| {name} | {figures} |" for name, figures in rows),
            "",
            "| | |",
            "|---|---|",
            f"| reconstruction error of the autoencoder, per pixel | {ae['mse']:.5f} |",
            f"| the same by PCA of equal dimension | {ae['pca_mse']:.5f} "
            f"({1 / ae['mse_ratio']:.1f} times as much) |",
            f"| variance in two principal components: pixels | {variance['pixels']['both']:.1%} |",
            f"| hidden activations of the MLP | {variance['hidden']['both']:.1%} |",
            f"| latent vectors of the autoencoder | {variance['latent']['both']:.1%} |",
        ]
    )


def _accuracy(figures: dict[str, Any]) -> str:
    low, high = figures["accuracy_low"], figures["accuracy_high"]
    return f"{figures['accuracy']:.2%} | {low:.2%} to {high:.2%}"


if __name__ == "__main__":
    main()
