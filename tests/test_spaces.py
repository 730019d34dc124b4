"""t-SNE maps and their measures on three distant clusters, and the browser page."""

import base64
import io
import json
import re

import numpy as np
import pytest
from PIL import Image
from scipy.spatial.distance import cdist

from digits.analysis.latent.scores import NEIGHBOURS
from digits.data.splits import Split
from stages.latent_analysis import browser_page, spaces
from tests.support.helpers import random_images

RNG = np.random.default_rng(0)
LABELS = np.arange(90) % 3
SPACE = np.eye(3)[LABELS] * 8 + RNG.normal(size=(90, 3))
TEST_LABELS = np.arange(12) % 3
TEST = np.eye(3)[TEST_LABELS] * 8 + RNG.normal(size=(12, 3))


@pytest.fixture(scope="module")
def maps() -> tuple[np.ndarray, np.ndarray]:
    return spaces.fit_tsne(*spaces.prepare_tsne(SPACE, TEST, 1), 10, 1)


def test_new_vectors_are_placed_into_their_own_clusters(
    maps: tuple[np.ndarray, np.ndarray],
) -> None:
    mapped, placed = maps
    assert (mapped.shape, placed.shape) == ((90, 2), (12, 2))
    nearest = cdist(placed, mapped).argmin(axis=1)
    assert np.array_equal(LABELS[nearest], TEST_LABELS)
    assert spaces.measure_clusters(mapped, LABELS, 0)["rand_index"] == pytest.approx(1)


def test_the_same_seed_gives_the_same_bits(maps: tuple[np.ndarray, np.ndarray]) -> None:
    again = spaces.fit_tsne(*spaces.prepare_tsne(SPACE, TEST, 1), 10, 1)
    assert all(np.array_equal(a, b) for a, b in zip(maps, again, strict=True))


def test_trustworthiness_matches_the_published_formula() -> None:
    mapped, k, n = SPACE[:, :2], NEIGHBOURS, len(SPACE)
    penalty = 0
    for i in range(n):
        ranks = np.argsort(np.argsort(np.linalg.norm(SPACE - SPACE[i], axis=1)))
        order = np.argsort(np.linalg.norm(mapped - mapped[i], axis=1))
        near = [j for j in order if j != i][:k]
        penalty += sum(max(0, ranks[j] - k) for j in near)
    expected = 1 - 2 / (n * k * (2 * n - 3 * k - 1)) * penalty
    assert spaces.measure_trust(SPACE, mapped) == pytest.approx(expected)
    assert spaces.measure_trust(SPACE, SPACE) == 1
    assert spaces.measure_trust(SPACE[:4], SPACE[:4, :2]) <= 1


def test_clusters_are_compared_with_the_classes() -> None:
    own = spaces.measure_clusters(SPACE, LABELS, 0)
    shuffled = spaces.measure_clusters(SPACE, RNG.permutation(LABELS), 0)
    assert own["rand_index"] == pytest.approx(1)
    assert own["silhouette"] > 0.6 > 0.1 > abs(shuffled["silhouette"])
    assert abs(shuffled["rand_index"]) < 0.1


def test_one_class_or_one_image_per_class_has_no_clusters() -> None:
    nothing = {"silhouette": 0.0, "rand_index": 0.0}
    assert spaces.measure_clusters(SPACE[:9], np.zeros(9), 0) == nothing
    assert spaces.measure_clusters(SPACE[:9], np.arange(9), 0) == nothing


def test_dimensions_are_reduced_by_the_training_set_alone() -> None:
    wide = RNG.normal(size=(70, 60))
    train, test, _ = spaces.prepare_tsne(wide, wide[:5], 1)
    assert train.shape == (70, spaces.DIMENSIONS)
    assert np.allclose(test, train[:5])
    narrow, *_ = spaces.prepare_tsne(SPACE, TEST, 1)
    assert np.array_equal(narrow, SPACE)


def test_one_axis_and_few_images_can_be_mapped() -> None:
    mapped, placed = spaces.fit_tsne(*spaces.prepare_tsne(SPACE[:20, :1], TEST[:3, :1], 1), 30, 1)
    assert np.isfinite(mapped).all()
    assert placed.shape == (3, 2)


IMAGES = Split(random_images(3, 12, 10, 1), np.array([1, 0, 1]), np.array([7, 9, 4]))


def page_maps(points: np.ndarray) -> spaces.Maps:
    latent = spaces.Vectors(points, points)
    return spaces.Maps(IMAGES, IMAGES, {"latent": latent}, {"pca": {"latent": latent}})


def test_the_page_is_complete_and_shows_each_image_at_its_place() -> None:
    points = np.array([[0.0, 0.0], [4.0, 1.0], [2.0, 2.0]], dtype=np.float32)
    text = browser_page.build_page(page_maps(points), ["a", "b"])
    assert text == browser_page.build_page(page_maps(points), ["a", "b"])
    assert "{{" not in text
    assert not re.search(r"(src|href)\s*=\s*[\"']?https?:", text)
    data = json.loads(re.search(r'id="data">(.*?)</script>', text)[1])  # type: ignore[index]
    assert data["labels"] == [1, 0, 1]
    assert data["indices"] == [7, 9, 4]
    assert data["maps"]["PCA"]["latent"] == [[0, 0.75], [1, 0.5], [0.5, 0.25]]
    encoded = base64.b64decode(re.search(r"base64,([A-Za-z0-9+/=]+)", text)[1])  # type: ignore[index]
    with Image.open(io.BytesIO(encoded)) as picture:
        pixels = np.asarray(picture)
    for number, image in enumerate(IMAGES.images):
        left = number * 10
        assert np.array_equal(255 - pixels[:12, left : left + 10], image[..., 0])


def test_a_class_name_cannot_end_the_script() -> None:
    points = np.zeros((3, 2), dtype=np.float32)
    text = browser_page.build_page(page_maps(points), ["</script><b>", "b"])
    assert text.count("</script>") == 2
