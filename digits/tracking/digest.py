"""MD5 of files and folders as DVC computes them, and dvc.lock, which names outputs by them."""

import hashlib
import json
from collections.abc import Iterable
from os.path import normpath
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from digits.pipeline.declaration import SPLITS, Kind

LOCK = Path("dvc.lock")
STUDIES = Path("studies")  # a DVC repository of its own within the project's
STUDIES_LOCK = STUDIES / "dvc.lock"
OUTPUT, INPUT = "output.", "input."  # prefixes of MLflow's tags; an MD5 follows, the value is the path
IGNORED = "__pycache__"  # what git and DVC leave out of a folder here; see .dvcignore


def md5(path: Path) -> str:
    """Return the MD5 of a file, or of a folder's listing with DVC's suffix `.dir`."""
    if path.is_file():
        with path.open("rb") as file:
            return hashlib.file_digest(file, "md5").hexdigest()
    listing = [{"md5": md5(file), "relpath": file.relative_to(path).as_posix()} for file in files(path)]
    listing.sort(key=lambda entry: entry["relpath"])
    return hashlib.md5(json.dumps(listing, sort_keys=True).encode()).hexdigest() + ".dir"


def files(path: Path) -> list[Path]:
    """Return the files of a folder, or the file itself, sorted."""
    if path.is_file():
        return [path]
    return sorted(p for p in path.rglob("*") if p.is_file() and IGNORED not in p.parts)


def digests(paths: Iterable[Path]) -> dict[str, str]:
    """Map the MD5 of each path, and of each file within a folder, to its path; absent ones are left out."""
    found: dict[str, str] = {}
    for path in paths:
        members = [path] if path.is_file() else [path, *files(path)] if path.is_dir() else []
        for member in members:
            found.setdefault(md5(member), member.as_posix())
    return found


def locked_stages(repository: Path = Path(), lock: Path = LOCK) -> dict[str, Any]:
    """Return the entries of a dvc.lock by stage, none where there is no such file.

    Paths of inputs and outputs start at the project's root, those of the studies too.
    """
    path = repository / lock
    stages = dict(YAML(typ="safe").load(path)["stages"]) if path.exists() else {}
    for entry in stages.values():
        for item in (*entry.get("deps", []), *entry.get("outs", [])):
            item["path"] = Path(normpath(lock.parent / item["path"])).as_posix()
    return stages


def locked_outputs() -> dict[str, str]:
    """Return the MD5 of each output in dvc.lock, of the pipeline and of the studies, by path."""
    entries = [entry for lock in (LOCK, STUDIES_LOCK) for entry in locked_stages(lock=lock).values()]
    return {out["path"]: out["md5"] for entry in entries for out in entry.get("outs", [])}


def kind_of(path: Path) -> Kind:
    """Return the kind of a path in dvc.lock, which names none: its first folder says it."""
    folder = path.relative_to(STUDIES).parts[0] if path.is_relative_to(STUDIES) else path.parts[0]
    if path.name in SPLITS:
        return "data"
    if folder == "metrics" and path.suffix == ".json":
        return "metrics"
    return "plots" if folder == "plots" and not path.suffix else "file"


def cached(md5: str, repository: Path = Path()) -> Path:
    """Return where DVC's cache keeps, or would keep, the bytes of this MD5."""
    return repository / ".dvc" / "cache" / "files" / "md5" / md5[:2] / md5[2:]
