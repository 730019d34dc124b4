"""The stage's parts on small images: what they compute and draw, whatever the images are."""

import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import keras
import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure
from scipy import stats

from digits.analysis.latent.gaussian import fit_gaussian
from digits.analysis.latent.scores import average_by_source, summarise_seeds
from digits.data.files import write_json
from digits.data.splits import Split, scale, write_split
from digits.networks.autoencoder.builder import build_autoencoder
from digits.networks.cnn.builder import build_cnn
from digits.networks.common.saved import predict, save_model, split_autoencoder
from digits.networks.mlp.builder import build_mlp
from digits.pipeline import StageError
from stages.latent_analysis import (
    conclusions,
    denoising,
    generation,
    interpolation,
    latents,
    normality,
)
from stages.latent_analysis.context import ALL, REAL, LatentContext, Samples, read_context
from stages.latent_analysis.results import Results, merge
from stages.latent_analysis.settings import Analysis
from stages.latent_analysis.spaces import SPACES, analyse_spaces, collect_spaces
from tests.support.helpers import autoencoder, cnn, mlp, random_images, random_split

CLASSES = ["Ankle boot", "T-shirt/top", "Bag", "never"]
COVARIANCE = np.array([[2.0, 0.9], [0.9, 1.0]])
VECTORS = np.random.default_rng(1).multivariate_normal([3, -1], COVARIANCE, 4000)
SETTINGS = {
    "hidden_layer": "hidden_1",
    "tsne_train": 30,
    "tsne_test": 10,
    "tsne_perplexity": 5,
    "normality_vectors": 20,
    "ellipsoid_fraction": 0.99,
    "mixture_components": 2,
    "generated_images": 12,
    "generator_seeds": 2,
    "neighbour_queries": 5,
    "denoising": {"images": 6, "standard_deviation": (0.2,), "dropped": (0.1, 0.4)},
}


def settings(**changes: Any) -> Analysis:
    return Analysis.model_validate(SETTINGS | changes)


