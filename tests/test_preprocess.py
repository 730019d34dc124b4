"""Preprocessing: IDX files are read, splits are drawn and checked, their content is explored."""

from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure

from digits.data.splits import Split
from digits.pipeline import StageError
from stages.preprocess import exploration
from stages.preprocess.splits import check, read_idx, read_pair, split
from tests.support.helpers import random_images

FRACTIONS = (0.4, 0.35, 0.2, 0.05)  # of four classes
Labelled = tuple[np.ndarray, np.ndarray]


def labelled(n: int, seed: int) -> Labelled:
    """Return n distinct images and labels in the given fractions, shuffled."""
    rng = np.random.default_rng(seed)
    labels = np.repeat(np.arange(4), (np.array(FRACTIONS) * n).astype(int)).astype(np.uint8)
    return random_images(n, 6, 5, 1, seed=seed), rng.permutation(labels)


TRAIN, TEST = labelled(1000, 1), labelled(400, 2)


def divided(train: int, val: int, test: int = 100, seed: int = 1) -> dict[str, Split]:
    return split(TRAIN, TEST, {"train": train, "val": val, "test": test}, seed)


@pytest.mark.parametrize(("train", "val", "test"), [(600, 150, 100), (800, 200, 400), (101, 99, 51)])
def test_splits_are_disjoint_stratified_and_of_the_right_sizes(train: int, val: int, test: int) -> None:
    parts = divided(train, val, test)
    assert [len(part) for part in parts.values()] == [train, val, test]
    assert not set(parts["train"].indices) & set(parts["val"].indices)
    for part in parts.values():
        counts = np.bincount(part.labels, minlength=4)
        assert np.abs(counts - np.array(FRACTIONS) * len(part)).max() <= 1


def test_images_and_labels_are_those_at_the_indices_in_order() -> None:
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
def test_a_missing_class_and_a_wrong_label_are_refused(labels: np.ndarray, found: str) -> None:
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
        f"2 images are in both {first} and {second}; the first is number 105 of one file and number "
        "107 of the other. Results on them would be too good: fix the files."
    )


def idx(array: np.ndarray) -> bytes:
    """Return the IDX file of an array, written without the code under test."""
    header = bytes([0, 0, 8, array.ndim]) + b"".join(size.to_bytes(4, "big") for size in array.shape)
    return header + array.tobytes()


def refusal(folder: Path, content: bytes) -> str:
    path = folder / "file"
    path.write_bytes(content)
    with pytest.raises(StageError) as caught:
        read_idx(path)
    return str(caught.value).removeprefix(f"{path} ")


def test_an_idx_file_is_read_as_it_was_written(tmp_path: Path) -> None:
    for shape in ((7,), (3, 4, 5), (300, 2, 1), (0, 4, 4)):
        array = random_images(*shape)
        (tmp_path / "file").write_bytes(idx(array))
        read = read_idx(tmp_path / "file")
        assert read.dtype == np.uint8
        assert np.array_equal(read, array)


def test_a_truncated_file_is_refused_with_both_sizes(tmp_path: Path) -> None:
    assert refusal(tmp_path, idx(random_images(30, 10, 10))[:-1]) == (
        "holds 2,999 bytes of data; its header promises (30, 10, 10), 3,000 bytes. "
        "Run the stage download again."
    )


def test_a_file_with_too_much_is_refused(tmp_path: Path) -> None:
    assert "holds 7 bytes of data; its header promises (6,)" in refusal(
        tmp_path, idx(random_images(6)) + b"0"
    )


@pytest.mark.parametrize(
    ("content", "start"),
    [(b"\x1f\x8b\x08\x00abc", "1f8b0800"), (b"\0\0\x0d\x01\0\0\0\x01a", "00000d01"), (b"", "")],
)
def test_another_magic_number_is_refused(tmp_path: Path, content: bytes, start: str) -> None:
    assert refusal(tmp_path, content) == (
        f"is not an IDX file of unsigned bytes: it begins with {start}, "
        "expected 000008 and the number of axes. Run the stage download again."
    )


def test_a_header_cut_short_is_refused(tmp_path: Path) -> None:
    assert "is not an IDX file" in refusal(tmp_path, idx(random_images(2, 3, 3))[:10])


def test_images_gain_a_channel_and_need_as_many_labels(tmp_path: Path) -> None:
    images = random_images(4, 3, 2)
    (tmp_path / "t10k-images-idx3-ubyte").write_bytes(idx(images))
    (tmp_path / "t10k-labels-idx1-ubyte").write_bytes(idx(random_images(4)))
    read, labels = read_pair(tmp_path, "t10k")
    assert np.array_equal(read[..., 0], images)
    assert read.shape == (4, 3, 2, 1)
    assert np.array_equal(labels, random_images(4))
    (tmp_path / "t10k-labels-idx1-ubyte").write_bytes(idx(random_images(5)))
    with pytest.raises(StageError, match=r"as many labels; found \(4, 3, 2\) and \(5,\)"):
        read_pair(tmp_path, "t10k")


