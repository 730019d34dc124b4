"""The state of a training after each epoch, kept outside git and DVC, so that it can resume."""

import hashlib
import json
import os
import sys
import zipfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from digits.compute import VARIABLES
from digits.data.files import replacing
from digits.tracking.journal import root

KEPT = 12  # the newest files; older ones belong to trainings that were never resumed
UNDECLARED = ("digits.pipeline", "digits.tracking")
LIBRARIES = ("keras", "numpy", "tensorflow", "jaxlib", "torch")


@dataclass(frozen=True)
class TrainingState:
    """A training between two epochs: metrics of each completed one, the best one so far, from 1."""

    rows: list[dict[str, float]]
    best_epoch: int
    variables: Sequence[np.ndarray]  # the network's (seed generators too), then the optimizer's
    best_weights: Sequence[np.ndarray]


def folder() -> Path:
    """Return the folder of all checkpoints."""
    return root() / ".checkpoints"


def key(settings: str, arrays: Iterable[np.ndarray]) -> str:
    """Return a name for all that decides a training: settings, arrays, code and library versions.

    The code is every loaded module of `digits` but those that cannot move a byte (see pyproject.toml).
    """
    digest = hashlib.sha256(settings.encode())
    for array in arrays:
        digest.update(array.tobytes())
    for name, module in sorted(sys.modules.items()):
        if name.startswith("digits.") and not name.startswith(UNDECLARED) and module.__file__:
            digest.update(Path(module.__file__).read_bytes())
    versions = {library: version(library) for library in LIBRARIES if find_spec(library)}
    environment = {name: os.environ.get(name) for name in VARIABLES}
    digest.update(json.dumps([versions, environment], sort_keys=True).encode())
    return digest.hexdigest()[:32]


class Checkpoint:
    """One training's state on disk, replaced after each epoch.

    A training that has ended but whose network is not yet written leaves its state to be read again as
    it is; a finished one leaves it, if at all, only to continue with more epochs.
    """

    def __init__(self, name: str) -> None:
        self._path = folder() / f"{name}.npz"
        self._finished = folder() / f"{name}.finished.npz"

    def save(self, state: TrainingState) -> None:
        """Write the state, and delete the oldest files of the folder."""
        header = json.dumps([state.rows, state.best_epoch, len(state.variables)])
        arrays = {str(number): array for number, array in enumerate((*state.variables, *state.best_weights))}
        with replacing(self._path) as temporary, temporary.open("wb") as file:
            np.savez(file, allow_pickle=False, header=header, **arrays)
        for path in sorted(folder().glob("[!.]*.npz"), key=_age)[:-KEPT]:
            path.unlink(missing_ok=True)

    def load(self, epochs: int) -> TrainingState | None:
        """Return the state from which to train up to so many epochs; None if there is none."""
        for path, most in ((self._path, epochs), (self._finished, epochs - 1)):
            if (state := self._read(path)) and len(state.rows) <= most:
                return state
        return None

    def finish(self, keep: bool) -> None:
        """Mark the training as written; keep its state to continue with more epochs, or delete it."""
        if not keep:
            self._path.unlink(missing_ok=True)
        elif self._path.exists():
            self._path.replace(self._finished)

    @staticmethod
    def _read(path: Path) -> TrainingState | None:
        try:
            with np.load(path, allow_pickle=False) as file:
                rows, best_epoch, split = json.loads(str(file["header"]))
                arrays = [file[str(number)] for number in range(len(file.files) - 1)]
        except FileNotFoundError:
            return None
        except (OSError, EOFError, ValueError, KeyError, zipfile.BadZipFile) as error:
            print(f"{path} cannot be read ({error}); the training starts again.", file=sys.stderr)
            return None
        return TrainingState(rows, best_epoch, arrays[:split], arrays[split:])


def _age(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except FileNotFoundError:  # another training has just deleted it
        return 0.0
