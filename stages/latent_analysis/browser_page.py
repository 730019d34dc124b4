"""A page for the browser that shows the image behind each dot of a map: one file, nothing to load."""

import base64
import io
import json
from html import escape
from pathlib import Path

import numpy as np
from PIL import Image

from digits.drawing.grid import tile_images
from digits.drawing.style import COLOURS
from stages.latent_analysis.spaces import SPACES, Maps

TEMPLATE = Path(__file__).with_name("browser_page.html")
METHODS = {"pca": "PCA", "tsne": "t-SNE"}
COLUMNS = 40  # images in a row of the one picture that holds them all
DECIMALS = 4  # of coordinates between 0 and 1


def build_page(maps: Maps, classes: list[str]) -> str:
    """Return the HTML page of the maps' test images."""
    images = maps.test.images
    data = {
        "classes": classes,
        "colours": [COLOURS[label % len(COLOURS)] for label in range(len(classes))],
        "labels": maps.test.labels.tolist(),
        "indices": maps.test.indices.tolist(),
        "spaces": {name: SPACES[name] for name in maps.spaces},
        "maps": {
            METHODS[method]: {name: fit_square(points.test).tolist() for name, points in by_space.items()}
            for method, by_space in maps.methods.items()
        },
        "sheet": {"columns": COLUMNS, "height": images.shape[1], "width": images.shape[2]},
    }
    replacements = {
        "{{title}}": escape(f"{len(images):,} test images in {len(data['spaces'])} spaces"),
        "{{sheet}}": base64.b64encode(encode_images(images)).decode(),
        "{{data}}": json.dumps(data, separators=(",", ":")).replace("<", "\\u003c"),
    }
    text = TEMPLATE.read_text(encoding="utf-8")
    for mark, value in replacements.items():
        text = text.replace(mark, value)
    return text


def fit_square(points: np.ndarray) -> np.ndarray:
    """Return points (n, 2) moved and scaled, equally along both axes, to fill [0, 1]; y points down."""
    low, high = points.min(axis=0), points.max(axis=0)
    extent = float((high - low).max()) or 1.0
    fitted = (points - (low + high) / 2) / extent + 0.5
    return np.round(np.stack([fitted[:, 0], 1 - fitted[:, 1]], axis=1).astype(np.float64), DECIMALS)


def encode_images(images: np.ndarray) -> bytes:
    """Return images, uint8 (n, height, width, channels), as one PNG with COLUMNS images per row."""
    whole = tile_images(images, -(-len(images) // COLUMNS), COLUMNS)
    buffer = io.BytesIO()
    Image.fromarray(whole if whole.shape[2] == 3 else 255 - whole[..., 0]).save(buffer, "PNG", optimize=True)
    return buffer.getvalue()
