"""Starts other programs, so that none of them can act on a repository that it was not started in.

Git hands its hooks variables (GIT_DIR, GIT_INDEX_FILE, ...) that lead every git below them, whatever its
current folder, to the repository whose hook runs. No child has them.
"""

import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

PREFIX = "GIT_"
# Git as nobody has configured it, with a committer: for repositories that we make ourselves.
SETTINGS = {
    "user.name": "sandbox",
    "user.email": "sandbox@localhost",
    "core.attributesFile": os.devnull,
    "core.excludesFile": os.devnull,
}
UNCONFIGURED = {
    "GIT_ATTR_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_COUNT": str(len(SETTINGS)),
    **{f"GIT_CONFIG_KEY_{number}": name for number, name in enumerate(SETTINGS)},
    **{f"GIT_CONFIG_VALUE_{number}": value for number, value in enumerate(SETTINGS.values())},
}


def run(
    command: Sequence[str | Path], *, env: Mapping[str, str] | None = None, own: bool = False, **options: Any
) -> "subprocess.CompletedProcess[Any]":
    """Run a program to its end, as subprocess.run; `env` is this process's environment unless given.

    `own` says that the repository it works in is one of ours, made for the purpose: the user's
    configuration of git (signatures, hooks, ignored files) is then not read.
    """
    return subprocess.run(command, env=_environment(env, own), **options)


def output(*command: str, **options: Any) -> str:
    """Return what a program prints, stripped; nothing where it fails, or runs longer than a `timeout`."""
    try:
        done = run(command, capture_output=True, text=True, **options)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


def start(
    command: Sequence[str | Path], *, env: Mapping[str, str] | None = None, own: bool = False, **options: Any
) -> "subprocess.Popen[Any]":
    """Start a program beside this one, as subprocess.Popen; `env` and `own` are those of `run`."""
    return subprocess.Popen(command, env=_environment(env, own), **options)


def _environment(env: Mapping[str, str] | None, own: bool) -> dict[str, str]:
    given = os.environ if env is None else env
    kept = {name: value for name, value in given.items() if not name.startswith(PREFIX)}
    return kept | UNCONFIGURED if own else kept
