"""What the studies compute, against scikit-learn, closed forms and plain loops."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.spatial.distance import cdist
from sklearn.decomposition import PCA
from sklearn.metrics import confusion_matrix, mutual_info_score

from digits.analysis.classification.intervals import draw_counts
from digits.data.splits import Split, flatten
from digits.networks.common import saved
from digits.training import repeated
from studies import features
from studies.label_suspects import __main__ as label_suspects
from studies.label_suspects import out_of_fold
from studies.seeds import stability
from tests.support import helpers

CLASSES = ["cat", "dog", "cow"]
SIDE = 6


def test_impurity_breaks_the_ties_of_permutation(tmp_path: Path) -> None:
    table = pd.DataFrame({"impurity": [0.1, 0.3, 0.2, 0.4], "permutation": [0.0, 0.0, 0.5, -0.1]})
    table.to_csv(tmp_path / "importances.csv", index=False)
    order = features.pixel_order("permutation", helpers.random_split(9), tmp_path / "importances.csv", 0)
    assert order.tolist() == [2, 1, 0, 3]
    order = features.pixel_order("forest", helpers.random_split(9), tmp_path / "importances.csv", 0)
    assert order.tolist() == [3, 1, 2, 0]


def test_mutual_information_is_scikit_learns_pixel_by_pixel() -> None:
    split = helpers.random_split(200)
    values = features.mutual_information(split)
    levels = split.images.reshape(200, -1) // 32
    expected = [mutual_info_score(levels[:, pixel], split.labels) for pixel in range(SIDE * SIDE)]
    assert np.allclose(values, expected)


def test_components_and_clusters_are_scikit_learn_s() -> None:
    train, test = helpers.random_split(80), helpers.random_split(10, seed=1)
    rng = np.random.default_rng(0)
    components = features.principal_components(train)(5)(test.images, rng)
    expected = PCA(5, svd_solver="full").fit(flatten(train.images)).transform(flatten(test.images))
    assert np.allclose(np.abs(components), np.abs(expected), atol=1e-4)
    distances = features.clusters(train, 4, 0)(train.images, rng)
    nearest = distances.argmin(axis=1)
    means = np.stack([flatten(train.images)[nearest == cluster].mean(axis=0) for cluster in range(4)])
    assert (cdist(flatten(train.images), means).argmin(axis=1) == nearest).mean() > 0.9


def test_changed_and_moved_in_closed_form() -> None:
    labels = np.array([0, 0, 1, 1, 2, 2], np.uint8)
    first = np.array([0, 1, 1, 1, 2, 0], np.uint8)
    second = np.array([1, 0, 1, 1, 2, 2], np.uint8)  # two swap places within one row, one is mended
    counts = draw_counts(6, 50, np.random.default_rng(0))
    figures = stability.measure(labels, np.stack([first, second]), counts, 0.95)
    gap = np.abs(confusion_matrix(labels, first) - confusion_matrix(labels, second)).sum()
    assert figures["changed"] == pytest.approx(3 / 6)
    assert figures["moved"] == pytest.approx(gap / 2 / 6) == pytest.approx(1 / 6)
    assert figures["changed_low"] <= figures["changed"] <= figures["changed_high"]
    assert figures["moved_low"] <= figures["moved"] <= figures["moved_high"]
    assert figures["always_wrong"] == 0
    assert figures["sometimes_wrong"] == pytest.approx(3 / 6)


def test_an_image_is_wrong_always_or_sometimes_and_never_both() -> None:
    labels = np.array([0, 0, 1, 1], np.uint8)
    predictions = np.array([[1, 0, 0, 1], [1, 0, 1, 1]], np.uint8)  # the first always, the third once
    figures = stability.measure(labels, predictions, draw_counts(4, 10, np.random.default_rng(0)), 0.95)
    assert (figures["always_wrong"], figures["sometimes_wrong"]) == (0.25, 0.25)


def test_resampled_matrices_are_those_of_the_repeated_images() -> None:
    rng = np.random.default_rng(4)
    cells = rng.integers(9, size=(2, 40))
    counts = draw_counts(40, 3, rng)
    found = stability._compare_pairs(cells, counts, 3)
    for column in range(3):
        chosen = np.repeat(np.arange(40), counts[:, column].astype(int))
        matrices = [np.bincount(each[chosen], minlength=9) for each in cells]
        assert found["moved"][column] == pytest.approx(np.abs(matrices[0] - matrices[1]).sum() / 80)
        assert found["changed"][column] == pytest.approx((cells[0] != cells[1])[chosen].mean())


def test_equal_networks_do_not_move() -> None:
    labels = np.array([0, 1, 2, 0], np.uint8)
    counts = draw_counts(4, 20, np.random.default_rng(0))
    figures = stability.measure(labels, np.stack([labels, labels]), counts, 0.95)
    assert [figures[name] for name in ("changed", "moved", "changed_high", "moved_high")] == [0, 0, 0, 0]
    assert stability.tabulate_cells(labels, np.stack([labels, labels]), CLASSES).empty


def test_flipped_labels_are_found_again_by_a_net_that_knows_better() -> None:
    split = helpers.random_split(300)
    flipped = out_of_fold.flip(split, 0.05, 3, np.random.default_rng(1))
    rows = np.flatnonzero(flipped.labels != split.labels)
    assert len(rows) == 15
    sure = np.full((300, 3), 0.01, np.float32) + 0.97 * np.eye(3, dtype=np.float32)[split.labels]
    found = label_suspects.find(flipped.labels, sure)
    assert sorted(found) == rows.tolist()
    assert label_suspects.score(found, rows) == {
        "flipped": 15,
        "suspected": 15,
        "recall": 1.0,
        "precision": 1.0,
        "top_precision": 1.0,
    }


def test_a_search_that_finds_nothing_has_no_precision() -> None:
    score = label_suspects.score(np.array([], np.int64), np.array([1, 2]))
    assert (score["recall"], score["precision"], score["top_precision"]) == (0, 0, 0)


def test_images_are_predicted_by_networks_that_never_saw_them(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[set[int]] = []

    def train(build: Any, settings: Any, parts: tuple[Split, Split], *_: int) -> Any:
        seen.append(set(parts[0].indices.tolist()))
        return SimpleNamespace(model=len(seen))

    monkeypatch.setattr(repeated, "train", train)
    monkeypatch.setattr(saved, "predict", lambda model, images: np.full((len(images), 3), model, np.float32))
    split = helpers.random_split(60)
    by = out_of_fold.predict_out_of_fold(helpers.cnn(), (split, split), 3, 4, 0)[:, 0].astype(int)
    assert sorted(set(by)) == [1, 2, 3, 4]
    assert all(image not in seen[number - 1] for image, number in zip(split.indices, by, strict=True))


def test_seeds_begin_with_the_pipelines_seed() -> None:
    assert repeated.seeds(7, 3)[0] == 7
    assert len(set(repeated.seeds(7, 5))) == 5
    assert repeated.seeds(7, 5)[:3] == repeated.seeds(7, 3)
