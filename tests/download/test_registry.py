"""What the registry says of the data sets."""

import pytest

from stages.download.registry import DATASETS


def test_the_card_carries_the_doubtful_test_labels() -> None:
    doubtful = DATASETS["mnist"].card()["doubtful_test_labels"]
    assert len(set(doubtful)) == len(doubtful) == 15
    assert {2130, 8527} < set(doubtful)
    assert DATASETS["fashion-mnist"].card()["doubtful_test_labels"] == []


@pytest.mark.parametrize("name", DATASETS)
def test_doubtful_images_lie_within_the_test_file(name: str) -> None:
    dataset = DATASETS[name]  # type: ignore[index]
    labels = next(file for file in dataset.files if file.name == "t10k-labels-idx1-ubyte")
    assert all(0 <= index < labels.size - 8 for index in dataset.doubtful_test_labels)
