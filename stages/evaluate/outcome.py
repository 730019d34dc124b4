"""What a network says of the test images: where tables and galleries begin."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from digits.data.splits import Split


@dataclass(frozen=True)
class Outcome:
    """A network's name, the test split, its classes, and probabilities float32 (n, n_classes)."""

    name: str
    test: Split
    classes: list[str]
    probabilities: np.ndarray

    @cached_property
    def predictions(self) -> np.ndarray:
        """The most probable classes, int64 (n,)."""
        return np.asarray(self.probabilities.argmax(axis=1))

    @cached_property
    def confidences(self) -> np.ndarray:
        """The highest probabilities, (n,)."""
        return np.asarray(self.probabilities.max(axis=1))

    @cached_property
    def correct(self) -> np.ndarray:
        """Whether the prediction is the label, bool (n,)."""
        return np.asarray(self.predictions == self.test.labels)

    @property
    def title(self) -> str:
        """The name as captions have it."""
        return self.name.upper()

    def most_confident(self, chosen: np.ndarray, n: int) -> np.ndarray:
        """Return the positions of n images of a selection, bool (n_test,), the most confident first."""
        positions = np.flatnonzero(chosen)
        return positions[np.argsort(-self.confidences[positions], kind="stable")[:n]]

    def describe(self, positions: np.ndarray) -> pd.DataFrame:
        """Return one row an image: index in the original file, label, prediction, confidence."""
        names = np.array(self.classes)
        return pd.DataFrame(
            {
                "index": self.test.indices[positions],
                "label": names[self.test.labels[positions]],
                "prediction": names[self.predictions[positions]],
                "confidence": self.confidences[positions],
            }
        )
