"""Tracks runs: a local journal of each, sent on to MLflow; the only package that imports mlflow.

Nothing here can change a byte that DVC tracks, so no stage depends on these files.
"""

from digits.tracking.digest import locked_outputs, md5
from digits.tracking.run import Entry, Run, start

__all__ = ["Entry", "Run", "locked_outputs", "md5", "start"]
