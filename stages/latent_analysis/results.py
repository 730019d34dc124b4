"""What the parts of the analysis return, for the stage to write."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure


@dataclass(frozen=True)
class Results:
    """What one part of the analysis found: tables, arrays and plots by file name, and numbers by name."""

    tables: dict[str, pd.DataFrame]
    plots: dict[str, Figure]
    details: dict[str, Any] = field(default_factory=dict)
    arrays: dict[str, np.ndarray] = field(default_factory=dict)


def merge(*parts: Results) -> Results:
    """Return what all parts found; ValueError where two of them use a name twice."""
    kinds = ("tables", "plots", "details", "arrays")
    names = [(kind, name) for part in parts for kind in kinds for name in getattr(part, kind)]
    if twice := {name for name in names if names.count(name) > 1}:
        raise ValueError(f"two parts of the analysis use the same name: {twice}")
    return Results(*(dict(pair for part in parts for pair in getattr(part, kind).items()) for kind in kinds))
