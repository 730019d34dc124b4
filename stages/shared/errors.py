"""Errors that end a stage with a message instead of a traceback."""


class StageError(Exception):
    """The stage cannot go on; the message says what was expected, what came and what to do."""
