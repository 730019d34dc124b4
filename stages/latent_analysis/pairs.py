"""The strongest pairs of latent axes: their density, and the ellipses of the fitted normal distribution."""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from digits.analysis.latent.ellipse import Ellipse, fit_ellipse, strongest_pairs
from digits.data.files import write_table
from digits.drawing.style import BAD, new_figure, save
from stages.latent_analysis.case import Case

PAIRS, BINS = 6, 40
SHARES = (0.5, 0.95, 0.99)  # of a normal distribution within each ellipse


def report(case: Case) -> None:
    """Write density and ellipses of the strongest pairs."""
    chosen = strongest_pairs(case.region, PAIRS)
    ellipses = {
        pair: {share: fit_ellipse(case.region.covariance[np.ix_(pair, pair)], share) for share in SHARES}
        for pair in chosen
    }
    write_table(case.plots / "pairs.csv", tabulate(case, ellipses))
    density = count(case.codes, chosen)
    write_table(case.plots / "pair_density.csv", density)
    save(case.plots / "pairs.png", draw(case, ellipses))


def tabulate(case: Case, ellipses: dict[tuple[int, int], dict[float, Ellipse]]) -> pd.DataFrame:
    """Return one row an ellipse: axis, other, correlation, share, half axes, angle in degrees, inside.

    share: of a normal distribution; inside: of the training vectors
    """
    rows = []
    for pair, each in ellipses.items():
        for share, ellipse in each.items():
            inside = ellipse.holds(case.codes[:, pair] - case.region.mean[list(pair)]).mean()
            rows.append(
                (
                    *(axis + 1 for axis in pair),
                    case.region.correlation[pair],
                    share,
                    *ellipse.half_axes,
                    np.degrees(ellipse.angle),
                    inside,
                )
            )
    columns = [
        "axis",
        "other",
        "correlation",
        "share",
        "long_half_axis",
        "short_half_axis",
        "angle",
        "inside",
    ]
    return pd.DataFrame(rows, columns=columns)


def count(codes: np.ndarray, chosen: list[tuple[int, int]]) -> pd.DataFrame:
    """Return one row a cell that has vectors, of each pair: axis, other, x, y (its middle), vectors."""
    tables = [pd.DataFrame(columns=["axis", "other", "x", "y", "vectors"])]
    for pair in chosen:
        cells, x, y = np.histogram2d(codes[:, pair[0]], codes[:, pair[1]], BINS)
        row, column = np.nonzero(cells)
        middle = ((x[:-1] + x[1:]) / 2)[row], ((y[:-1] + y[1:]) / 2)[column]
        columns = {"x": middle[0], "y": middle[1], "vectors": cells[row, column].astype(int)}
        tables.append(pd.DataFrame({"axis": pair[0] + 1, "other": pair[1] + 1, **columns}))
    return pd.concat(tables[1:] or tables)


def draw(case: Case, ellipses: dict[tuple[int, int], dict[float, Ellipse]]) -> Figure:
    """Draw the density of each pair with its ellipses."""
    columns = min(3, max(1, len(ellipses)))
    rows = max(1, -(-len(ellipses) // columns))
    figure, axes = new_figure(3.2 * columns, 3.1 * rows + 0.6, nrows=rows, ncols=columns, squeeze=False)
    for ax in axes.flat[len(ellipses) :]:
        ax.set_axis_off()
    for ax, (pair, each) in zip(axes.flat, ellipses.items(), strict=False):
        ax.hist2d(case.codes[:, pair[0]], case.codes[:, pair[1]], BINS, cmap="Greys", norm="asinh")
        for ellipse in each.values():
            ax.plot(*ellipse.points(case.region.mean[list(pair)], 200).T, color=BAD, lw=1.2)
        ax.set(
            xlabel=f"axis {pair[0] + 1}",
            ylabel=f"axis {pair[1] + 1}",
            title=f"correlation {case.region.correlation[pair]:+.2f}, "
            f"{np.degrees(each[SHARES[0]].angle):.0f}°",
            aspect="equal",
        )
    shares = ", ".join(f"{share:.0%}" for share in SHARES)
    figure.suptitle(
        f"the most correlated axes: density of the training images' vectors and the ellipses that hold\n"
        f"{shares} of the fitted normal distribution, with the angle of the long axis"
    )
    return figure
