"""The stage's parts on small images: what they write, and that nothing about the images is assumed."""

import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import keras
import numpy as np
import pandas as pd
import pytest
from digits.analysis.latent.seed_intervals import summarise
from matplotlib.figure import Figure
from stages.latent_analysis.case import Case, read_case
from stages.latent_analysis.judge import Drawn, Judge

from digits.data.files import write_json
from digits.data.splits import Split, scale, write_split
from digits.networks.autoencoder.builder import build_autoencoder
from digits.networks.cnn.builder import build_cnn
from digits.networks.common.saved import predict, save_model, split_autoencoder
from digits.networks.mlp.builder import build_mlp
from digits.pipeline import StageError
from stages.latent_analysis import (
    axes,
    conclusions,
    denoising,
    embedding,
    generation,
    lengths,
    normality,
    pairs,
    projections,
    scores,
    spaces,
    walks,
)
from stages.latent_analysis.settings import Analysis, Denoising
from tests.helpers import autoencoder, cnn, mlp, random_images, random_split

CLASSES = ["Ankle boot", "T-shirt/top", "Bag", "never"]
SETTINGS = Analysis(
    scatter=10,
    hidden_layer="hidden_1",
    tested=20,
    ellipsoid=0.99,
    generated=12,
    seeds=2,
    components=2,
    nearest=5,
    tsne=30,
    placed=10,
    perplexity=5,
    denoising=Denoising(images=6, deviation=(0.2,), dropped=(0.1, 0.4)),
)


def make_case(folder: Path, channels: int = 1, latent: int = 2) -> Case:
    """A case of 12 x 10 images with networks that never were trained; class 3 has no images, 2 just one."""
    labels = np.repeat([0, 1, 2], [30, 29, 1]).astype(np.uint8)
    images = random_images(60, 12, 10, channels)
    train = Split(images, labels, np.arange(60, dtype=np.int32))
    test = Split(images[5:35] // 2, labels[5:35], np.arange(30, dtype=np.int32))
    whole = build_autoencoder(autoencoder(latent=latent), images, seed=1)
    encoder, decoder = split_autoencoder(whole)
    return Case(
        train=train,
        val=test,
        test=test,
        classes=CLASSES,
        encoder=encoder,
        decoder=decoder,
        cnn=build_cnn(cnn(layers=(3,)), images, len(CLASSES), seed=1),
        codes=predict(encoder, images).astype(float),
        test_codes=predict(encoder, test.images).astype(float),
        settings=SETTINGS,
        seed=4,
        threads=1,
        plots=folder,
    )


@pytest.fixture(scope="module")
def case(tmp_path_factory: pytest.TempPathFactory) -> Case:
    return make_case(tmp_path_factory.mktemp("plots"))


def collected(case: Case, folder: Path) -> dict[str, spaces.Vectors]:
    save_model(folder / "mlp.keras", build_mlp(mlp(), case.train.images, len(CLASSES), seed=1))
    return spaces.collect(case, folder / "mlp.keras")


def test_the_spaces_are_pixels_activations_features_and_codes(case: Case, tmp_path: Path) -> None:
    found = collected(case, tmp_path)
    shapes = {name: (a.shape, b.shape) for name, (a, b) in found.items()}
    assert shapes == {
        "pixels": ((60, 120), (30, 120)),
        "hidden": ((60, 6), (30, 6)),
        "features": ((60, 6), (30, 6)),
        "latent": ((60, 2), (30, 2)),
    }
    assert np.allclose(found["pixels"][1], case.test.images.reshape(30, 120) / 255)
    assert np.allclose(found["latent"][0], case.codes)


def test_a_layer_that_the_mlp_lacks_is_refused(case: Case, tmp_path: Path) -> None:
    other = replace(case, settings=SETTINGS.model_copy(update={"hidden_layer": "hidden_2"}))
    message = (
        r"^latent-analysis\.hidden_layer is 'hidden_2'; the MLP has the layers pixels, flat, hidden_1, "
        r"probabilities\. Name one of them in params\.yaml\.$"
    )
    with pytest.raises(StageError, match=message):
        collected(other, tmp_path)


@pytest.mark.parametrize(("channels", "latent"), [(1, 2), (3, 1)])
def test_all_parts_go_through_whatever_the_images_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, channels: int, latent: int
) -> None:
    monkeypatch.setattr(Figure, "savefig", lambda figure, path, **_: Path(path).touch())  # which takes long
    case = make_case(tmp_path / "plots", channels, latent)
    vectors = collected(case, tmp_path)
    components = projections.report(case, vectors, tmp_path)
    table = embedding.report(case, vectors, components)
    axes.report(case)
    pairs.report(case)
    of_lengths, tests = lengths.report(case), normality.report(case)
    judge = Judge(case)
    generated = generation.report(case, judge, tmp_path)
    walks.report(case, judge)
    gains = denoising.report(case)
    text = conclusions.write(case, of_lengths, tests, table["latent"], generated)
    numbers = [of_lengths, table, normality.summarise(tests), scores.by_source(generated), gains]
    assert np.isfinite(pd.json_normalize({str(i): n for i, n in enumerate(numbers)}).to_numpy(float)).all()
    assert "nan" not in text
    pictures = {path.stem for path in case.plots.glob("*.png")}
    tables = {path.stem for path in case.plots.glob("*.csv")}
    assert len(pictures) == 17
    assert pictures <= tables
    assert json.dumps(numbers, allow_nan=False)


