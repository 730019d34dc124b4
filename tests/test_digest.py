"""Digests are those that DVC itself writes."""

import hashlib
import os
import shutil
import sys
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from digits.pipeline import processes
from digits.tracking.digest import digests, md5
from tests.support.helpers import ROOT

MEMBERS = {
    "b.txt": b"one",
    "a.txt": b"",
    "sub/deep/c.bin": bytes(range(256)) * 5000,
    "sub-way.txt": b"sorts before sub/",
    "ä ö.txt": b"two words",
    ".hidden": b"three",
    "sub/__pycache__/m.pyc": b"left out, see .dvcignore",
}


@pytest.fixture
def folder(workdir: Path) -> Path:
    for name, content in MEMBERS.items():
        path = workdir / "folder" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return workdir / "folder"


def test_files_and_folders_have_the_md5_of_dvc(folder: Path) -> None:
    shutil.copyfile(folder / "sub/deep/c.bin", "file.bin")
    Path("empty").mkdir()
    os_environment = os.environ | {"DVC_NO_ANALYTICS": "1", "DVC_SITE_CACHE_DIR": str(folder.parent / "site")}
    for arguments in (["init", "--no-scm", "-q"], ["add", "-q", "folder", "file.bin", "empty"]):
        if arguments[0] == "add":
            shutil.copyfile(ROOT / ".dvcignore", ".dvcignore")
        processes.run([sys.executable, "-m", "dvc", *arguments], env=os_environment, check=True)
    for name in ("folder", "file.bin", "empty"):
        (entry,) = YAML(typ="safe").load(Path(f"{name}.dvc"))["outs"]
        assert md5(Path(name)) == entry["md5"]


def test_a_folder_s_digest_moves_with_content_and_name(folder: Path) -> None:
    found = {md5(folder)}
    (folder / "sub/__pycache__/other.pyc").write_bytes(b"no matter")
    assert {md5(folder)} == found
    (folder / "b.txt").write_bytes(b"two")
    found.add(md5(folder))
    (folder / "b.txt").rename(folder / "d.txt")
    found.add(md5(folder))
    (folder / "e.txt").write_bytes(b"")
    found.add(md5(folder))
    assert len(found) == 4
    assert all(digest.endswith(".dir") for digest in found)


def test_a_folder_and_each_of_its_files_is_named(folder: Path) -> None:
    found = digests([Path("folder"), Path("absent"), Path("folder/b.txt")])
    kept = [name for name in MEMBERS if "__pycache__" not in name]
    assert found == {
        md5(folder): "folder",
        **{hashlib.md5(MEMBERS[name]).hexdigest(): f"folder/{name}" for name in kept},
    }
