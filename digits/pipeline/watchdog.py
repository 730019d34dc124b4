"""Ends a stage together with the `dvc` that started it, so that no orphan goes on writing."""

import os
import signal
import threading
import time
from pathlib import Path
from types import FrameType

SHELLS = ("bash", "dash", "fish", "ksh", "sh", "zsh")
GRACE_SECONDS = 10.0  # for the record to be closed, before the process is ended in whatever it does
TERMINATED = 128 + signal.SIGTERM


def hold() -> None:
    """Turn SIGTERM into SystemExit; where DVC started this process, watch it and end when it is gone."""
    signal.signal(signal.SIGTERM, _end)
    if "DVC_STAGE" in os.environ:
        threading.Thread(target=_watch, args=(_starters(),), name="watchdog", daemon=True).start()


def _end(number: int, frame: FrameType | None) -> None:
    raise SystemExit(TERMINATED)


def _watch(starters: tuple[int, ...]) -> None:
    while _starters() == starters:
        time.sleep(0.5)
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(GRACE_SECONDS)
    os._exit(TERMINATED)


def _starters() -> tuple[int, ...]:
    """Return the parent, and the parent's parent where a shell stands between DVC and this process."""
    parent = os.getppid()
    try:
        name, _, rest = Path(f"/proc/{parent}/stat").read_text().partition("(")[2].rpartition(")")
    except OSError:  # no Linux, or the parent is gone
        return (parent,)
    return (parent, int(rest.split()[1])) if name in SHELLS else (parent,)
