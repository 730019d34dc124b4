"""The local journal: one folder per run, one JSON line per event, outside DVC and git."""

import fcntl
import json
import os
import shutil
import threading
import time
import uuid
from contextlib import closing
from pathlib import Path
from typing import Any

from digits.pipeline.declaration import PACKAGES

Event = dict[str, Any]


def root() -> Path:
    """Return the project's own folder: not a temporary copy of DVC's, nor the studies' DVC repository in it.

    In both, DVC names the folder of the original DVC repository.
    """
    repository = Path(os.environ.get("DVC_ROOT") or Path.cwd())
    within = repository.name in PACKAGES and (repository.parent / "dvc.yaml").exists()
    return repository.parent if within else repository


def given(path: str) -> Path:
    """Return a path as the user means it: a relative one starts at the project's own folder."""
    return root().resolve() / path


def folder() -> Path:
    """Return the folder of all journals."""
    return root() / ".journal"


def journals() -> list[Path]:
    """Return the folders of all journals, oldest first."""
    return sorted(path.parent for path in folder().glob("[!.]*/events.jsonl"))


def waits(path: Path) -> bool:
    """Whether no process writes the journal in the folder and MLflow has not received all of it."""
    with closing(Journal(path)) as journal:
        return journal.unfinished() and journal.lock()


class Journal:
    """Events of one run, appended and never changed, with a mark of how many MLflow has received.

    The writer holds a lock on the file, so that others can tell a living run from a dead one.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file = (path / "events.jsonl").open("a", encoding="utf-8")
        self._appending = threading.Lock()
        self._over = False

    @classmethod
    def create(cls, stage: str) -> "Journal":
        """Start a new journal and lock it."""
        name = f"{time.strftime('%Y%m%dT%H%M%S')}-{stage}-{uuid.uuid4().hex[:12]}"
        hidden = folder() / f".{name}"  # until it is locked: another process might take it for dead
        (hidden / "files").mkdir(parents=True)
        journal = cls(hidden)
        journal.lock()
        journal.path = hidden.rename(folder() / name)
        return journal

    @property
    def files(self) -> Path:
        """The folder of the kept copies."""
        return self.path / "files"

    def lock(self) -> bool:
        """Lock the journal for this process and drop half a line at its end; False where another has it."""
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return False
        content = (self.path / "events.jsonl").read_bytes()
        os.truncate(self._file.fileno(), content.rfind(b"\n") + 1)  # a line cut short by a kill
        return True

    def close(self) -> None:
        """Release the journal."""
        self._file.close()

    def append(self, name: str, **content: Any) -> None:
        """Write one event to the disk; after `end` nothing more is written."""
        line = json.dumps({"event": name, "time": int(time.time() * 1000), **content})
        with self._appending:
            if self._over:
                return
            self._file.write(line + "\n")
            self._file.flush()
            os.fsync(self._file.fileno())
            self._over = name == "end"

    def keep(self, source: Path, name: str) -> None:
        """Keep a copy of a file or folder, which may be gone when the event is sent."""
        target = self.files / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target, dirs_exist_ok=True)
        else:
            shutil.copyfile(source, target)

    def events(self) -> list[Event]:
        """Return all whole events; a line cut short by a kill is left out."""
        lines = (self.path / "events.jsonl").read_text(encoding="utf-8").splitlines(keepends=True)
        return [json.loads(line) for line in lines if line.endswith("\n")]

    def unsent(self) -> list[Event]:
        """Return the events that MLflow has not received."""
        return self.events()[self.state["sent"] :]

    def unfinished(self) -> bool:
        """Whether MLflow lacks an event, or the journal lacks its end."""
        return bool(self.unsent()) or not self.ended()

    def ended(self) -> bool:
        """Whether the journal holds the end of its run."""
        return any(event["event"] == "end" for event in self.events())

    @property
    def state(self) -> dict[str, Any]:
        """What was sent so far: `sent`, the number of events, and `run_id` once there is one."""
        try:
            return json.loads((self.path / "state.json").read_text())
        except FileNotFoundError:
            return {"sent": 0}

    def save_state(self, **changes: Any) -> None:
        """Change the state in one step."""
        temporary = self.path / "state.json.new"
        temporary.write_text(json.dumps({**self.state, **changes}))
        temporary.replace(self.path / "state.json")
