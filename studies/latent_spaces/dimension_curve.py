"""Draw what spaces of few dimensions keep of the images, from the tables of `dimensions`."""

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator, PercentFormatter

from digits.data.files import write_json, write_table
from digits.drawing.style import BAD, GOOD, new_figure, save
from digits.pipeline.stage import Paths, Run, run_stage


def main(paths: Paths, run: Run) -> None:
    """Read the tables; write them as one, a picture and the means."""
    tables = [pd.read_csv(file) for file in sorted(paths.dimensions.glob("*.csv"))]
    summary = pd.concat(tables).sort_values(["latent", "space"], kind="stable")
    write_table(paths.data, summary)
    save(paths.plots / "scores.png", draw(summary))
    means = {
        str(space): {
            str(score): {str(k): float(v) for k, v in zip(mine["latent"], mine["mean"], strict=True)}
            for score, mine in rows.groupby("score", sort=False)
        }
        for space, rows in summary.groupby("space")
    }
    write_json(paths.metrics, means)


SPACES = {
    "autoencoder": ("latent vectors of the autoencoder", GOOD, "o"),
    "components": ("principal components", BAD, "s"),
}
PANELS = {
    "mean squared error per pixel": {"reconstruction_error": "-"},
    "accuracy of nearest neighbours": {"knn": "-"},
    "Fréchet distance of reconstructed images": {"frechet_reconstructed": "-"},
    "Fréchet distance of generated images": {"frechet_normal": "--", "frechet_mixture": "-"},
}
STYLES = {"frechet_normal": "fitted normal", "frechet_mixture": "mixture"}


def draw(summary: pd.DataFrame) -> Figure:
    """Draw every score by the number of dimensions, for both spaces.

    summary: columns latent, space, score, mean, low, high.
    """
    figure, axes = new_figure(9.6, 7.2, nrows=2, ncols=2)
    sizes = sorted(summary["latent"].unique())
    for ax, (title, scores) in zip(axes.flat, PANELS.items(), strict=True):
        for space, (_, colour, marker) in SPACES.items():
            for score, line in scores.items():
                mine = (summary["space"] == space) & (summary["score"] == score)
                rows = summary[mine].sort_values("latent")
                ax.plot(rows["latent"], rows["mean"], line, color=colour, marker=marker, ms=5)
                ax.fill_between(rows["latent"], rows["low"], rows["high"], color=colour, alpha=0.25, lw=0)
        ax.set(xscale="log", xlabel="dimensions", title=title)
        ax.set_yscale("linear" if "knn" in scores else "log")
        ax.set_xticks(sizes, [str(size) for size in sizes])
        ax.xaxis.set_minor_locator(NullLocator())
        ax.grid(alpha=0.3)
    axes[0, 1].yaxis.set_major_formatter(PercentFormatter(1))
    handles = [
        axes[0, 0].plot([], [], color=colour, marker=marker, ms=5, label=name)[0]
        for name, colour, marker in SPACES.values()
    ]
    handles += [
        axes[0, 0].plot([], [], line, color="black", label=f"drawn from a {STYLES[score]}")[0]
        for score, line in PANELS["Fréchet distance of generated images"].items()
    ]
    figure.legend(handles=handles, loc="outside lower center", ncols=4, fontsize=9)
    figure.suptitle("one training per size; bands: intervals over draws, and of the fraction of images")
    return figure


if __name__ == "__main__":
    run_stage(main)