def make_context(channels: int = 1, latent: int = 2) -> LatentContext:
    """12 x 10 images with networks that were never trained; class 3 has no images, class 2 only one."""
    labels = np.repeat([0, 1, 2], [30, 29, 1]).astype(np.uint8)
    images = random_images(60, 12, 10, channels)
    train = Split(images, labels, np.arange(60, dtype=np.int32))
    test = Split(images[5:35] // 2, labels[5:35], np.arange(30, dtype=np.int32))
    encoder, decoder = split_autoencoder(build_autoencoder(autoencoder(latent=latent), images, seed=1))
    return LatentContext(
        train=train,
        val=test,
        test=test,
        classes=CLASSES,
        encoder=encoder,
        decoder=decoder,
        mlp=build_mlp(mlp(), images, len(CLASSES), seed=1),
        cnn=build_cnn(cnn(layers=(3,)), images, len(CLASSES), seed=1),
        latents=predict(encoder, images).astype(float),
        test_latents=predict(encoder, test.images).astype(float),
        settings=settings(),
        seed=4,
        confidence=0.95,
    )


@pytest.fixture(scope="module")
def context() -> LatentContext:
    return make_context()


def analyse_latents(context: LatentContext) -> list[Results]:
    return [
        latents.analyse_axes(context),
        latents.analyse_pairs(context),
        latents.analyse_lengths(context),
        normality.analyse_normality(context),
        generation.analyse_generators(context),
        interpolation.analyse_principal_axes(context),
        interpolation.analyse_interpolation(context),
        denoising.analyse_denoising(
            {"autoencoder": denoising.through_autoencoder(context.encoder, context.decoder)},
            context.test.images[:6],
            context.settings.denoising,
            context.generator("noise"),
        ),
    ]


@pytest.fixture(scope="module")
def results(context: LatentContext) -> Results:
    return merge(analyse_spaces(context)[0], *analyse_latents(context))


def conclude(context: LatentContext, results: Results) -> str:
    return conclusions.conclude(context, results.tables, results.details)


def test_the_spaces_are_pixels_activations_features_and_latents(context: LatentContext) -> None:
    found = collect_spaces(context)
    shapes = {name: (a.shape, b.shape) for name, (a, b) in found.items()}
    assert shapes == {
        "pixels": ((60, 120), (30, 120)),
        "hidden": ((60, 6), (30, 6)),
        "features": ((60, 6), (30, 6)),
        "latent": ((60, 2), (30, 2)),
    }
    assert np.allclose(found["pixels"][1], context.test.images.reshape(30, 120) / 255)
    assert np.allclose(found["latent"][0], context.latents)


def test_a_layer_that_the_mlp_does_not_have_is_refused(context: LatentContext) -> None:
    other = replace(context, settings=settings(hidden_layer="hidden_2"))
    message = (
        r"^latent-analysis\.hidden_layer is 'hidden_2'; the MLP has the layers pixels, flat, hidden_1, "
        r"probabilities\. Name one of them in params\.yaml\.$"
    )
    with pytest.raises(StageError, match=message):
        collect_spaces(other)


def test_colour_images_and_one_latent_axis_can_be_analysed() -> None:
    context = make_context(channels=3, latent=1)
    results = merge(analyse_spaces(context)[0], *analyse_latents(context))
    check_numbers(context, results)


def test_all_numbers_are_finite(context: LatentContext, results: Results) -> None:
    check_numbers(context, results)


def check_numbers(context: LatentContext, results: Results) -> None:
    assert np.isfinite(pd.json_normalize(results.details).to_numpy(float)).all()
    assert json.dumps(results.details, allow_nan=False)
    assert "nan" not in conclude(context, results)
    assert results.plots.keys() <= results.tables.keys()
    for name, figure in results.plots.items():
        if not (name == "pairs" and context.latents.shape[1] == 1):  # one axis has no pair
            assert any(ax.has_data() for ax in figure.axes), name
        assert figure.get_suptitle() or any(ax.get_title() for ax in figure.axes) or figure.legends, name


def test_maps_show_every_chosen_image(results: Results) -> None:
    for name, images, background in (("pca", 30, 0), ("tsne", 10, 30)):
        axes: list[Any] = results.plots[name].axes
        assert [ax.get_title() for ax in axes] == list(SPACES.values())
        for ax in axes:
            assert sum(len(dots.get_offsets()) for dots in ax.collections) == images + background
        assert len(results.tables[name]) == images
    scree, cumulative = cast(list[Any], results.plots["scree"].axes)
    assert [len(line.get_ydata()) for line in scree.lines] == [60, 6, 6, 2]
    assert all(line.get_ydata()[-1] == pytest.approx(1) for line in cumulative.lines)


def test_plots_of_latents_show_the_tables(context: LatentContext, results: Results) -> None:
    tables, plots = results.tables, cast(dict[str, Any], results.plots)
    matrix = plots["latent_correlation"].axes[0].images[0].get_array()
    assert np.allclose(matrix, np.corrcoef(context.latents.T))
    first = plots["histograms"].axes[0].patches[0].get_data().values
    assert np.allclose(first, tables["histograms"].query("axis == 1")["density"])
    ellipses = plots["pairs"].axes[0].lines
    assert len(ellipses) == len(tables["pairs"]) == 3
    assert len(plots["lengths"].axes[0].patches) == 5  # four histograms and the range of the formula
    effects = plots["normality"].axes[0].lines[0].get_xdata()
    assert np.array_equal(
        effects, tables["normality"].query("not cut")["ks_distance"].to_numpy(), equal_nan=True
    )
    whole, classes = plots["mahalanobis"].axes
    below, above, _ = whole.lines  # nearly equal: the wider one shows on both sides of the other
    assert (below.get_linestyle(), above.get_linestyle()) == ("-", "--")
    assert below.get_linewidth() > above.get_linewidth()
    assert not whole.get_shared_y_axes().joined(whole, classes)
    distances = tables["normality"].query("not cut and group != @ALL").set_index("group")["ks_distance"]
    farthest = f"class {distances.idxmax()} ({distances.max():.2f})"
    assert plots["normality"].get_suptitle().endswith(farthest)
    assert {text.get_text().strip() for text in classes.texts} == set(CLASSES[:2])


def test_plots_of_samples_show_the_tables(results: Results) -> None:
    tables, plots = results.tables, cast(dict[str, Any], results.plots)
    sources = tables["generated"]["source"]
    assert len(plots["generated"].axes[0].images) == len(sources) * 12
    texts = [text.get_text() for text in plots["generated"].axes[0].texts]
    means = results.details["reencoding_error"]
    named = {name: f"{name}\nre-encoding error {mean:.2f}" for name, mean in means.items()}
    assert {named.get(source, source) for source in sources} <= set(texts)
    frechet = tables["scores"].query("score == 'frechet'")["mean"].tolist()
    drawn = [line.get_xdata()[0] for line in plots["scores"].axes[6].lines if len(line.get_xdata()) == 1]
    assert drawn == pytest.approx(frechet)
    curves = plots["denoising"].axes[1].get_lines()
    assert [line.get_label() for line in curves] == ["noisy", "median filter", "autoencoder"]
    psnr = tables["denoising"].query("noise == 'dropped' and method == 'autoencoder'")["psnr"]
    assert curves[2].get_ydata().tolist() == pytest.approx(psnr.tolist())
    assert len(plots["denoising_images"].axes[0].images) == 7 * 6


def test_a_constant_latent_axis_can_be_analysed(context: LatentContext) -> None:
    constant = replace(context, latents=context.latents * [1, 0], test_latents=context.test_latents * [1, 0])
    tables = merge(*analyse_latents(constant)).tables
    scores = tables["scores"]
    inside = scores[scores["score"] == "inside"].set_index("source")["mean"]
    assert inside["standard normal"] == 0
    assert inside["truncated normal"] == 1
    assert tables["normality"]["n"].tolist()[:1] == [60]


def test_two_parts_do_not_use_one_name() -> None:
    table, figure = pd.DataFrame(), Figure()
    merged = merge(Results({"a": table}, {"a": figure}), Results({"b": table}, {"b": figure}))
    assert (list(merged.tables), list(merged.plots)) == (["a", "b"], ["a", "b"])
    with pytest.raises(ValueError, match=r"same name: \{\('plots', 'a'\)\}"):
        merge(Results({"a": table}, {"a": figure}), Results({"b": table}, {"a": figure}))


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
        read_context(paths, settings(), 4, 0.95)


def test_each_subject_has_its_own_random_numbers(context: LatentContext) -> None:
    one, again, other = (context.generator(name).random(3) for name in ("a", "a", "b"))
    assert np.array_equal(one, again)
    assert not np.array_equal(one, other)
    assert context.sample(20, 5, "a").tolist() == sorted(context.sample(20, 5, "a").tolist())
    assert context.sample(3, 5, "a").tolist() == [0, 1, 2]


def test_classes_without_images_are_skipped(context: LatentContext) -> None:
    sizes = {name: len(mine) for name, mine in context.each_class()}
    assert sizes == {"Ankle boot": 30, "T-shirt/top": 29, "Bag": 1}
    table = normality.measure_groups(context)
    assert table["group"].tolist() == [name for name in (ALL, *CLASSES[:3]) for _ in range(2)]
    assert table[table["group"] == "Bag"]["henze_zirkler"].isna().all()


def test_cubes_are_compared_by_uniform_vectors(context: LatentContext) -> None:
    gaussian = fit_gaussian(VECTORS)
    other = replace(context, latents=VECTORS, settings=settings(neighbour_queries=3000))
    table = latents.compare_cubes(other, np.array([0.01, 4]), np.random.default_rng(5))
    assert table["side"].tolist() == [0.01, 4.0]
    assert np.allclose(table["expected_length"], np.array([0.01, 4]) * np.sqrt(2 / 3))
    at_origin = gaussian.squared_distances(np.zeros((1, 2)))[0] <= stats.chi2.ppf(0.99, 2)
    assert table["inside"][0] == at_origin
    nearest = np.linalg.norm(VECTORS, axis=1).min()
    assert table["nearest"][0] == pytest.approx(nearest, abs=0.02)
    uniform = np.random.default_rng(6).uniform(-4, 4, (50_000, 2))
    assert table["inside"][1] == pytest.approx(gaussian.fraction_inside(uniform, 0.99), abs=0.03)


def test_the_strongest_pairs_come_first_whatever_their_sign() -> None:
    base = np.random.default_rng(9).standard_normal((500, 4))
    vectors = np.stack([base[:, 0], base[:, 1] - base[:, 0], base[:, 2] + 3 * base[:, 0], base[:, 3]], axis=1)
    gaussian = fit_gaussian(vectors)
    assert latents.strongest_pairs(gaussian, 2) == [(0, 2), (0, 1)]
    assert len(latents.strongest_pairs(gaussian, 99)) == 6


def test_a_constant_axis_is_in_no_pair() -> None:
    vectors = np.column_stack([VECTORS, np.full(len(VECTORS), 7)])
    assert latents.strongest_pairs(fit_gaussian(vectors), 9) == [(0, 1)]
    assert latents.strongest_pairs(fit_gaussian(VECTORS[:, :1]), 9) == []


def test_a_lossless_autoencoder_has_no_reencoding_error(context: LatentContext) -> None:
    pixels = keras.Input((12, 10, 1))
    encoder = keras.Model(pixels, keras.layers.Flatten()(keras.layers.Rescaling(1 / 255)(pixels)))
    perfect = replace(context, encoder=encoder, latents=context.train.images.reshape(60, 120) / 255)
    vectors = np.random.default_rng(0).random((7, 120))
    samples = Samples(vectors, vectors.reshape(7, 12, 10, 1).astype(np.float32))
    assert perfect.reencode(samples) == pytest.approx(0, abs=1e-6)
    assert perfect.reencode(samples._replace(images=samples.images / 2)) == pytest.approx(0.5)


def test_training_images_have_perfect_scores(context: LatentContext) -> None:
    images = scale(context.train.images)
    features = context.encode_features(images)
    reference = fit_gaussian(features)
    found = context.score(Samples(context.latents, images), reference)
    assert found["nearest_vector"] == found["nearest_image"] == 0
    assert found["frechet"] == pytest.approx(0, abs=1e-6)
    assert found["inside"] == pytest.approx(context.gaussian.fraction_inside(context.latents, 0.99))
    probabilities = context.classify(features)
    fractions = np.bincount(probabilities.argmax(axis=1)) / 60
    fractions = fractions[fractions > 0]
    assert found["class_entropy"] == pytest.approx(-(fractions * np.log2(fractions)).sum(), abs=1e-9)
    assert found["confidence"] == pytest.approx(probabilities.max(axis=1).mean())


def test_calibrated_probabilities_use_the_temperature(context: LatentContext) -> None:
    plain = predict(context.cnn, context.test.images).astype(float)
    tempered = plain ** (1 / context.temperature)
    expected = tempered / tempered.sum(axis=1, keepdims=True)
    features = context.encode_features(scale(context.test.images))
    assert np.allclose(context.classify(features), expected, atol=1e-5)


def test_generators_are_sampled_anew_for_every_seed(context: LatentContext) -> None:
    _, repeated = generation.sample_and_score(context)
    errors = repeated.set_index(["source", "seed"])["reencoding_error"]
    assert errors[REAL].isna().all()
    assert errors.drop(REAL, level="source").notna().all()
    assert errors["uniform", 0] != errors["uniform", 1]
    assert REAL not in average_by_source(summarise_seeds(repeated, 0.95))["reencoding_error"]
