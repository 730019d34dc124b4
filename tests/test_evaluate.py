"""The stage evaluate: metrics, tables and pictures, compared with plain loops."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_hex
from matplotlib.patches import Rectangle
from scipy.spatial import KDTree
from sklearn.metrics import confusion_matrix

from digits.analysis.classification.calibration import apply_temperature
from digits.analysis.classification.intervals import mcnemar
from digits.analysis.classification.metrics import measure_classes, trace_curves
from digits.corruptions import CORRUPTIONS
from digits.data.files import write_json
from digits.data.splits import write_split
from digits.drawing.style import BAD, GOOD
from digits.networks.common.saved import predict, up_to
from digits.networks.mlp.builder import build_mlp
from digits.pipeline.declaration import Paths
from stages.evaluate import comparison, curves, predictions, robustness
from stages.evaluate.context import measure_result, read_context
from stages.evaluate.settings import Corruptions
from tests.support.evaluation import CLASSES, KINDS, images, make_context, make_result, texts
from tests.support.helpers import mlp, params, random_images

LEVELS = params()["evaluate"]["corruptions"]


def positions(indices: "pd.Series[int]") -> list[int]:
    """Return the positions of the test images with these indices."""
    return [(index - 100) // 2 for index in indices]


def test_doubtful_images_are_found_by_their_index_in_the_file(tmp_path: Path) -> None:
    made = make_context()
    files = {name: tmp_path / name for name in ("train", "val", "test", "dataset")}
    for name in ("train", "val", "test"):
        write_split(files[name], getattr(made, name))
    write_json(files["dataset"], {"classes": CLASSES, "doubtful_test_labels": [1, 106, 114, 999]})
    context = read_context(Paths("evaluate", files), 40, 0, 0.95, 5)
    assert np.flatnonzero(context.doubtful).tolist() == [3, 7]
    assert context.classes == CLASSES
    assert np.array_equal(context.weights, made.weights)


def test_the_most_confident_images_come_first() -> None:
    result = make_result()
    wrong = [i for i in range(30) if result.probabilities[i].argmax() != result.test.labels[i]]
    expected = sorted(wrong, key=lambda i: -result.probabilities[i].max())
    found = result.most_confident(~result.correct, 5)
    assert found.tolist() == expected[:5]
    table = result.describe(found)
    assert positions(table["index"]) == expected[:5]
    assert table["label"].tolist() == [CLASSES[result.test.labels[i]] for i in expected[:5]]
    assert (table["prediction"] != table["label"]).all()


@pytest.mark.parametrize("kind", KINDS)
def test_metrics_have_intervals_and_confirmed_ones_skip_doubtful(kind: str) -> None:
    context, result = make_context(), make_result(kind)
    tempered = apply_temperature(result.probabilities, 1.5)
    metrics, table = measure_result(result, tempered, 1.5, context)
    confirmed = [bool(result.correct[i]) for i in range(30) if i not in (3, 7)]
    assert metrics["accuracy_confirmed"] == pytest.approx(np.mean(confirmed))
    assert metrics["doubtful"] == 2
    assert (table["low"] <= table["high"]).all()
    assert np.isfinite(table[["value", "low", "high"]]).all(axis=None)
    found = table.set_index("metric")
    resampled = result.correct @ context.weights[:, 1:] / 30
    bias = resampled.mean() - result.correct.mean()
    assert found.loc["accuracy", "value"] == metrics["accuracy"]
    assert found.loc["accuracy", "low"] == pytest.approx(np.quantile(resampled, 0.025) - bias)
    block = metrics.pop("calibrated")
    assert block.pop("temperature") == 1.5
    assert sorted(block) == ["brier", "calibration_error", "log_loss"]
    without = {"accuracy_low", "accuracy_high", "errors", "doubtful"}
    assert set(table["metric"]) == metrics.keys() - without | {f"calibrated.{name}" for name in block}


def test_pictures_of_a_confusion_matrix_say_what_they_divide_by() -> None:
    matrix = np.array([[3, 1, 0], [0, 0, 0], [2, 0, 2]])  # class 1 has no images
    rows = ["75.0%\n3/4", "25.0%\n1/4", "50.0%\n2/4", "50.0%\n2/4"]
    figure = predictions.draw_rows(matrix, CLASSES, "")
    assert texts(figure) == rows
    assert [text.get_position() for text in figure.axes[0].texts if text.get_text()] == [
        (0, 0), (1, 0), (0, 2), (2, 2)
    ]  # fmt: skip
    figure = predictions.draw_errors(matrix, CLASSES, "")
    assert texts(figure) == ["25.00%\n1", "50.00%\n2"]
    assert np.asarray(figure.axes[0].images[0].get_array()).argmax() == 6


@pytest.mark.parametrize("kind", KINDS)
def test_the_worst_pairs_are_counted_and_shown(kind: str) -> None:
    result = make_result(kind)
    matrix = confusion_matrix(result.test.labels, result.predictions, labels=range(3))
    pairs, figure = predictions.find_worst_pairs(result, matrix)
    assert pairs["count"].sum() == (~result.correct).sum()
    assert pairs["count"].is_monotonic_decreasing
    for pair in pairs.itertuples():
        shown = [int(index) // 2 - 50 for index in str(pair.shown).split()]
        assert len(shown) == min(int(str(pair.count)), 8)
        assert {CLASSES[result.test.labels[i]] for i in shown} == {pair.label}
        assert {CLASSES[result.predictions[i]] for i in shown} == {pair.prediction}
    assert images(figure) == pairs["count"].clip(upper=8).sum()


@pytest.mark.parametrize("kind", KINDS)
def test_galleries_hold_right_and_wrong_images_of_each_class(
    kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(predictions, "IMAGES", 4)
    result = make_result(kind)
    labels, guesses = result.test.labels, result.predictions
    ordered = sorted(range(30), key=lambda i: -result.confidences[i])
    for k, word in enumerate(CLASSES):
        expected = {
            "true_positives": [i for i in ordered if labels[i] == guesses[i] == k],
            "false_positives": [i for i in ordered if guesses[i] == k != labels[i]],
            "false_negatives": [i for i in ordered if labels[i] == k != guesses[i]],
        }
        for name, mine in expected.items():
            table, figure = predictions.draw_gallery(result, name)
            assert positions(table[table["row"] == word]["index"]) == mine[:4]
            assert images(figure) == len(table)
            assert f"{word}  ({len(mine[:4])} of {len(mine)})" in texts(figure)


def test_first_predictions_are_blue_if_right_and_red_if_wrong() -> None:
    result = make_result()
    table, figure = predictions.draw_first_predictions(result)
    captions = [text for text in figure.axes[0].texts if text.get_text()]
    assert len(captions) == images(figure) == 25
    for text, right, label in zip(captions, result.correct, table["label"], strict=False):
        assert to_hex(text.get_color()).upper() == (GOOD if right else BAD)
        assert right != text.get_text().endswith(f"\n(label {label})")


def test_first_probabilities_frame_the_label_and_leave_zeros_blank() -> None:
    result = make_result("never predicted")
    table, figure = predictions.draw_first_probabilities(result)
    boxes = [box for box in figure.axes[0].patches if isinstance(box, Rectangle)]
    frames = [(round(box.get_y() + 0.5), round(box.get_x() + 0.5)) for box in boxes]
    assert frames == list(enumerate(result.test.labels[:20]))
    expected = [f"{value:.2f}" for value in result.probabilities[:20].flat if value >= 0.005]
    assert texts(figure) == expected
    assert len(expected) <= 40
    assert np.array_equal(table[CLASSES], result.probabilities[:20])
    assert positions(table["index"]) == list(range(20))


@pytest.mark.parametrize("kind", KINDS)
def test_calibration_is_drawn_before_and_after(kind: str) -> None:
    context, result = make_context(), make_result(kind)
    table = curves.tabulate_calibration(result, apply_temperature(result.probabilities, 2), context)
    assert table.groupby("state")["images"].sum().to_dict() == {"before": 30, "after": 30}
    assert (table["accuracy_low"] <= table["accuracy"] + 1e-6).all()
    assert (table["accuracy"] <= table["accuracy_high"] + 1e-6).all()
    values = {"calibration_error": 0.25, "log_loss": 1.0, "temperature": 2.0}
    figure = curves.draw_calibration(table, {**values, "calibrated": values}, "")
    for ax, state in zip(figure.axes, ("before", "after"), strict=True):
        mine = table[table["state"] == state]
        assert np.allclose(ax.lines[1].get_xydata(), mine[["confidence", "accuracy"]])
        assert "calibration error 25.00%" in ax.get_title()


@pytest.mark.parametrize("kind", KINDS)
def test_roc_and_precision_recall_have_a_curve_per_class(kind: str) -> None:
    result = make_result(kind)
    areas = measure_classes(result.test.labels, result.probabilities)
    traced = trace_curves(result.test.labels, result.probabilities, 500)
    present = [CLASSES[k] for k in np.unique(result.test.labels)]
    for draw, column, y in (
        (curves.draw_roc, "roc_auc", "recall"),
        (curves.draw_precision_recall, "average_precision", "precision"),
    ):
        (ax,) = draw(traced, areas, result).axes
        named = [f"{name}: {area:.6f}" for name, area in zip(present, areas[column], strict=True)]
        assert [line.get_label() for line in ax.lines] == named
        drawn = np.concatenate([line.get_ydata() for line in ax.lines])
        assert np.array_equal(drawn, traced[y])


def test_the_nearest_vectors_are_those_of_a_tree() -> None:
    rng = np.random.default_rng(1)
    queries, references = rng.normal(size=(4, 6)), rng.normal(size=(50, 6))
    found, distances = predictions.find_nearest(queries, references, 5)
    expected_distances, expected = KDTree(references).query(queries, 5)
    assert np.array_equal(found, expected)
    assert np.allclose(distances, expected_distances)


def test_of_equally_near_vectors_the_first_comes_first() -> None:
    found, distances = predictions.find_nearest(np.zeros((1, 2)), np.array([[3.0, 4], [0, 1], [4, 3]]), 5)
    assert found.tolist() == [[1, 0, 2]]
    assert distances.tolist() == [[1, 5, 5]]


def test_neighbours_are_nearest_in_the_last_hidden_layer() -> None:
    context, result = make_context(), make_result()
    model = build_mlp(mlp(hidden=(8, 5), dropout=0.5), context.train.images, 3, seed=1)
    table, figure = predictions.compare_with_training(result, model, context.train)
    errors = result.most_confident(~result.correct, 10)
    hidden = up_to(model, "hidden_2")
    known, asked = predict(hidden, context.train.images), predict(hidden, context.test.images)
    assert len(table) == 5 * len(errors) > 0
    assert images(figure) == 6 * len(errors)
    for i, (_, mine) in zip(errors, table.groupby("index", sort=False), strict=True):
        distances = np.linalg.norm(known - asked[i], axis=1)
        assert mine["distance"].tolist() == pytest.approx(np.sort(distances)[:5], abs=1e-5)
        assert distances[mine["neighbour"]] == pytest.approx(np.sort(distances)[:5], abs=1e-5)
        labels = context.train.labels[mine["neighbour"]]
        assert mine["neighbour_label"].tolist() == [CLASSES[k] for k in labels]


def test_without_errors_the_picture_of_neighbours_says_none() -> None:
    context = make_context()
    model = build_mlp(mlp(), context.train.images, 3, seed=1)
    table, figure = predictions.compare_with_training(make_result("perfect"), model, context.train)
    assert table.empty
    assert texts(figure) == ["none"]


@pytest.mark.parametrize(
    "kinds", [("usual", "usual"), ("usual", "perfect"), ("perfect", "perfect"), ("absent", "absent")]
)
def test_disagreement_counts_who_is_right(kinds: tuple[str, str]) -> None:
    one, other = make_result(kinds[0]), make_result(kinds[1], "cnn", seed=1)
    metrics, table = comparison.compare(one, other)
    pairs = [(bool(a), bool(b)) for a, b in zip(one.correct, other.correct, strict=True)]
    assert table["class"].tolist() == CLASSES
    for label, row in table.iterrows():
        mine = [pair for pair, actual in zip(pairs, one.test.labels, strict=True) if actual == label]
        assert row["images"] == len(mine)
        assert row["both_right"] == mine.count((True, True))
        assert row["only_mlp_right"] == mine.count((True, False))
        assert row["only_cnn_right"] == mine.count((False, True))
        assert row["both_wrong"] == mine.count((False, False))
    assert metrics["both_right"] == pairs.count((True, True))
    assert metrics["only_mlp_right"] == pairs.count((True, False))
    assert metrics["only_cnn_right"] == pairs.count((False, True))
    assert metrics["both_wrong"] == pairs.count((False, False))
    shown, figure = comparison.show_disagreement([one, other])
    assert (shown["wrong"] == "cnn").sum() == min(metrics["only_mlp_right"], 20)
    assert (shown["wrong"] == "mlp").sum() == min(metrics["only_cnn_right"], 20)
    assert images(figure) == len(shown)
    p = mcnemar(pairs.count((True, False)), pairs.count((False, True)))
    assert f"MLP and CNN: p={p:.2g}" in str(figure.get_suptitle()).replace("\n", " ")


@pytest.mark.parametrize("chosen", [[], [3, 7]])
def test_doubtful_images_are_shown_with_all_predictions(chosen: list[int]) -> None:
    results = [make_result(), make_result(name="cnn", seed=1)]
    doubtful = np.isin(np.arange(30), chosen)
    table, figure = comparison.show_doubtful(results, doubtful)
    assert positions(table["index"]) == chosen
    captions = []
    for result in results:
        assert table[result.name].tolist() == [CLASSES[result.predictions[i]] for i in chosen]
    for row in table.itertuples():
        captions.append(f"label {row.label}\nMLP {row.mlp}\nCNN {row.cnn}")
    assert texts(figure) == (captions or ["none"])


def test_accuracy_without_corruption_is_the_plain_one() -> None:
    test = make_context().test
    models = {
        name: build_mlp(mlp(), make_context().train.images, 3, seed=seed)
        for seed, name in enumerate(("mlp", "cnn"))
    }
    table = robustness.measure(models, test, LEVELS, 5, 0.95)
    pd.testing.assert_frame_equal(table, robustness.measure(models, test, LEVELS, 5, 0.95))
    assert len(table) == 2 * sum(map(len, LEVELS.values()))
    for name, model in models.items():
        plain = (predict(model, test.images).argmax(axis=1) == test.labels).mean()
        same = table[(table["network"] == name) & (table["level"] == 0)]
        assert same["corruption"].tolist() == ["rotation", "shift", "noise", "blur"]
        assert same["accuracy"].tolist() == pytest.approx([plain] * 4)
        turned = np.rot90(test.images, axes=(1, 2))
        quarter = robustness.measure({name: model}, test, {**LEVELS, "rotation": [90.0]}, 5, 0.95)
        expected = (predict(model, turned).argmax(axis=1) == test.labels).mean()
        assert quarter.loc[0, "accuracy"] == pytest.approx(expected)
    panels = robustness.draw_robustness(table, "").axes
    drawn = table[(table["corruption"] == "rotation") & (table["network"] == "mlp")]
    assert np.array_equal(panels[0].lines[0].get_xydata(), drawn[["level", "accuracy"]])
    assert [len(ax.lines) for ax in panels] == [2] * 5 + [0]
    for ax, levels in zip(panels, LEVELS.values(), strict=False):
        assert ax.get_xticks().tolist() == list(levels)


@pytest.mark.parametrize("n", [1, 2, 3, 5, 6, 8])
def test_any_number_of_corruptions_leaves_a_place_for_the_legend(
    n: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(robustness, "UNITS", {f"kind {number}": "Factor" for number in range(n)})
    rows = [(kind, level, "mlp", 0.5, 0.4, 0.6) for kind in robustness.UNITS for level in (0, 1)]
    columns = ["corruption", "level", "network", "accuracy", "low", "high"]
    panels = robustness.draw_robustness(pd.DataFrame(rows, columns=columns), "").axes
    assert [ax.axison for ax in panels] == [True] * n + [False] * (len(panels) - n)
    assert n < len(panels) <= n + 3
    assert [ax.get_legend() is not None for ax in panels] == [False] * (len(panels) - 1) + [True]


def test_every_corruption_has_its_levels_and_its_unit() -> None:
    assert robustness.UNITS.keys() == CORRUPTIONS.keys() == Corruptions.model_fields.keys()


def test_levels_of_confidence_are_not_rounded() -> None:
    table = pd.DataFrame(
        {"classifier": ["mlp"], "accuracy": [0.9], "accuracy_low": [0.8], "accuracy_high": [0.95]}
    )
    figure = comparison.draw_error_rates(table, 0.995)
    assert figure.axes[0].get_title() == "Error rates on the test set (99.5% intervals)"


def test_examples_of_corruptions_stand_in_frames() -> None:
    figure = robustness.draw_examples(random_images(6, 6, 1), LEVELS, 5)
    assert images(figure) == len(figure.axes[0].patches) == sum(map(len, LEVELS.values()))
