"""What happened, journalled locally and sent on to MLflow; the only package that imports mlflow.

Nothing here can change a byte that DVC tracks, so no stage depends on these files.
"""

from stages.record.digest import locked_outputs, md5
from stages.record.journal import Kind
from stages.record.run import Entry, Run, start

__all__ = ["Entry", "Kind", "Run", "locked_outputs", "md5", "start"]
