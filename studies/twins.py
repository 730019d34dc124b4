"""Compare the filters of the CNN with those of its twin, which was trained with another seed.

The maps of each convolution are matched one to one by the correlation of their activations, the
kernels of the first convolution by their angle; whole layers are compared by centered kernel
alignment (CKA). Each measure is reported beside its chance level: the twin's value for permuted
images, or for random kernels.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from pydantic import Field

from digits.compute import Compute
from digits.pipeline.stage import Block, Paths, Run, Seed, run_stage

if TYPE_CHECKING:  # NumPy must not be loaded before the environment is set
    import numpy as np
    import pandas as pd
    from matplotlib.figure import Figure


class Twins(Block):
    """How many images the comparison uses."""

    images: int = Field(ge=2, description="test images on which filters are compared, at most")
    repeats: int = Field(ge=1, description="permutations of these images, for the chance level")


def main(paths: Paths, run: Run, seed: Seed, compute: Compute, twins: Twins) -> None:
    """Read images and networks; write pairs of maps, similarities by layer, and a picture of each."""
    import numpy as np
    import pandas as pd

    from digits.analysis.saliency import similarity
    from digits.analysis.saliency.convolutions import feature_maps
    from digits.data.files import write_json, write_table
    from digits.data.splits import read_split
    from digits.drawing.style import save
    from digits.networks.common.saved import load_model

    images, repeats = read_split(paths.test).images[: twins.images], twins.repeats
    networks = load_model(paths.pipeline), load_model(paths.twins)
    rng = np.random.default_rng(seed)
    ours, theirs = (feature_maps(network, images) for network in networks)
    layers = {name: similarity.compare_maps(ours[name], theirs[name], repeats, rng) for name in ours}
    first, second = (network.get_layer(next(iter(ours))).get_weights()[0] for network in networks)
    kernels, cosines = similarity.compare_kernels(first, second, repeats, rng)
    metrics = {name: each for name, (_, each) in layers.items()}
    table = pd.DataFrame.from_dict(metrics, orient="index").rename_axis("layer").reset_index()
    pairs = pd.concat({name: each for name, (each, _) in layers.items()}, names=["layer"])
    write_table(paths.data / "pairs.csv", pairs.reset_index("layer"))
    write_table(paths.data / "layers.csv", table)
    write_table(paths.data / "kernels.csv", kernels)
    save(paths.plots / "layers.png", draw_layers(table))
    save(paths.plots / "kernels.png", draw_kernels(first, second, kernels, cosines))
    write_json(paths.metrics, {"kernels": cosines, **metrics})


def draw_layers(table: "pd.DataFrame") -> "Figure":
    """Draw matched correlation and CKA of each layer (one row per layer), beside what chance gives."""
    import numpy as np

    from digits.drawing.style import BAD, GOOD, new_figure

    figure, axes = new_figure(8.4, 3.4, ncols=2, sharey=True)
    place = np.arange(len(table))
    panels = {
        "correlation of matched maps": ("matched_correlation", "matched_by_chance"),
        "centered kernel alignment": ("cka", "cka_by_chance"),
    }
    for ax, (title, (found, chance)) in zip(axes, panels.items(), strict=True):
        ax.bar(place - 0.2, table[found], 0.38, color=GOOD, label="twin of another seed")
        ax.bar(place + 0.2, table[chance], 0.38, color=BAD, label="by chance: permuted images")
        ax.set_xticks(place, table["layer"], rotation=20, ha="right")
        ax.set(title=title, ylim=(0, 1))
    axes[0].set_ylabel("similarity")
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=2, fontsize=9)
    return figure


COLUMNS = 8  # pairs of kernels in a row of the picture


def draw_kernels(
    first: "np.ndarray", second: "np.ndarray", pairs: "pd.DataFrame", metrics: Mapping[str, float]
) -> "Figure":
    """Draw kernels (height, width, channels, n) above the twin's that match them, the best match first.

    pairs, metrics: see `similarity.compare_kernels`. The mean over the channels is drawn.
    """
    import numpy as np

    from digits.drawing.grid import Tile, draw_grid
    from digits.drawing.style import signed_scale

    best = pairs.sort_values("cosine", ascending=False, kind="stable")
    own, twin = first.mean(axis=2)[..., best["kernel"]], second.mean(axis=2)[..., best["twin_kernel"]]
    scale = signed_scale(np.stack([own, twin]), covered=1)
    tiles = {
        "network": [Tile(own[..., i], heading=f"{c:.2f}", norm=scale) for i, c in enumerate(best["cosine"])],
        "twin": [Tile(twin[..., i], norm=scale) for i in range(len(best))],
    }
    starts = range(0, len(best), COLUMNS)
    rows = [(name, row[start : start + COLUMNS]) for start in starts for name, row in tiles.items()]
    title = (
        "first convolution: each kernel above its match in the twin, and the cosine of their angle\n"
        f"mean {metrics['matched_cosine']:.2f}; random kernels reach {metrics['by_chance']:.2f}"
    )
    return draw_grid(rows, title, scales=[(scale, "weight")])


if __name__ == "__main__":
    run_stage(main)
