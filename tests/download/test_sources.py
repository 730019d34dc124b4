"""Sources: their order, mirrors that fail, commands that do not end."""

import gzip
import time
from pathlib import Path
from typing import Any

import pytest

from digits.pipeline import StageError
from stages.download import sources
from stages.download.collect import collect
from stages.download.registry import Dataset
from stages.download.sources import Folder
from tests.download.helpers import IMAGES, NAMES, read, sha256


def test_wrong_byte_is_refused_and_the_next_source_used(
    tmp_path: Path,
    dataset: Dataset,
    contents: dict[str, bytes],
    flipped: Folder,
    good: Folder,
    capsys: pytest.CaptureFixture[str],
) -> None:
    served = collect(dataset, [flipped, good], tmp_path / "raw")
    assert served == dict.fromkeys(NAMES, "flipped") | {IMAGES: "good"}
    assert read(tmp_path / "raw") == contents
    found = sha256((flipped.path / IMAGES).read_bytes())
    expected = sha256(contents[IMAGES])
    assert capsys.readouterr().err == (
        f"download: {IMAGES} from flipped: refused: expected SHA-256 {expected}, found {found}\n"
    )


def test_mirror_serves_gz(tmp_path: Path, dataset: Dataset, contents: dict[str, bytes], serve: Any) -> None:
    def answer(request: Any) -> None:
        request.send_response(200)
        request.end_headers()
        request.wfile.write(gzip.compress(contents[request.path.strip("/").removesuffix(".gz")]))

    mirror, asked = serve(answer)
    assert collect(dataset, [mirror], tmp_path) == dict.fromkeys(NAMES, mirror.name)
    assert asked == [f"/{name}.gz" for name in NAMES]
    assert read(tmp_path) == contents


def test_mirror_is_asked_once_after_a_failure(
    tmp_path: Path, dataset: Dataset, good: Folder, serve: Any
) -> None:
    mirror, asked = serve(lambda request: request.send_error(404))
    assert set(collect(dataset, [mirror, good], tmp_path / "raw").values()) == {"good"}
    assert len(asked) == 1


def test_silent_server_is_left_after_a_while(
    tmp_path: Path, dataset: Dataset, serve: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sources, "SILENCE_SECONDS", 0.2)
    mirror, _ = serve(lambda request: time.sleep(1))
    with pytest.raises(StageError, match=r"127.0.0.1:\d+: no usable answer \(ReadTimeout\)"):
        collect(dataset, [mirror], tmp_path)


def test_endless_answer_is_cut_off(tmp_path: Path, dataset: Dataset, serve: Any) -> None:
    def answer(request: Any) -> None:
        request.send_response(200)
        request.end_headers()
        while True:
            try:
                request.wfile.write(bytes(1 << 16))
            except OSError:
                return

    mirror, _ = serve(answer)
    with pytest.raises(StageError, match=r"sends more than [\d,]+ bytes"):
        collect(dataset, [mirror], tmp_path)


def test_slow_command_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources, "SOURCE_SECONDS", 0.1)
    with pytest.raises(sources.SourceError, match=r"took longer than 0.1 s"):
        sources.execute(tmp_path, "sleep", "5")
    with pytest.raises(sources.SourceError, match="no-such-command is not installed here"):
        sources.execute(tmp_path, "no-such-command")
