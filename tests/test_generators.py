"""Generators of latent vectors and ways between them: moments, supports and ends."""

import numpy as np
import pytest
from scipy import stats

from digits.analysis.latent import gaussian as latent
from digits.analysis.latent import generators
from digits.analysis.latent import interpolation as walks
from digits.analysis.latent.gaussian import Region

MEAN = np.array([1.0, -2.0, 0.5])
COVARIANCE = np.array([[2.0, 0.8, 0.0], [0.8, 1.0, -0.3], [0.0, -0.3, 0.5]])
REGION = Region(MEAN, COVARIANCE)
N = 40_000
FLAT = Region(MEAN, np.diag([2.0, 0.0, 1.0]))


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


CODES = np.concatenate([rng(1).normal(-5, 0.5, (300, 3)), rng(2).normal(5, 1, (100, 3))])
LABELS = np.repeat([0, 2], [300, 100])


def test_every_generator_draws_from_the_seed_and_only_from_it() -> None:
    built = generators.build(CODES, LABELS, 2, 0.99, rng())
    again = generators.build(CODES, LABELS, 2, 0.99, rng())
    for name, draw in built.items():
        assert draw(5, rng(3)).shape == (5, 3), name
        assert np.array_equal(draw(5, rng(3)), again[name](5, rng(3))), name
        assert not np.array_equal(draw(5, rng(3)), draw(5, rng(4))), name


def test_independent_normals_keep_the_axes_and_lose_the_correlation() -> None:
    drawn = generators.draw_independent(REGION, N, rng())
    assert np.abs(drawn.mean(axis=0) - MEAN).max() < 0.03
    assert np.abs(np.cov(drawn.T) - np.diag(COVARIANCE.diagonal())).max() < 0.05


def test_truncated_normals_keep_the_directions_and_stop_at_two_deviations() -> None:
    drawn = generators.draw_truncated(REGION, N, rng())
    shrunk = stats.truncnorm(-2, 2).var()
    assert np.abs(drawn.mean(axis=0) - MEAN).max() < 0.03
    assert np.abs(np.cov(drawn.T) - shrunk * COVARIANCE).max() < 0.05
    assert 1.95 < np.abs(REGION.whiten(drawn)).max() <= 2 + 1e-9


def test_the_ellipsoid_is_filled_evenly() -> None:
    drawn = generators.draw_ellipsoid(REGION, 0.9, N, rng())
    distance = np.sqrt(REGION.squared_distances(drawn)) / np.sqrt(stats.chi2.ppf(0.9, 3))
    assert distance.max() <= 1 + 1e-9
    assert stats.kstest(distance**3, "uniform").statistic < 0.01
    # Each coordinate of a ball of radius 1 in d dimensions has the variance 1 / (d + 2).
    expected = COVARIANCE * stats.chi2.ppf(0.9, 3) / 5
    assert np.abs(np.cov(drawn.T) - expected).max() < 0.05


def test_classes_are_drawn_by_their_frequency_and_shape() -> None:
    drawn = generators.draw_by_class(CODES, LABELS, 4000, rng())
    first = drawn[:, 0] < 0
    assert first.mean() == pytest.approx(0.75, abs=0.03)
    assert np.abs(drawn[first].mean(axis=0) - CODES[:300].mean(axis=0)).max() < 0.06
    assert np.abs(drawn[~first].std(axis=0) - CODES[300:].std(axis=0)).max() < 0.1


def test_a_class_of_one_vector_is_drawn_as_it_is() -> None:
    codes = np.concatenate([CODES[:300], [[9.0, 9.0, 9.0]]])
    drawn = generators.draw_by_class(codes, np.repeat([0, 1], [300, 1]), 3000, rng())
    single = drawn[drawn[:, 0] > 5]
    assert len(single) > 0
    assert (single == 9).all()


def test_a_mixture_finds_the_clusters() -> None:
    mixture = generators.fit_mixture(CODES, 2, rng())
    assert np.sort(mixture.means_[:, 0]) == pytest.approx([-5, 5], abs=0.4)
    drawn = generators.draw_mixture(mixture, 4000, rng())
    assert (drawn[:, 0] < 0).mean() == pytest.approx(0.75, abs=0.03)
    assert drawn[drawn[:, 0] < 0].std() == pytest.approx(0.5, abs=0.05)


def test_a_mixture_has_no_more_components_than_vectors() -> None:
    assert len(generators.fit_mixture(CODES[:4], 20, rng()).weights_) == 4