def test_a_dead_latent_axis_goes_through(case: Case, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Figure, "savefig", lambda figure, path, **_: Path(path).touch())
    dead = replace(case, codes=case.codes * [1, 0], test_codes=case.test_codes * [1, 0], plots=tmp_path)
    axes.report(dead)
    pairs.report(dead)
    lengths.report(dead)
    tests = normality.report(dead)
    judge = Judge(dead)
    generated = generation.report(dead, judge, tmp_path)
    walks.report(dead, judge)
    inside = generated[generated["score"] == "inside"].set_index("source")["mean"]
    assert inside["standard normal"] == 0
    assert inside["truncated normal"] == 1
    assert tests["n"].tolist()[:1] == [60]


def test_a_collapsed_autoencoder_is_refused(tmp_path: Path) -> None:
    split = random_split(60)
    model = build_autoencoder(autoencoder(), split.images, seed=1)
    layer = model.get_layer("latent")
    layer.set_weights([np.zeros_like(weight) for weight in layer.get_weights()])
    save_model(tmp_path / "ae.keras", model)
    write_split(tmp_path / "split", split)
    write_json(tmp_path / "dataset.json", {"classes": CLASSES})
    folders = dict.fromkeys(("train", "val", "test"), tmp_path / "split")
    paths: Any = SimpleNamespace(**folders, ae=tmp_path / "ae.keras")
    with pytest.raises(StageError, match=r"ae\.keras encodes every training image to the same vector"):
        read_case(SimpleNamespace(), paths)  # type: ignore[arg-type]


def test_each_subject_has_random_numbers_of_its_own(case: Case) -> None:
    one, again, other = (case.generator(name).random(3) for name in ("a", "a", "b"))
    assert np.array_equal(one, again)
    assert not np.array_equal(one, other)
    assert case.sample(20, 5, "a").tolist() == sorted(case.sample(20, 5, "a").tolist())
    assert case.sample(3, 5, "a").tolist() == [0, 1, 2]


def test_classes_without_images_are_passed_over(case: Case) -> None:
    assert {name: len(codes) for name, codes in case.each_class()} == {
        "Ankle boot": 30,
        "T-shirt/top": 29,
        "Bag": 1,
    }
    table = normality.measure_groups(case)
    assert table["group"].tolist() == [name for name in (normality.ALL, *CLASSES[:3]) for _ in range(2)]
    assert table[table["group"] == "Bag"]["henze_zirkler"].isna().all()


def test_an_autoencoder_that_loses_nothing_has_no_reencoding_error(case: Case) -> None:
    pixels, code = keras.Input((12, 10, 1)), keras.Input((120,))
    encoder = keras.Model(pixels, keras.layers.Flatten()(keras.layers.Rescaling(1 / 255)(pixels)))
    perfect = replace(case, encoder=encoder, codes=case.train.images.reshape(60, 120) / 255)
    vectors = np.random.default_rng(0).random((7, 120))
    drawn = Drawn(vectors, vectors.reshape(7, 12, 10, 1).astype(np.float32))
    assert Judge(perfect).reencode(drawn) == pytest.approx(0, abs=1e-6)
    halved = replace(drawn, images=drawn.images / 2)
    assert Judge(perfect).reencode(halved) == pytest.approx(0.5)
    assert code.shape == (None, 120)


def test_scores_of_the_training_images_themselves(case: Case) -> None:
    judge = Judge(case)
    images = scale(case.train.images)
    features = judge.describe_features(images)
    found = judge.score(Drawn(case.codes, images), features)
    assert found["nearest_vector"] == found["nearest_image"] == 0
    assert found["frechet"] == pytest.approx(0, abs=1e-6)
    assert found["inside"] == pytest.approx(case.region.share_inside(case.codes, 0.99))
    probabilities = judge.classify(images)
    shares = np.bincount(probabilities.argmax(axis=1)) / 60
    shares = shares[shares > 0]
    assert found["class_entropy"] == pytest.approx(-(shares * np.log2(shares)).sum(), abs=1e-9)
    assert found["confidence"] == pytest.approx(probabilities.max(axis=1).mean())


def test_the_calibrated_probabilities_are_those_of_the_cnn_at_its_temperature(case: Case) -> None:
    judge = Judge(case)
    plain = predict(case.cnn, case.test.images).astype(float)
    tempered = plain ** (1 / judge.temperature)
    expected = tempered / tempered.sum(axis=1, keepdims=True)
    assert np.allclose(judge.classify(scale(case.test.images)), expected, atol=1e-5)


def test_an_interval_over_seeds_is_student_s() -> None:
    repeated = pd.DataFrame({"source": "a", "seed": [0, 1, 2], "images": 5, "frechet": [1.0, 2.0, 3.0]})
    row = summarise(repeated).iloc[0]
    assert (row["source"], row["score"], row["mean"]) == ("a", "frechet", 2)
    assert row["high"] - 2 == pytest.approx(4.302653 / 3**0.5)
    assert 2 - row["low"] == pytest.approx(4.302653 / 3**0.5)


def test_real_images_have_no_reencoding_error_and_generators_are_drawn_anew(case: Case) -> None:
    _, repeated = generation.draw_and_score(case, Judge(case))
    errors = repeated.set_index(["source", "seed"])["reencoding_error"]
    assert errors[generation.REAL].isna().all()
    assert errors.drop(generation.REAL, level="source").notna().all()
    assert errors["uniform", 0] != errors["uniform", 1]
    assert generation.REAL not in scores.by_source(summarise(repeated))["reencoding_error"]
