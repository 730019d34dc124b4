"""Images decoded from latent vectors, and how well each comes back through the encoder."""

from dataclasses import dataclass

import keras
import numpy as np
import pandas as pd

from stages.analysis.latent import reencoding_error
from stages.shared.data import PIXEL_MAX
from stages.shared.models import predict

REAL = "encoded test images"


@dataclass(frozen=True)
class Generated:
    """By source of the vectors: decoded images (n, height, width, channels) in [0, 1], mean errors."""

    images: dict[str, np.ndarray]
    errors: dict[str, float]

    @property
    def table(self) -> pd.DataFrame:
        """One row a source: source, n, reencoding_error."""
        rows = [
            {"source": name, "n": len(self.images[name]), "reencoding_error": error}
            for name, error in self.errors.items()
        ]
        return pd.DataFrame(rows)


def decode(vectors: dict[str, np.ndarray], encoder: keras.Model, decoder: keras.Model) -> Generated:
    """Decode the vectors (n, d) of each source and encode the images again."""
    images = {name: predict(decoder, values.astype(np.float32)) for name, values in vectors.items()}
    errors = {
        name: float(reencoding_error(values, predict(encoder, images[name] * PIXEL_MAX)).mean())
        for name, values in vectors.items()
    }
    return Generated(images, errors)
