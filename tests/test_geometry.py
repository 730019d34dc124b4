"""Shells, ellipses and nearest neighbours, against closed forms."""

import numpy as np
import pytest
from scipy import stats
from scipy.spatial.distance import cdist

from digits.analysis.latent import ellipse as geometry
from digits.analysis.latent import gaussian as latent

COVARIANCE = np.array([[2.0, 0.9], [0.9, 1.0]])
VECTORS = np.random.default_rng(1).multivariate_normal([3, -1], COVARIANCE, 4000)


@pytest.mark.parametrize("d", [16, 64])
def test_uniform_vectors_lie_in_the_shell_of_the_formula(d: int) -> None:
    drawn = geometry.draw_uniform(2.5, 20_000, d, np.random.default_rng(0))
    length, spread = geometry.expected_length(2.5, d)
    lengths = np.linalg.norm(drawn, axis=1)
    assert lengths.mean() == pytest.approx(length, rel=0.01)
    assert lengths.std() == pytest.approx(spread, rel=0.02)
    assert np.abs(drawn).max() <= 2.5


def test_the_matching_cube_has_the_mean_square_length_of_the_vectors() -> None:
    vectors = np.random.default_rng(3).normal(1, 2, (5000, 10))
    drawn = geometry.draw_uniform(geometry.matching_side(vectors), 50_000, 10, np.random.default_rng(4))
    assert (drawn**2).sum(axis=1).mean() == pytest.approx((vectors**2).sum(axis=1).mean(), rel=0.01)


def test_the_sweep_measures_what_the_cube_draws() -> None:
    region = latent.describe(VECTORS)
    table = geometry.sweep_sides([0.01, 4.0], VECTORS, region, 0.99, 3000, np.random.default_rng(5))
    assert table["side"].tolist() == [0.01, 4.0]
    assert np.allclose(table["expected_length"], np.array([0.01, 4]) * np.sqrt(2 / 3))
    at_origin = region.squared_distances(np.zeros((1, 2)))[0] <= stats.chi2.ppf(0.99, 2)
    assert table["inside"][0] == at_origin
    nearest = np.linalg.norm(VECTORS, axis=1).min()
    assert table["nearest"][0] == pytest.approx(nearest, abs=0.02)
    drawn = np.random.default_rng(6).uniform(-4, 4, (50_000, 2))
    assert table["inside"][1] == pytest.approx(region.share_inside(drawn, 0.99), abs=0.03)


def test_nearest_distances_are_those_of_all_pairs() -> None:
    queries, references = np.random.default_rng(7).random((30, 5)), np.random.default_rng(8).random((200, 5))
    assert np.allclose(
        geometry.nearest_distances(queries, references), cdist(queries, references).min(axis=1)
    )
    assert geometry.nearest_distances(references[:3], references).tolist() == [0, 0, 0]


def test_an_ellipse_s_half_axes_and_angle_are_those_of_the_eigenvectors() -> None:
    ellipse = geometry.fit_ellipse(COVARIANCE, 0.95)
    values, vectors = np.linalg.eigh(COVARIANCE)
    k = stats.chi2.ppf(0.95, 2)
    assert ellipse.half_axes == pytest.approx(np.sqrt(k * values[::-1]))
    longest = vectors[:, 1]
    assert np.tan(ellipse.angle) == pytest.approx(longest[1] / longest[0])


@pytest.mark.parametrize(
    ("covariance", "degrees"),
    [
        ([[4, 0], [0, 1]], 0),
        ([[1, 0], [0, 4]], 90),
        ([[1, 0.5], [0.5, 1]], 45),
        ([[1, -0.5], [-0.5, 1]], -45),
    ],
)
def test_the_angle_is_that_of_the_longer_axis(covariance: list[list[float]], degrees: float) -> None:
    ellipse = geometry.fit_ellipse(np.array(covariance, dtype=float), 0.5)
    assert np.degrees(ellipse.angle) == pytest.approx(degrees)


def test_an_ellipse_s_points_lie_at_the_quantile_and_hold_the_share() -> None:
    ellipse, centre = geometry.fit_ellipse(COVARIANCE, 0.9), np.array([3.0, -1.0])
    inverse = np.linalg.inv(COVARIANCE)
    offsets = ellipse.points(centre, 50) - centre
    assert np.allclose(np.einsum("na,ab,nb->n", offsets, inverse, offsets), stats.chi2.ppf(0.9, 2))
    inside = ellipse.holds(VECTORS - centre)
    assert inside.mean() == pytest.approx(0.9, abs=0.02)
    squared = np.einsum("na,ab,nb->n", VECTORS - centre, inverse, VECTORS - centre)
    assert np.array_equal(inside, squared <= stats.chi2.ppf(0.9, 2))


def test_an_ellipse_of_a_line_has_no_width() -> None:
    ellipse = geometry.fit_ellipse(np.array([[1.0, 2.0], [2.0, 4.0]]), 0.99)
    assert ellipse.half_axes[1] == pytest.approx(0, abs=1e-6)
    assert np.tan(ellipse.angle) == pytest.approx(2)


def test_the_strongest_pairs_come_first_whatever_their_sign() -> None:
    base = np.random.default_rng(9).standard_normal((500, 4))
    vectors = np.stack([base[:, 0], base[:, 1] - base[:, 0], base[:, 2] + 3 * base[:, 0], base[:, 3]], axis=1)
    region = latent.describe(vectors)
    assert geometry.strongest_pairs(region, 2) == [(0, 2), (0, 1)]
    assert len(geometry.strongest_pairs(region, 99)) == 6


def test_an_axis_that_never_varies_is_in_no_pair() -> None:
    vectors = np.column_stack([VECTORS, np.full(len(VECTORS), 7)])
    assert geometry.strongest_pairs(latent.describe(vectors), 9) == [(0, 1)]
    assert geometry.strongest_pairs(latent.describe(VECTORS[:, :1]), 9) == []