IMAGES = random_images(40, 4, 6, 1)
IMAGES[IMAGES < 100] = 0
IMAGES[:, 1:3, 2] = 0
SPLIT = Split(IMAGES, (np.arange(40) ** 2 % 5).astype(np.uint8), np.arange(40, dtype=np.int32))


def test_statistics_are_of_pixels_in_0_to_1() -> None:
    unit = IMAGES / 255
    assert exploration.statistics(SPLIT) == {
        "images": 40,
        "height": 4,
        "width": 6,
        "pixel_mean": pytest.approx(unit.mean()),
        "pixel_standard_deviation": pytest.approx(unit.std()),
        "fraction_of_zeros": pytest.approx(np.count_nonzero(unit == 0) / unit.size),
        "pixels_never_lit": 2,
    }


def test_class_means_are_the_mean_images_per_class() -> None:
    labels = (np.arange(40) % 3).astype(np.uint8)
    means = exploration.class_means(Split(IMAGES, labels, SPLIT.indices), 3)
    assert means.shape == (3, 4, 6, 1)
    for label in range(3):
        assert np.allclose(means[label], IMAGES[label::3].astype(float).sum(axis=0) / len(IMAGES[label::3]))


def test_labels_are_counted_even_where_there_are_none() -> None:
    table = exploration.label_counts({"train": SPLIT}, ["a", "b", "c", "d", "e", "f"])
    assert table["class"].tolist() == ["a", "b", "c", "d", "e", "f"]
    assert table["train"].tolist() == [8, 16, 0, 0, 16, 0]


def test_all_256_pixel_values_are_counted() -> None:
    table = exploration.pixel_values(IMAGES)
    assert table["value"].tolist() == list(range(256))
    assert table["count"].tolist() == [np.equal(IMAGES, value).sum() for value in range(256)]
    assert np.allclose(table["fraction"], table["count"] / IMAGES.size)


def axes_titles(figure: Figure) -> list[str]:
    return [ax.get_title() for ax in figure.axes]


def test_label_counts_are_drawn_as_a_bar_per_class_and_split() -> None:
    table = exploration.label_counts({"train": SPLIT, "val": SPLIT}, list("abcde"))
    figure = exploration.draw_label_counts(table, "noise")
    assert axes_titles(figure) == ["train: 40 images", "val: 40 images"]
    for ax in figure.axes:
        assert [bar.get_width() for bar in ax.patches] == [8, 16, 0, 0, 16]  # type: ignore[attr-defined]
    assert [label.get_text() for label in figure.axes[0].get_yticklabels()] == list("abcde")


def test_pixel_values_are_drawn_with_a_gap_where_there_are_none() -> None:
    table = exploration.pixel_values(IMAGES)
    (ax,) = exploration.draw_pixel_values(table).axes
    drawn = np.asarray(ax.lines[0].get_ydata())
    assert np.isnan(drawn[1:100]).all()
    assert np.allclose(drawn[100:], table["fraction"][100:].where(table["fraction"] > 0), equal_nan=True)
    assert f"{table['fraction'][0]:.1%} of the training pixels are 0" in ax.get_title()


def drawn(figure: Figure) -> list[tuple[str, np.ndarray]]:
    """Return the images of a grid, each with the text above it."""
    (ax,) = figure.axes
    images = [np.asarray(image.get_array()) for image in ax.images]
    return list(zip(filter(None, (text.get_text() for text in ax.texts)), images, strict=True))


def test_the_first_images_of_each_class_are_drawn() -> None:
    tiles = drawn(exploration.draw_images(SPLIT, list("abcde")))
    assert [name for name, _ in tiles] == list("aaaaabbbbbeeeee")
    for start, label in ((0, 0), (5, 1), (10, 4)):
        for position, (_, image) in zip(
            np.flatnonzero(SPLIT.labels == label), tiles[start : start + 5], strict=False
        ):
            assert np.array_equal(image, IMAGES[position, ..., 0])


def test_class_means_are_drawn_under_their_names() -> None:
    means = exploration.class_means(Split(IMAGES, SPLIT.labels % 2, SPLIT.indices), 2)
    tiles = drawn(exploration.draw_class_means(means, ["even", "odd"]))
    assert [name for name, _ in tiles] == ["even", "odd"]
    for (_, image), mean in zip(tiles, means, strict=True):
        assert np.array_equal(image, mean[..., 0])