def test_draws_stay_in_the_space_that_a_singular_covariance_spans() -> None:
    for draw in (
        generators.draw_truncated(FLAT, 50, rng()),
        generators.draw_ellipsoid(FLAT, 0.9, 50, rng()),
        generators.draw_independent(FLAT, 50, rng()),
    ):
        assert np.allclose(draw[:, 1], MEAN[1])
        assert np.ptp(draw[:, 0]) > 0


@pytest.mark.parametrize("d", [1, 2])
def test_few_axes_and_a_degenerate_one_are_drawn_too(d: int) -> None:
    for codes in (CODES[:, :d], np.column_stack([CODES[:, :d], np.ones(len(CODES))])):
        for name, draw in generators.build(codes, LABELS, 3, 0.99, rng()).items():
            assert draw(6, rng()).shape == (6, codes.shape[1]), name
            assert np.isfinite(draw(6, rng())).all(), name


def test_a_walk_leads_through_the_mean_along_one_principal_axis() -> None:
    steps = np.array([-2.0, 0.0, 1.0])
    way = walks.walk_axis(REGION, 1, steps)
    values, vectors = np.linalg.eigh(COVARIANCE)
    assert np.allclose(way[1], MEAN)
    assert np.allclose(REGION.squared_distances(way), steps**2)
    assert np.allclose(np.abs((way - MEAN) @ vectors[:, 1]), np.abs(steps) * np.sqrt(values[1]))


def test_both_ways_lead_from_one_vector_to_the_other() -> None:
    first, last, shares = MEAN + np.array([1, 1, 0]), MEAN + np.array([-1, 2, 0.5]), np.linspace(0, 1, 5)
    straight = walks.interpolate_straight(first, last, shares)
    about = walks.interpolate_about(REGION, first, last, shares)
    for way in (straight, about):
        assert np.allclose(way[[0, -1]], [first, last])
    assert np.allclose(straight[2], (first + last) / 2)


def test_the_way_about_the_mean_keeps_to_the_distances_of_its_ends_and_turns_evenly() -> None:
    first, last, shares = MEAN + np.array([1, 1, 0]), MEAN + np.array([-1, 2, 0.5]), np.linspace(0, 1, 9)
    whitened = REGION.whiten(walks.interpolate_about(REGION, first, last, shares))
    lengths = np.linalg.norm(whitened, axis=1)
    assert np.allclose(lengths, np.linspace(lengths[0], lengths[-1], 9))
    unit = whitened / lengths[:, None]
    turns = np.arccos((unit[1:] * unit[:-1]).sum(axis=1))
    assert np.allclose(turns, turns[0])
    straight = REGION.squared_distances(walks.interpolate_straight(first, last, shares))
    assert straight[4] < (lengths[4] ** 2)


@pytest.mark.parametrize("last", [MEAN, MEAN - np.array([1, 1, 0]), MEAN + np.array([2, 2, 0])])
def test_from_the_mean_or_straight_through_it_both_ways_are_one(last: np.ndarray) -> None:
    first, shares = MEAN + np.array([1, 1, 0]), np.linspace(0, 1, 5)
    about = walks.interpolate_about(REGION, first, last, shares)
    assert np.allclose(about, walks.interpolate_straight(first, last, shares))


def test_a_region_of_codes_is_what_the_generators_are_fitted_to() -> None:
    built, region = generators.build(CODES, LABELS, 2, 0.99, rng()), latent.describe(CODES)
    fitted, cut = (built[name](2000, rng()) for name in ("fitted normal", "truncated normal"))
    assert region.share_inside(fitted, 0.99) == pytest.approx(0.99, abs=0.01)
    assert np.abs(fitted.mean(axis=0) - CODES.mean(axis=0)).max() < 0.5
    assert np.abs(region.whiten(cut)).max() <= generators.TRUNCATION + 1e-9
    assert np.abs(region.whiten(fitted)).max() > 3


def test_normals_keep_mean_and_covariance_and_are_not_cut() -> None:
    drawn = generators.draw_normal(REGION, N, rng())
    assert np.abs(drawn.mean(axis=0) - MEAN).max() < 0.03
    assert np.abs(np.cov(drawn.T) - COVARIANCE).max() < 0.05
    assert stats.kstest(REGION.squared_distances(drawn), stats.chi2(3).cdf).statistic < 0.01
