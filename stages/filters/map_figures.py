"""Pictures of the first filters and of the maps of single images."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from stages.filters.maps import Maps
from stages.filters.scales import scale, scale_signed
from stages.filters.sheet import DRAWN, Cell, Sheet, count, draw_sheet, fold


def kernels(weights: np.ndarray, responses: np.ndarray, name: str) -> Figure:
    """Draw the filters of the first convolution, each above its response to one image.

    weights: (height, width, channels, n filters); the channels are drawn side by side
    responses: (height, width, n filters), of the convolution itself; name: the image's class
    """
    n = min(weights.shape[-1], DRAWN)
    flat = weights.transpose(3, 0, 2, 1).reshape(weights.shape[-1], weights.shape[0], -1)[:n]
    norms = scale_signed(flat), scale(responses[..., :n])
    upper = fold([Cell(values, norms[0], str(number)) for number, values in enumerate(flat)])
    lower = fold([Cell(responses[..., number], norms[1]) for number in range(n)])
    rows = [row for pair in zip(upper, lower, strict=True) for row in pair]
    scales = list(zip(norms, ("weight", "response"), strict=True))
    drawn = count(n, weights.shape[-1], "filters")
    return draw_sheet(
        Sheet(rows, 1.0, scales),
        f"{drawn} of the first convolution, each above its response to an image of class {name}",
    )


def all_maps(found: Maps, position: int, image: np.ndarray, name: str) -> Figure:
    """Draw every map of a convolution, after its activation, for the image at `position`."""
    maps = found.activations[position]
    n, norm = min(maps.shape[-1], DRAWN), scale(maps)
    cells = [Cell(image, caption=name), *(Cell(maps[..., i], norm, str(i)) for i in range(n))]
    still = int((np.ptp(maps, axis=(0, 1)) == 0).sum())
    drawn = count(n, maps.shape[-1], "maps")
    return draw_sheet(
        Sheet(fold(cells), 1.0, [(norm, "activation")]),
        f"{found.layer}: {drawn} of {maps.shape[0]} x {maps.shape[1]} nodes, after the activation,\n"
        f"for an image of class {name}; {still} of all maps have one value everywhere",
    )


def class_maps(
    found: Sequence[Maps], chosen: Sequence[np.ndarray], images: np.ndarray, classes: Sequence[str]
) -> Figure:
    """Draw an image of each class (n, height, width, channels) in a row with chosen maps of each convolution.

    chosen: numbers of maps, for each convolution. Each convolution has a scale of its own.
    """
    norms = [scale(each.activations[..., numbers]) for each, numbers in zip(found, chosen, strict=True)]
    rows = []
    for position, image in enumerate(images):
        row = [Cell(image)]
        for each, numbers, norm in zip(found, chosen, norms, strict=True):
            maps = each.activations[position]
            row += [Cell(maps[..., i], norm, str(i) if position == 0 else "") for i in numbers]
        rows.append(row)
    sizes = [(each.layer, len(numbers)) for each, numbers in zip(found, chosen, strict=True)]
    return draw_sheet(
        Sheet(rows, 0.62, names=classes, groups=[("", 1), *sizes]),
        "the maps of each convolution that differ most between images of the classes",
    )
