"""What the stages are made of; a notebook imports from here: `from digits import load_model, predict`.

Each name is looked up in its module when first used, so that `import digits` does not load Keras.
"""

from importlib import import_module
from typing import Any

_HOMES = {
    "digits.data.splits": ("flatten", "read_dataset", "read_split", "scale", "to_pixels"),
    "digits.drawing.grid": ("Tile", "draw_grid", "fold"),
    "digits.networks.common.saved": ("load_model", "predict", "split_autoencoder", "up_to"),
}


def __getattr__(name: str) -> Any:
    for module, names in _HOMES.items():
        if name in names:
            return getattr(import_module(module), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
