"""The stage download: its registry and settings, what it writes, and what it leaves when it fails."""

import json
import os
import re
import shutil
import signal
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

import pytest

from digits.pipeline import StageError, processes, settings
from digits.pipeline.stage import Paths, settings_model
from stages.download.__main__ import main
from stages.download.collect import collect
from stages.download.content import File
from stages.download.registry import DATASETS, Dataset
from stages.download.sources import Apt, Folder, Mirror, Pip
from tests.download.helpers import IMAGES, NAMES, folder, read
from tests.support.helpers import ROOT

DEAD = "http://127.0.0.1:9"
OFFLINE = {
    **dict.fromkeys(("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"), DEAD),
    **{f"PIP_{name}": DEAD for name in ("INDEX_URL", "EXTRA_INDEX_URL", "FIND_LINKS")},
    "PIP_CONFIG_FILE": os.devnull,
    "PYTHONPATH": str(ROOT),
}


class Notes(dict[str, str]):
    """Stands in for the record, of which this stage uses one method."""

    def note(self, key: str, value: str) -> None:
        self[key] = value


def test_every_data_set_can_be_chosen() -> None:
    assert get_args(settings_model(main, {}).model_fields["dataset"].annotation) == tuple(DATASETS)


@pytest.mark.parametrize("name", DATASETS)
def test_registry_entry_is_complete(name: str) -> None:
    entry = DATASETS[name]
    assert entry.name == name
    assert [file.name for file in entry.files] == NAMES
    assert all(re.fullmatch("[0-9a-f]{64}", file.sha256) for file in entry.files)
    assert [file.size for file in entry.files] == [47_040_016, 60_008, 7_840_016, 10_008]
    assert len(set(entry.classes)) == 10
    assert all([entry.title, entry.licence, entry.citation])
    mirrors = [source for source in entry.sources if isinstance(source, Mirror)]
    assert mirrors
    assert all(mirror.name.startswith("https://") for mirror in mirrors)
    assert isinstance(entry.sources[-1], Pip | Apt)


def test_the_card_carries_the_doubtful_test_labels() -> None:
    doubtful = DATASETS["mnist"].card()["doubtful_test_labels"]
    assert len(set(doubtful)) == len(doubtful) == 15
    assert {2130, 8527} < set(doubtful)
    assert DATASETS["fashion-mnist"].card()["doubtful_test_labels"] == ()


@pytest.mark.parametrize("name", DATASETS)
def test_doubtful_images_lie_within_the_test_file(name: str) -> None:
    dataset = DATASETS[name]
    labels = next(file for file in dataset.files if file.name == "t10k-labels-idx1-ubyte")
    assert all(0 <= index < labels.size - 8 for index in dataset.doubtful_test_labels)


def test_hashes_of_the_data_sets_differ() -> None:
    hashes = [file.sha256 for entry in DATASETS.values() for file in entry.files]
    assert len(set(hashes)) == 8


def test_unknown_data_set_is_a_parameter_error(workdir: Path) -> None:
    Path("params.yaml").write_text("dataset: cifar\n")
    with pytest.raises(settings.ParameterError, match=r"cifar.*'mnist' or 'fashion-mnist'"):
        settings.load(settings_model(main, {}))


def test_command_line_is_answered_without_heavy_imports() -> None:
    code = (
        "import sys, stages.download.__main__;"
        "sys.exit(str({'numpy', 'pandas', 'pooch', 'mlflow'} & set(sys.modules) or ''))"
    )
    done = processes.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.stderr.strip() == ""


