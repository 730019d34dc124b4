"""IDX files, as they were written or refused."""

from pathlib import Path

import numpy as np
import pytest

from digits.pipeline import StageError
from stages.preprocess.idx import read_idx, read_pair
from tests.helpers import random_images


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
