"""The splits: how the files are divided, and what is refused."""

from pathlib import Path

import numpy as np
import pytest

from digits.data.splits import Split, read_split, write_split
from digits.pipeline import StageError
from stages.preprocess.settings import Sizes
from stages.preprocess.splits import check, split
from tests.helpers import random_images

SHARES = (0.4, 0.35, 0.2, 0.05)  # of four classes
Labelled = tuple[np.ndarray, np.ndarray]


def labelled(n: int, seed: int) -> Labelled:
    """Return n distinct images and labels in the given shares, shuffled."""
    rng = np.random.default_rng(seed)
    labels = np.repeat(np.arange(4), (np.array(SHARES) * n).astype(int)).astype(np.uint8)
    return random_images(n, 6, 5, 1, seed=seed), rng.permutation(labels)


TRAIN, TEST = labelled(1000, 1), labelled(400, 2)


def divided(train: int, val: int, test: int = 100, seed: int = 1) -> dict[str, Split]:
    return split(TRAIN, TEST, Sizes(train=train, val=val, test=test), seed)


@pytest.mark.parametrize(("train", "val", "test"), [(600, 150, 100), (800, 200, 400), (101, 99, 51)])
def test_splits_are_disjoint_and_stratified_and_of_the_sizes_asked(train: int, val: int, test: int) -> None:
    parts = divided(train, val, test)
    assert [len(part) for part in parts.values()] == [train, val, test]
    assert not set(parts["train"].indices) & set(parts["val"].indices)
    for part in parts.values():
        counts = np.bincount(part.labels, minlength=4)
        assert np.abs(counts - np.array(SHARES) * len(part)).max() <= 1


def test_images_and_labels_are_those_at_the_indices_in_the_file_s_order() -> None:
    parts = divided(600, 150)
    for name, (images, labels) in {"train": TRAIN, "val": TRAIN, "test": TEST}.items():
        part = parts[name]
        assert (np.diff(part.indices) > 0).all()
        assert part.indices.dtype == np.int32
        assert np.array_equal(part.images, images[part.indices])
        assert np.array_equal(part.labels, labels[part.indices])


@pytest.mark.parametrize(
    ("train", "val", "drawn"), [(600, 150, ["train", "val", "test"]), (800, 200, ["train", "val"])]
)
def test_the_seed_decides_the_split(train: int, val: int, drawn: list[str]) -> None:
    first, again, other = (divided(train, val, seed=seed) for seed in (1, 1, 2))
    for name in drawn:
        assert np.array_equal(first[name].indices, again[name].indices)
        assert not np.array_equal(first[name].indices, other[name].indices)


def test_a_whole_file_is_used_up_to_its_last_image() -> None:
    parts = divided(900, 100, 400)
    used = np.sort(np.concatenate([parts["train"].indices, parts["val"].indices]))
    assert np.array_equal(used, np.arange(1000))
    assert np.array_equal(parts["test"].indices, np.arange(400))


def test_too_much_is_refused() -> None:
    message = (
        r"^the splits ask for 901 \+ 100 images of a file that holds 1,000\. "
        r"Lower preprocess\.train, preprocess\.val or preprocess\.test in params\.yaml\.$"
    )
    with pytest.raises(StageError, match=message):
        divided(901, 100)
    with pytest.raises(StageError, match=r"401 \+ 0 images of a file that holds 400"):
        divided(900, 100, 401)


def test_a_rest_smaller_than_the_classes_is_left_out() -> None:
    assert [len(part) for part in divided(899, 100, 398).values()] == [899, 100, 398]


def parts_with(
    name: str, images: np.ndarray | None = None, labels: np.ndarray | None = None
) -> dict[str, Split]:
    """Return good splits of 12 distinct images each, one of them changed."""
    parts = {}
    for seed, key in enumerate(("train", "val", "test")):
        indices = np.arange(100, 112, dtype=np.int32)
        parts[key] = Split(random_images(12, 3, 3, 1, seed=seed), np.arange(12, dtype=np.uint8) % 4, indices)
    old = parts[name]
    new = Split(
        old.images if images is None else images, old.labels if labels is None else labels, old.indices
    )
    return parts | {name: new}


def test_good_splits_pass() -> None:
    check(parts_with("train"), 4)


@pytest.mark.parametrize(
    ("labels", "found"),
    [
        (np.arange(12) % 3, "[0, 1, 2]"),
        (np.arange(12) % 5, "[0, 1, 2, 3, 4]"),
        (np.arange(12) % 4 + 1, "[1, 2, 3, 4]"),
    ],
)
def test_an_absent_class_and_a_wrong_label_are_refused(labels: np.ndarray, found: str) -> None:
    with pytest.raises(StageError) as caught:
        check(parts_with("val", labels=labels.astype(np.uint8)), 4)
    assert str(caught.value) == (
        f"the split val should hold the labels 0 to 3; it holds {found}. "
        "Enlarge it in params.yaml (preprocess.val) or download again."
    )


@pytest.mark.parametrize(("first", "second"), [("train", "val"), ("train", "test"), ("val", "test")])
def test_an_image_in_two_splits_is_refused(first: str, second: str) -> None:
    parts = parts_with("train")
    images = parts[second].images.copy()
    images[[7, 3]] = parts[first].images[[5, 9]]
    with pytest.raises(StageError) as caught:
        check(parts_with(second, images=images), 4)
    assert str(caught.value) == (
        f"2 images stand in both {first} and {second}; the first is number 105 of one file and number "
        "107 of the other. A figure on them would be too good: mend the files."
    )


def test_a_split_comes_back_from_disk_memory_mapped(tmp_path: Path) -> None:
    part = divided(600, 150)["val"]
    write_split(tmp_path / "val", part)
    read = read_split(tmp_path / "val")
    for name in ("images", "labels", "indices"):
        assert np.array_equal(getattr(read, name), getattr(part, name))
        assert getattr(read, name).dtype == getattr(part, name).dtype
    assert isinstance(read.images, np.memmap)
