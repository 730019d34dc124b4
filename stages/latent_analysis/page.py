"""A page that shows the image behind each dot: one file, nothing fetched."""

import base64
import io
import json
from collections.abc import Mapping
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from digits.drawing.style import COLOURS
from stages.latent_analysis.case import Case
from stages.latent_analysis.spaces import TITLES

if TYPE_CHECKING:
    from stages.latent_analysis.embedding import Maps

TEMPLATE = Path(__file__).with_name("page.html")
COLUMNS = 40  # images in a row of the sheet
DECIMALS = 4  # of coordinates between 0 and 1


def build(case: Case, chosen: np.ndarray, methods: Mapping[str, Mapping[str, "Maps"]]) -> str:
    """Return the page of the chosen test images in every map of every space."""
    images = case.test.images[chosen]
    data = {
        "classes": case.classes,
        "colours": [COLOURS[label % len(COLOURS)] for label in range(len(case.classes))],
        "labels": case.test.labels[chosen].tolist(),
        "indices": case.test.indices[chosen].tolist(),
        "spaces": {name: TITLES[name] for name in next(iter(methods.values()))},
        "maps": {
            method: {name: fit_square(each.test).tolist() for name, each in maps.items()}
            for method, maps in methods.items()
        },
        "sheet": {"columns": COLUMNS, "height": images.shape[1], "width": images.shape[2]},
    }
    replacements = {
        "{{title}}": escape(f"{len(images):,} test images in {len(data['spaces'])} spaces"),
        "{{sheet}}": base64.b64encode(encode_sheet(images)).decode(),
        "{{data}}": json.dumps(data, separators=(",", ":")).replace("<", "\\u003c"),
    }
    text = TEMPLATE.read_text(encoding="utf-8")
    for mark, value in replacements.items():
        text = text.replace(mark, value)
    return text


def fit_square(points: np.ndarray) -> np.ndarray:
    """Return points (n, 2) moved and scaled alike along both axes, so that they fill [0, 1]; y downwards."""
    low, high = points.min(axis=0), points.max(axis=0)
    extent = float((high - low).max()) or 1.0
    fitted = (points - (low + high) / 2) / extent + 0.5
    return np.round(np.stack([fitted[:, 0], 1 - fitted[:, 1]], axis=1).astype(np.float64), DECIMALS)


def encode_sheet(images: np.ndarray) -> bytes:
    """Return images, uint8 (n, height, width, channels), as one PNG, COLUMNS in a row."""
    n, height, width, channels = images.shape
    rows = -(-n // COLUMNS)
    padded = np.zeros((rows * COLUMNS, height, width, channels), np.uint8)
    padded[:n] = images
    sheet = padded.reshape(rows, COLUMNS, height, width, channels).swapaxes(1, 2)
    sheet = sheet.reshape(rows * height, COLUMNS * width, channels)
    buffer = io.BytesIO()
    Image.fromarray(sheet if channels == 3 else 255 - sheet[..., 0]).save(buffer, "PNG", optimize=True)
    return buffer.getvalue()
