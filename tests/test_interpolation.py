"""Interpolation in the latent space: paths, pairs of images, the plot and the animation."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from digits.analysis.latent.gaussian import Gaussian
from digits.drawing.style import SIGNED
from stages.latent_analysis import interpolation
from tests.test_latent_analysis import make_context

MEAN = np.array([1.0, -2.0, 0.5])
COVARIANCE = np.array([[2.0, 0.8, 0.0], [0.8, 1.0, -0.3], [0.0, -0.3, 0.5]])
GAUSSIAN = Gaussian(MEAN, COVARIANCE)


def test_a_walk_leads_through_the_mean_along_a_principal_axis() -> None:
    steps = np.array([-2.0, 0.0, 1.0])
    way = interpolation.walk_axis(GAUSSIAN, 1, steps)
    values, vectors = np.linalg.eigh(COVARIANCE)
    assert np.allclose(way[1], MEAN)
    assert np.allclose(GAUSSIAN.squared_distances(way), steps**2)
    assert np.allclose(np.abs((way - MEAN) @ vectors[:, 1]), np.abs(steps) * np.sqrt(values[1]))


def test_both_methods_lead_from_one_vector_to_the_other() -> None:
    first, last, positions = MEAN + np.array([1, 1, 0]), MEAN + np.array([-1, 2, 0.5]), np.linspace(0, 1, 5)
    linear = interpolation.interpolate_linear(first, last, positions)
    spherical = interpolation.interpolate_spherical(GAUSSIAN, first, last, positions)
    for path in (linear, spherical):
        assert np.allclose(path[[0, -1]], [first, last])
    assert np.allclose(linear[2], (first + last) / 2)


def test_spherical_interpolation_keeps_distance_and_turns_evenly() -> None:
    first, last, positions = MEAN + np.array([1, 1, 0]), MEAN + np.array([-1, 2, 0.5]), np.linspace(0, 1, 9)
    whitened = GAUSSIAN.whiten(interpolation.interpolate_spherical(GAUSSIAN, first, last, positions))
    lengths = np.linalg.norm(whitened, axis=1)
    assert np.allclose(lengths, np.linspace(lengths[0], lengths[-1], 9))
    unit = whitened / lengths[:, None]
    turns = np.arccos((unit[1:] * unit[:-1]).sum(axis=1))
    assert np.allclose(turns, turns[0])
    linear = GAUSSIAN.squared_distances(interpolation.interpolate_linear(first, last, positions))
    assert linear[4] < (lengths[4] ** 2)


@pytest.mark.parametrize("last", [MEAN, MEAN - np.array([1, 1, 0]), MEAN + np.array([2, 2, 0])])
def test_from_or_through_the_mean_both_methods_agree(last: np.ndarray) -> None:
    first, positions = MEAN + np.array([1, 1, 0]), np.linspace(0, 1, 5)
    spherical = interpolation.interpolate_spherical(GAUSSIAN, first, last, positions)
    assert np.allclose(spherical, interpolation.interpolate_linear(first, last, positions))


def test_pairs_are_first_images_of_two_classes() -> None:
    assert interpolation.choose_pairs(np.array([3, 3, 1, 0, 7, 1])) == [(3, 2), (0, 4)]
    assert interpolation.choose_pairs(np.array([5, 5, 5])) == [(0, 1)]


def test_the_plot_shows_both_methods_and_their_difference() -> None:
    rng, steps = np.random.default_rng(0), interpolation.STEPS
    pairs = {name: {m: rng.random((steps, 6, 4, 1)) for m in ("linear", "spherical")} for name in "ab"}
    figure = interpolation.draw_interpolation(pairs)
    maps: list[Any] = list(figure.axes[0].images)
    assert len(maps) == 6 * steps
    difference = maps[2 * steps]
    assert difference.get_cmap().name == SIGNED
    assert np.allclose(difference.get_array(), (pairs["a"]["spherical"] - pairs["a"]["linear"])[0, ..., 0])
    names = [text.get_text() for text in figure.axes[0].texts]
    assert {"a, linear", "b, spherical", "spherical - linear"} <= set(names)


@pytest.mark.parametrize("channels", [1, 3])
def test_the_animation_goes_there_and_back(tmp_path: Path, channels: int) -> None:
    context, contents = make_context(channels), []
    for _ in range(2):
        interpolation.write_animation(tmp_path / "a.gif", context)
        contents.append((tmp_path / "a.gif").read_bytes())
    assert contents[0] == contents[1]
    with Image.open(tmp_path / "a.gif") as picture:
        assert picture.n_frames == 2 * interpolation.FRAMES - 2  # type: ignore[attr-defined]


def test_a_frame_has_its_images_and_names() -> None:
    images = np.random.default_rng(0).random((4, 6, 5, 1))
    frame = np.asarray(interpolation.draw_frame(images, ["0 to 1", "2 to 3"], ("linear", "spherical")))
    top, left = interpolation.TOP, interpolation.LEFT
    large = interpolation.ENLARGED
    assert frame.shape == (top + 2 * 6 * large + interpolation.GAP, left + 2 * 5 * large + interpolation.GAP)
    block = frame[top : top + 6 * large : large, left : left + 5 * large : large]
    assert np.array_equal(block, np.rint((1 - images[0, :, :, 0]) * 255))
    assert (frame[:top] < 128).any()
    assert (frame[top:, :left] < 128).any()
