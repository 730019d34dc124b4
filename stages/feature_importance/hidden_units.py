"""What single hidden units of the MLP tell of the class."""

from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from sklearn.feature_selection import f_classif

from digits.analysis.saliency.importance import rank
from digits.drawing.style import BAD, GOOD, new_figure
from digits.networks.common.saved import load_model, predict, up_to
from digits.pipeline import StageError

QUARTILES = ("min", "q1", "median", "q3", "max")
DRAWN = 6  # units
LONG = 3  # letters; longer class names are drawn at an angle


def read_activations(path: Path, layer: str, images: np.ndarray) -> np.ndarray:
    """Return the activations of a layer of the saved MLP for the images, float32 (n, n units).

    Raises StageError when the network has no layer of that name, or its output is not (n, n units).
    """
    network = load_model(path)
    names = [each.name for each in network.layers if len(each.output.shape) == 2]
    if layer not in names:
        raise StageError(
            f"feature-importance.hidden_layer is {layer!r}; the MLP has the layers {', '.join(names)}. "
            "Name one of them in params.yaml."
        )
    return predict(up_to(network, layer), images)


def correlation_ratios(activations: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Return eta squared of each unit, float64 (n units,): the fraction of variance between the classes.

    activations: (n, n units). 0 where the class tells nothing or the unit is constant, 1 where the
    class tells all. It orders units as the F statistic of a one-way analysis of variance does, with
    which it is 1 / (1 + (n - k) / ((k - 1) F)) for k classes, Fisher (1925), Statistical Methods
    for Research Workers.
    """
    ratios = np.zeros(activations.shape[1])
    varies = np.flatnonzero(np.ptp(activations, axis=0) > 0)
    if len(varies):
        n, k = len(labels), len(np.unique(labels))
        with np.errstate(divide="ignore"):  # F is infinite for a unit that determines the class
            statistics, _ = f_classif(activations[:, varies].astype(np.float64), labels)
            ratios[varies] = 1 / (1 + (n - k) / ((k - 1) * statistics))
    return ratios


def describe_activations(activations: np.ndarray, labels: np.ndarray, classes: list[str]) -> pd.DataFrame:
    """Return one row per unit and class present: unit (from 0), class, quartiles, fraction_of_zeros.

    activations: (n, n units). The quartiles with the extremes are min, q1, median, q3 and max.
    """
    tables = []
    for label in np.unique(labels):
        mine = activations[labels == label]
        quartiles = np.quantile(mine, (0, 0.25, 0.5, 0.75, 1), axis=0)
        columns = {"unit": np.arange(mine.shape[1]), "label": label, "class": classes[label]}
        columns |= dict(zip(QUARTILES, quartiles, strict=True))
        tables.append(pd.DataFrame(columns | {"fraction_of_zeros": (mine == 0).mean(axis=0)}))
    table = pd.concat(tables).sort_values(["unit", "label"], kind="stable")
    return table.drop(columns="label").reset_index(drop=True)


def spread_over_ranks(ratios: np.ndarray, n: int) -> np.ndarray:
    """Return n units, int64, at equal steps of the ranking from the largest ratio to the smallest.

    All units, in that order, where there are no more than n.
    """
    ranking = np.argsort(-ratios, kind="stable")
    return ranking[np.unique(np.linspace(0, len(ranking) - 1, n).round().astype(np.int64))]


def draw(units: pd.DataFrame, ratios: np.ndarray, layer: str) -> Figure:
    """Draw box plots per class for units spread over their ranking; whiskers end at the extremes.

    units, ratios: see `describe_activations` and `correlation_ratios`
    """
    shown, ranks = spread_over_ranks(ratios, DRAWN), rank(ratios)
    rows = -(-len(shown) // 2)
    figure, axes = new_figure(9.4, 2.8 * rows + 0.5, nrows=rows, ncols=2, squeeze=False, sharey=True)
    for ax in axes.flat[len(shown) :]:
        ax.set_axis_off()
    for ax, unit in zip(axes.flat, shown, strict=False):
        _draw_boxes(ax, units[units["unit"] == unit])
        ax.set_title(f"Unit {unit}, rank {ranks[unit]}: eta squared {ratios[unit]:.2f}", pad=18)
    figure.supylabel("activation")
    figure.supxlabel("class")
    figure.suptitle(
        f"Activations of units of {layer} over all training images, ranked by eta squared, the fraction of\n"
        "variance between classes. Boxes: quartiles; whiskers: extremes; above: fraction of zeros"
    )
    return figure


def _draw_boxes(ax: Axes, table: pd.DataFrame) -> None:
    names = dict(zip(("whislo", "q1", "med", "q3", "whishi"), QUARTILES, strict=True))
    statistics = [{key: row[name] for key, name in names.items()} for _, row in table.iterrows()]
    box = {"facecolor": GOOD, "alpha": 0.45}
    ax.bxp(statistics, showfliers=False, patch_artist=True, boxprops=box, medianprops={"color": BAD, "lw": 2})
    places, classes = range(1, len(table) + 1), list(table["class"])
    long = max(map(len, classes)) > LONG
    ax.set_xticks(places, classes, rotation=40 if long else 0, ha="right" if long else "center")
    for place, zeros in zip(places, table["fraction_of_zeros"], strict=True):
        ax.text(place, 1.02, f"{zeros:.0%}", transform=ax.get_xaxis_transform(), ha="center", fontsize=8)
