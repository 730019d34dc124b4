"""How a stage runs: what dvc.yaml declares of it, its settings, its command line, its children.

Nothing here can change a byte that DVC tracks, so no stage depends on these files.
"""


class StageError(Exception):
    """A stage cannot go on; the message says what was expected, what was found, and what to do."""
