"""The way back: from a run to the commands that bring its bytes back."""

from collections.abc import Iterator

from mlflow.entities import Run

from digits.tracking.digest import cached
from digits.tracking.history import History, Place, holds
from digits.tracking.ledger import declared


def commands(run: Run, history: History) -> Iterator[str]:
    """Yield one command for each output of the run, or a line that says why there is none."""
    for path, md5 in declared(run).items():
        place = history.find(md5)
        if place:
            yield _restore(place, path)
        elif cached(md5).is_file() and not md5.endswith(".dir"):
            yield f"cp {cached(md5)} {path}  # in no commit and no experiment, but in DVC's cache"
        else:
            yield f"# {path}: these bytes are in no commit and no experiment; run the stage again"


def _restore(place: Place, path: str) -> str:
    if holds(place.commit, path):
        command = f"git restore --source={place.commit[:12]} -- {path}"
    else:
        command = f"dvc get --force . {path} --rev {place.commit[:12]} --out {path}"
    return f"{command}  # of experiment {place.experiment}" if place.experiment else command
