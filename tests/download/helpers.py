"""What the tests of the download and their fixtures share."""

import gzip
import hashlib
from pathlib import Path

from stages.download import registry
from stages.download.sources import Folder

NAMES = [file.name for file in registry.MNIST.files]
IMAGES = NAMES[0]


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def read(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.glob("*")}


def folder(path: Path, contents: dict[str, bytes], packed: bool = False) -> Folder:
    path.mkdir()
    for name, data in contents.items():
        target = path / (f"{name}.gz" if packed else name)
        target.write_bytes(gzip.compress(data) if packed else data)
    return Folder(path.name, path)
