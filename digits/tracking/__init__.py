"""Tracks runs: a local journal of each, sent on to MLflow; the only package that imports mlflow.

Nothing here can change a byte that DVC tracks, so no stage depends on these files.
"""

from digits.pipeline.declaration import Kind
from digits.tracking.digest import locked_outputs, md5
from digits.tracking.entry import Entry
from digits.tracking.run import Run, start

__all__ = ["Entry", "Kind", "Run", "locked_outputs", "md5", "start"]