@pytest.mark.parametrize("packed", [False, True], ids=["plain", "gz"])
def test_stage_writes_the_same_folder_each_time(
    packed: bool,
    tmp_path: Path,
    dataset: Dataset,
    contents: dict[str, bytes],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    folder(tmp_path / "mirror", contents, packed)
    monkeypatch.setitem(DATASETS, "mnist", dataset)
    monkeypatch.setenv("MNIST_MIRROR", str(tmp_path / "mirror"))
    for raw in (tmp_path / "one", tmp_path / "two"):
        notes: Any = Notes()
        main(Paths("download", {"raw": raw}), notes, "mnist")
    card = read(raw).pop("dataset.json")
    assert read(tmp_path / "one") == read(raw) == contents | {"dataset.json": card}
    assert json.loads(card) == {
        "name": "mnist",
        "title": "MNIST",
        "classes": list("0123456789"),
        "licence": "CC-BY-SA-3.0",
        "citation": dataset.citation,
        "doubtful_test_labels": list(dataset.doubtful_test_labels),
    }
    assert notes == {f"source.{name}": f"MNIST_MIRROR={tmp_path / 'mirror'}" for name in NAMES}


def test_a_relative_folder_is_one_of_the_repository_and_not_of_a_copy(
    workdir: Path, dataset: Dataset, contents: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder(workdir / "mnist", contents)
    (workdir / "copy").mkdir()
    monkeypatch.chdir(workdir / "copy")
    monkeypatch.setenv("DVC_ROOT", str(workdir))  # as DVC sets it in its temporary copies
    monkeypatch.setenv("MNIST_MIRROR", "./mnist")
    monkeypatch.setitem(DATASETS, "mnist", dataset)
    notes: Any = Notes()
    main(Paths("download", {"raw": workdir / "raw"}), notes, "mnist")
    assert notes == {f"source.{name}": "MNIST_MIRROR=./mnist" for name in NAMES}
    found = read(workdir / "raw")
    assert {name: found[name] for name in NAMES} == contents


def test_nothing_stays_when_sources_run_out(tmp_path: Path, dataset: Dataset, flipped: Folder) -> None:
    absent = Folder("absent", tmp_path / "absent")
    with pytest.raises(StageError, match=f"no source has served {IMAGES}. Tried:") as caught:
        collect(dataset, [absent, flipped], tmp_path / "raw")
    assert "\n  absent: no such folder\n" in str(caught.value)
    assert f"\n  {IMAGES} from flipped: refused: expected" in str(caught.value)
    assert read(tmp_path / "raw") == {}


def test_nothing_stays_after_an_interrupt(tmp_path: Path, dataset: Dataset, good: Folder) -> None:
    class Interrupted:
        name = "interrupted"

        def fetch(self, *arguments: Any) -> Iterator[tuple[File, Path]]:
            yield next(good.fetch(*arguments))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        collect(dataset, [Interrupted()], tmp_path / "raw")
    assert read(tmp_path / "raw") == {}


def test_killed_download_leaves_no_half_file(
    tmp_path: Path, dataset: Dataset, contents: dict[str, bytes], good: Folder
) -> None:
    raw = tmp_path / "raw"
    code = f"""
import resource, signal
from pathlib import PosixPath
from stages.download.collect import collect
from stages.download.content import File
from stages.download.registry import Dataset
from stages.download.sources import Folder
resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
resource.setrlimit(resource.RLIMIT_FSIZE, (4000, 4000))
signal.signal(signal.SIGXFSZ, signal.SIG_DFL)  # the kernel kills in the middle of a file
collect({replace(dataset, files=dataset.files[::-1])!r}, [{good!r}], {raw!r})
"""
    command = [sys.executable, "-B", "-c", code]
    environment = os.environ | {"TMPDIR": str(tmp_path)}
    done = processes.run(command, cwd=ROOT, env=environment, capture_output=True)
    assert done.returncode == -signal.SIGXFSZ, done.stderr.decode()
    left = read(raw)
    [temporary] = set(left) - set(NAMES)
    assert left.pop(temporary) == contents[IMAGES][:4000]
    assert left == {name: contents[name] for name in NAMES if name != IMAGES}


def test_all_sources_unreachable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MNIST_MIRROR", raising=False)
    shutil.copy(ROOT / "dvc.yaml", tmp_path)
    (tmp_path / "params.yaml").write_text("dataset: mnist\n")
    command = [sys.executable, "-m", "stages.download"]
    environment = os.environ | OFFLINE | {"MNIST_MIRROR": "nowhere"}
    started = time.monotonic()
    done = processes.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert time.monotonic() - started < 30
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    message = done.stderr[done.stderr.index("download: ") :].splitlines()
    assert message[0] == f"download: MNIST: no source has served {', '.join(NAMES)}. Tried:"
    tried = [source.name for source in DATASETS["mnist"].sources]
    assert [line.split(": ")[0].strip() for line in message[1:-1]] == [
        "MNIST_MIRROR=nowhere",
        *tried,
    ]
    assert "No matching distribution" in message[-2]
    assert message[-1].strip().startswith("To go on, set MNIST_MIRROR to a folder that holds")
    assert all(name in message[-1] for name in [*NAMES, ".gz"])
    assert read(tmp_path / "data" / "raw") == {}
