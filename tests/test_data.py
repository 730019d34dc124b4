"""Data on disk: files are complete or absent and always the same bytes; splits come back as written."""

import importlib
import json
import os
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import digits
from digits.data import files
from digits.data.splits import Split, read_split, sample_positions, scale, to_pixels, write_split
from digits.networks.common import saved
from digits.pipeline import processes
from tests.support.helpers import ROOT, random_images, random_split


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "new" / "file.txt"


def contents(path: Path) -> dict[str, str]:
    return {each.name: each.read_text() for each in path.parent.iterdir()}


def interrupted(path: Path) -> None:
    with files.replacing(path) as temporary:
        temporary.write_text("half")
        raise KeyboardInterrupt


def test_a_file_appears_only_when_it_is_whole(path: Path) -> None:
    with files.replacing(path) as temporary:
        temporary.write_text("half")
        assert not path.exists()
        assert (temporary.parent, temporary.suffix) == (path.parent, ".txt")
    assert contents(path) == {"file.txt": "half"}


def test_an_exception_leaves_nothing_behind(path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        interrupted(path)
    assert contents(path) == {}


def test_an_exception_leaves_the_old_file_intact(path: Path) -> None:
    files.write_text(path, "old")
    with pytest.raises(KeyboardInterrupt):
        interrupted(path)
    assert contents(path) == {"file.txt": "old"}
    files.write_text(path, "new")
    assert contents(path) == {"file.txt": "new"}


@pytest.mark.parametrize(("mask", "mode"), [(0o022, 0o644), (0o077, 0o600), (0o002, 0o664)])
def test_the_mode_is_that_of_an_ordinary_new_file(path: Path, mask: int, mode: int) -> None:
    before = os.umask(mask)
    try:
        files.write_text(path, "text")
        assert os.umask(mask) == mask  # left as it was
    finally:
        os.umask(before)
    assert path.stat().st_mode & 0o777 == mode


def test_text_is_utf_8_with_plain_line_ends(path: Path) -> None:
    files.write_text(path, "ä\nb\n")
    assert path.read_bytes() == "ä\nb\n".encode()


def test_json_is_sorted_and_rounded_to_6_places(path: Path) -> None:
    nested = {"b": [1 / 3, 2], "a": {"z": np.float32(0.1), "y": np.int64(7), 3: True}, "c": (None, "word")}
    files.write_json(path, nested)
    assert path.read_text() == (
        '{\n  "a": {\n    "3": true,\n    "y": 7,\n    "z": 0.1\n  },\n'
        '  "b": [\n    0.333333,\n    2\n  ],\n  "c": [\n    null,\n    "word"\n  ]\n}\n'
    )
    assert files.read_json(path) == json.loads(path.read_text())


@pytest.mark.parametrize("value", [float("nan"), float("inf"), np.float32("nan")])
def test_json_takes_no_number_that_is_none(path: Path, value: float) -> None:
    files.write_text(path, "old")
    with pytest.raises(ValueError, match="not JSON compliant"):
        files.write_json(path, {"a": [value]})
    assert contents(path) == {"file.txt": "old"}


def test_a_table_has_6_places_and_no_index(path: Path) -> None:
    table = pd.DataFrame({"x": [1 / 3, 2.0], "n": [1, 2]}, index=pd.Index(["p", "q"], name="key"))
    files.write_table(path, table)
    assert path.read_bytes() == b"x,n\n0.333333,1\n2.000000,2\n"


@pytest.mark.parametrize("dtype", [np.uint8, np.int32, np.float32, np.float64])
def test_an_array_comes_back_memory_mapped_and_read_only(path: Path, dtype: type) -> None:
    array: np.ndarray = np.arange(24).astype(dtype).reshape(2, 3, 4)
    files.write_array(path, array)
    read = files.read_array(path)
    assert isinstance(read, np.memmap)
    assert read.dtype == dtype
    assert np.array_equal(read, array)
    with pytest.raises(ValueError, match="read-only"):
        read[0, 0, 0] = 1


def test_equal_arrays_are_equal_bytes_whatever_their_layout(path: Path) -> None:
    array = np.arange(12.0).reshape(3, 4)
    written = []
    for layout in (array, np.asfortranarray(array), np.repeat(array, 2, axis=1)[:, ::2]):
        files.write_array(path, layout)
        written.append(path.read_bytes())
    assert written[0] == written[1] == written[2]


def test_objects_are_not_pickled(path: Path) -> None:
    with pytest.raises(ValueError, match="allow_pickle"):
        files.write_array(path, np.array([{}, None]))
    assert contents(path) == {}
    np.save(path.with_suffix(".npy"), np.array([{}, None]), allow_pickle=True)
    with pytest.raises(ValueError, match="Python objects"):
        files.read_array(path.with_suffix(".npy"))


def same(one: Split, other: Split) -> bool:
    return all(
        np.array_equal(getattr(one, name), getattr(other, name))
        and getattr(one, name).dtype == getattr(other, name).dtype
        for name in ("images", "labels", "indices")
    )


def test_a_split_comes_back_from_disk_memory_mapped(tmp_path: Path) -> None:
    split = random_split(30)
    write_split(tmp_path / "val", split)
    read = read_split(tmp_path / "val")
    assert same(read, split)
    assert isinstance(read.images, np.memmap)


@pytest.mark.parametrize("positions", [np.array([5, 2, 9]), slice(3, 7), np.arange(30) % 4 == 0])
def test_part_of_a_split_keeps_images_labels_and_indices_together(positions: np.ndarray) -> None:
    split = random_split(30)
    split = Split(split.images, split.labels, split.indices * 3)
    expected = np.arange(30)[positions]
    part = split.take(positions)
    assert part.indices.tolist() == (3 * expected).tolist()
    assert np.array_equal(part.images, split.images[expected])
    assert np.array_equal(part.labels, split.labels[expected])


@pytest.mark.parametrize(("n", "most"), [(100, 7), (5, 5), (5, 9)])
def test_sampled_positions_are_sorted_and_drawn_once(n: int, most: int) -> None:
    drawn = sample_positions(n, most, np.random.default_rng(1))
    assert len(drawn) == len(set(drawn.tolist())) == min(n, most)
    assert (np.diff(drawn) > 0).all()
    assert set(drawn.tolist()) <= set(range(n))
    others = [sample_positions(n, most, np.random.default_rng(seed)).tolist() for seed in range(5)]
    assert (len({tuple(each) for each in others}) == 1) == (most >= n)


def test_images_are_scaled_to_1_and_back_to_255() -> None:
    images = random_images(3, 4, 4, 1)
    assert scale(images).dtype == to_pixels(scale(images)).dtype == np.float32
    assert np.allclose(scale(images), images / 255)
    assert np.allclose(to_pixels(scale(images)), images, atol=1e-4)


def test_a_notebook_imports_from_digits_itself() -> None:
    from digits import load_model, predict

    assert (load_model, predict) == (saved.load_model, saved.predict)
    with pytest.raises(AttributeError, match="module 'digits' has no attribute 'absent'"):
        _ = digits.absent


def test_importing_digits_loads_no_library() -> None:
    code = "import sys, digits; print({'keras', 'matplotlib', 'numpy', 'tensorflow'} & set(sys.modules))"
    done = processes.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"


@pytest.mark.parametrize("module", digits._HOMES)
def test_every_exported_name_exists(module: str) -> None:
    for name in digits._HOMES[module]:
        assert getattr(digits, name) is getattr(importlib.import_module(module), name)
