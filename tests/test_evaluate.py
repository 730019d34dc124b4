"""The stage evaluate: figures, tables and pictures of a network, held against plain loops."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from matplotlib.image import imread
from matplotlib.patches import Rectangle

from digits.analysis.classification.calibration import apply_temperature
from digits.data.files import write_json
from digits.data.splits import write_split
from digits.drawing.style import BAD, GOOD
from digits.networks.common.saved import predict, up_to
from digits.networks.mlp.builder import build_mlp
from digits.pipeline import settings as parameters
from stages.evaluate import (
    baselines,
    calibration,
    classifiers,
    confusion,
    disagreement,
    doubtful,
    first,
    galleries,
    neighbours,
    ranking,
    robustness,
)
from stages.evaluate.case import read_case
from stages.evaluate.mosaic import Tile, draw_mosaic, fold
from stages.evaluate.settings import Parameters, Paths
from tests.evaluation import CLASSES, KINDS, SETTINGS, make_case, make_outcome
from tests.helpers import PARAMS, mlp, random_images


def texts(figure: Figure) -> list[str]:
    return [text.get_text() for ax in figure.axes for text in ax.texts]


def is_picture(path: Path) -> bool:
    return bool(imread(path)[..., :3].std() > 0.02)


def test_the_case_knows_doubtful_images_by_their_place_in_the_original_file(tmp_path: Path) -> None:
    case = make_case()
    for name in ("train", "val", "test"):
        write_split(tmp_path / name, getattr(case, name))
    write_json(tmp_path / "dataset.json", {"classes": CLASSES, "doubtful_test_labels": [1, 106, 114, 999]})
    paths = Paths.model_construct(
        train=tmp_path / "train",
        val=tmp_path / "val",
        test=tmp_path / "test",
        dataset=tmp_path / "dataset.json",
    )
    read = read_case(parameters.load(PARAMS, Parameters), paths)
    assert np.flatnonzero(read.doubtful).tolist() == [3, 7]
    assert read.classes == CLASSES
    assert read.counts.shape == (30, 1000)


def test_the_most_confident_come_first_and_are_named_by_their_original_index() -> None:
    outcome = make_outcome()
    wrong = [i for i in range(30) if outcome.probabilities[i].argmax() != outcome.test.labels[i]]
    expected = sorted(wrong, key=lambda i: -outcome.probabilities[i].max())
    positions = outcome.most_confident(~outcome.correct, 5)
    assert positions.tolist() == expected[:5]
    table = outcome.describe(positions)
    assert table["index"].tolist() == [100 + 2 * i for i in expected[:5]]
    assert table["label"].tolist() == [CLASSES[outcome.test.labels[i]] for i in expected[:5]]
    assert (table["prediction"] != table["label"]).all()


def test_a_mosaic_shows_every_tile_and_says_where_a_row_has_none() -> None:
    tiles = [Tile(image, f"caption {i}", BAD) for i, image in enumerate(random_images(5, 6, 4, 3))]
    figure = draw_mosaic([("some", tiles), ("empty", [])], "title")
    (ax,) = figure.axes
    assert len(ax.images) == 5
    assert {"some", "empty", "none", "caption 4"} <= set(texts(figure))
    left = [image.get_extent()[0] for image in ax.images]
    assert min(np.diff(left)) > 0.62  # wide enough for the captions
    assert [len(row) for _, row in fold(tiles, 2)] == [2, 2, 1]
    assert fold([], 3) == [("", [])]


@pytest.mark.parametrize("kind", KINDS)
def test_figures_have_intervals_and_the_confirmed_ones_leave_doubtful_images_out(kind: str) -> None:
    case, outcome = make_case(), make_outcome(kind)
    case = replace(case, test=outcome.test)
    tempered = apply_temperature(outcome.probabilities, 1.5)
    figures, table = classifiers.measure_with_intervals(outcome, tempered, case, SETTINGS)
    confirmed = [bool(outcome.correct[i]) for i in range(30) if i not in (3, 7)]
    assert figures["accuracy_confirmed"] == pytest.approx(np.mean(confirmed))
    assert figures["doubtful"] == 2
    assert (table["low"] <= table["high"]).all()
    assert np.isfinite(table[["value", "low", "high"]]).all(axis=None)
    assert set(table["figure"]) | {"accuracy_low", "accuracy_high", "errors", "doubtful"} == set(figures)
    row = table.set_index("figure").loc["accuracy"]
    resampled = outcome.correct @ case.counts / 30
    bias = resampled.mean() - outcome.correct.mean()
    assert row["low"] == pytest.approx(np.quantile(resampled, 0.025) - bias)
    block = classifiers.nest(figures)["calibrated"]
    assert isinstance(block, dict)
    assert sorted(block) == ["brier", "calibration_error", "log_loss"]


def test_four_pictures_of_a_confusion_matrix_say_what_they_divide_by() -> None:
    matrix = np.array([[3, 1, 0], [0, 0, 0], [2, 0, 2]])  # class 1 has no images
    assert texts(confusion.draw_counts(matrix, CLASSES, "")) == ["3", "1", "", "", "", "", "2", "", "2"]
    rows = ["75.0%\n3/4", "25.0%\n1/4", "", "", "", "", "50.0%\n2/4", "", "50.0%\n2/4"]
    assert texts(confusion.draw_rows(matrix, CLASSES, "")) == rows
    columns = ["60.0%\n3/5", "100.0%\n1/1", "", "", "", "", "40.0%\n2/5", "", "100.0%\n2/2"]
    assert texts(confusion.draw_columns(matrix, CLASSES, "")) == columns
    figure = confusion.draw_errors(matrix, CLASSES, "")
    assert [text for text in texts(figure) if text] == ["25.00%\n1", "50.00%\n2"]
    shades = np.asarray(figure.axes[0].images[0].get_array())
    assert shades.argmax() == 6


@pytest.mark.parametrize("kind", KINDS)
def test_the_worst_pairs_are_counted_and_shown(tmp_path: Path, kind: str) -> None:
    outcome = make_outcome(kind)
    confusion.report(outcome, "caption", tmp_path)
    pairs = pd.read_csv(tmp_path / "worst_pairs.csv")
    assert pairs["count"].sum() == (~outcome.correct).sum()
    assert pairs["count"].is_monotonic_decreasing
    for pair in pairs.itertuples():
        shown = [int(index) // 2 - 50 for index in str(pair.shown).split()]
        assert len(shown) == min(int(str(pair.count)), 8)
        assert {CLASSES[outcome.test.labels[i]] for i in shown} == {pair.label}
        assert {CLASSES[outcome.predictions[i]] for i in shown} == {pair.prediction}
    names = ("confusion", "confusion_counts", "confusion_columns", "confusion_errors", "worst_pairs")
    assert all(is_picture(tmp_path / f"{name}.png") for name in names)


@pytest.mark.parametrize("kind", KINDS)
def test_galleries_hold_each_class_s_right_and_wrong_answers(tmp_path: Path, kind: str) -> None:
    outcome = make_outcome(kind)
    galleries.report(outcome, 4, tmp_path)
    labels, predictions = outcome.test.labels, outcome.predictions
    ordered = sorted(range(30), key=lambda i: -outcome.confidences[i])
    for k, word in enumerate(CLASSES):
        expected = {
            "true_positives": [i for i in ordered if labels[i] == predictions[i] == k],
            "false_positives": [i for i in ordered if predictions[i] == k != labels[i]],
            "false_negatives": [i for i in ordered if labels[i] == k != predictions[i]],
        }
        for name, mine in expected.items():
            table = pd.read_csv(tmp_path / f"{name}.csv")
            assert table[table["row"] == word]["index"].tolist() == [100 + 2 * i for i in mine[:4]]
            assert is_picture(tmp_path / f"{name}.png")


def test_first_predictions_are_blue_where_right_and_red_with_the_label_where_wrong() -> None:
    outcome = make_outcome()
    table = outcome.describe(np.arange(25))
    (ax,) = first.draw_predictions(table, outcome).axes
    captions = [text for text in ax.texts if text.get_text() not in ("", "none")]
    assert len(captions) == 25
    for text, right, label in zip(captions, outcome.correct, table["label"], strict=False):
        assert to_hex(text.get_color()).upper() == (GOOD if right else BAD)
        assert right != text.get_text().endswith(f"\n(label {label})")


def test_first_probabilities_frame_the_label(tmp_path: Path) -> None:
    outcome = make_outcome()
    (ax,) = first.draw_probabilities(outcome).axes
    boxes = [box for box in ax.patches if isinstance(box, Rectangle)]
    frames = [(round(box.get_y() + 0.5), round(box.get_x() + 0.5)) for box in boxes]
    assert frames == list(enumerate(outcome.test.labels[:20]))
    first.report(outcome, tmp_path)
    table = pd.read_csv(tmp_path / "first_probabilities.csv")
    assert np.allclose(table[CLASSES], outcome.probabilities[:20], atol=1e-6)
    assert table["index"].tolist() == list(range(100, 140, 2))


@pytest.mark.parametrize("kind", KINDS)
def test_calibration_and_ranking_are_drawn_for_awkward_classifiers(tmp_path: Path, kind: str) -> None:
    outcome = make_outcome(kind)
    names = ("calibration_error", "log_loss", "temperature")
    figures = {f"{prefix}{name}": 1.0 for prefix in ("", "calibrated.") for name in names}
    tempered = apply_temperature(outcome.probabilities, 2)
    calibration.report(outcome, tempered, figures, SETTINGS, tmp_path)
    table = pd.read_csv(tmp_path / "calibration.csv")
    assert table.groupby("state")["images"].sum().to_dict() == {"before": 30, "after": 30}
    assert (table["accuracy_low"] <= table["accuracy"] + 1e-6).all()
    assert (table["accuracy"] <= table["accuracy_high"] + 1e-6).all()
    ranking.report(outcome, tmp_path)
    present = [CLASSES[k] for k in np.unique(outcome.test.labels)]
    assert pd.read_csv(tmp_path / "areas.csv")["label"].tolist() == present
    assert pd.read_csv(tmp_path / "curves.csv")["label"].unique().tolist() == present
    assert all(is_picture(tmp_path / f"{name}.png") for name in ("calibration", "roc", "precision_recall"))


def test_neighbours_are_nearest_in_the_last_hidden_layer(tmp_path: Path) -> None:
    case, outcome = make_case(), make_outcome()
    model = build_mlp(mlp(hidden=(8, 5), dropout=0.5), case.train.images, 3, seed=1)
    neighbours.report(outcome, model, case.train, tmp_path)
    table = pd.read_csv(tmp_path / "nearest.csv")
    errors = outcome.most_confident(~outcome.correct, 10)
    hidden = up_to(model, "hidden_2")
    known, asked = predict(hidden, case.train.images), predict(hidden, case.test.images)
    assert len(table) == 5 * len(errors) > 0
    for i, (_, mine) in zip(errors, table.groupby("index", sort=False), strict=True):
        distances = np.linalg.norm(known - asked[i], axis=1)
        assert mine["distance"].tolist() == pytest.approx(np.sort(distances)[:5], abs=1e-5)
        assert distances[mine["neighbour"]] == pytest.approx(np.sort(distances)[:5], abs=1e-5)
        assert mine["neighbour_label"].tolist() == [CLASSES[k] for k in case.train.labels[mine["neighbour"]]]


def test_without_an_error_there_is_no_neighbour_but_a_picture(tmp_path: Path) -> None:
    case = make_case()
    model = build_mlp(mlp(), case.train.images, 3, seed=1)
    neighbours.report(make_outcome("perfect"), model, case.train, tmp_path)
    assert pd.read_csv(tmp_path / "nearest.csv").empty
    assert is_picture(tmp_path / "nearest.png")


@pytest.mark.parametrize("kinds", [("usual", "usual"), ("usual", "perfect"), ("perfect", "perfect")])
def test_disagreement_counts_who_is_right(tmp_path: Path, kinds: tuple[str, str]) -> None:
    one, other = make_outcome(kinds[0]), make_outcome(kinds[1], "cnn", seed=1)
    figures = disagreement.report(one, other, tmp_path)
    pairs = [(bool(a), bool(b)) for a, b in zip(one.correct, other.correct, strict=True)]
    assert figures["both_right"] == pairs.count((True, True))
    assert figures["only_mlp_right"] == pairs.count((True, False))
    assert figures["only_cnn_right"] == pairs.count((False, True))
    assert figures["both_wrong"] == pairs.count((False, False))
    shown = pd.read_csv(tmp_path / "disagreement_images.csv")
    assert (shown["wrong"] == "cnn").sum() == min(figures["only_mlp_right"], 20)
    assert (shown["wrong"] == "mlp").sum() == min(figures["only_cnn_right"], 20)
    assert is_picture(tmp_path / "disagreement.png")


@pytest.mark.parametrize("chosen", [[], [3, 7]])
def test_doubtful_images_are_shown_with_both_predictions(tmp_path: Path, chosen: list[int]) -> None:
    one, other = make_outcome(), make_outcome(name="cnn", seed=1)
    doubtful.report(np.isin(np.arange(30), chosen), one, other, tmp_path)
    table = pd.read_csv(tmp_path / "doubtful.csv")
    assert table["index"].tolist() == [100 + 2 * i for i in chosen]
    assert table["mlp"].tolist() == [CLASSES[one.predictions[i]] for i in chosen]
    assert table["cnn"].tolist() == [CLASSES[other.predictions[i]] for i in chosen]
    assert is_picture(tmp_path / "doubtful.png")


def test_robustness_is_plain_accuracy_where_nothing_is_disturbed_and_is_repeatable() -> None:
    case = make_case()
    models = {
        name: build_mlp(mlp(), case.train.images, 3, seed=seed) for seed, name in enumerate(("mlp", "cnn"))
    }
    table = robustness.measure(models, case.test, SETTINGS, 5)
    pd.testing.assert_frame_equal(table, robustness.measure(models, case.test, SETTINGS, 5))
    levels = SETTINGS.disturbances.model_dump()
    assert len(table) == 2 * sum(map(len, levels.values()))
    for name, model in models.items():
        plain = (predict(model, case.test.images).argmax(axis=1) == case.test.labels).mean()
        same = table[(table["network"] == name) & (table["level"] == 0)]
        assert same["disturbance"].tolist() == ["rotation", "shift", "noise", "blur"]
        assert same["accuracy"].tolist() == pytest.approx([plain] * 4)
        turned = np.rot90(case.test.images, axes=(1, 2))
        part = SETTINGS.disturbances.model_copy(update={"rotation": (90.0,)})
        quarter = robustness.measure(
            {name: model}, case.test, SETTINGS.model_copy(update={"disturbances": part}), 5
        )
        expected = (predict(model, turned).argmax(axis=1) == case.test.labels).mean()
        assert quarter.loc[0, "accuracy"] == pytest.approx(expected)
    assert len(robustness.draw_robustness(table, "").axes[0].lines) == 2


def test_the_comparison_has_one_row_a_classifier_and_shows_one_without_errors() -> None:
    case = make_case()
    figures = baselines.measure(case, SETTINGS)
    for name, kind in (("mlp", "usual"), ("cnn", "perfect")):
        outcome = make_outcome(kind, name)
        figures[name], _ = classifiers.measure_with_intervals(outcome, outcome.probabilities, case, SETTINGS)
    table = baselines.compare(figures)
    assert table["classifier"].tolist() == ["majority", "logistic", "mlp", "cnn"]
    assert table["accuracy"].iloc[[0, 3]].tolist() == pytest.approx([1 / 3, 1])
    assert "0.00%" in texts(baselines.draw_comparison(table, 0.95))
