"""Tests of normality, against loops over the printed formulas and distributions that are known."""

import numpy as np
import pytest
from scipy import stats

from digits.analysis.latent import normality

MIXING = np.array([[2.0, 0.5, 0.0], [0.0, 1.0, -0.4], [0.0, 0.0, 0.3]])
NORMAL = np.random.default_rng(1).standard_normal((300, 3)) @ MIXING + 5
SKEWED = np.random.default_rng(2).exponential(size=(300, 3))
HEAVY = np.random.default_rng(3).standard_t(3, (300, 3))


def differences(vectors: np.ndarray) -> np.ndarray:
    """Inner products (x_i - mean)' S^-1 (x_j - mean), covariance with divisor n."""
    centred = vectors - vectors.mean(axis=0)
    return centred @ np.linalg.inv(centred.T @ centred / len(vectors)) @ centred.T


def test_moments_match_scipy() -> None:
    table = normality.describe_axes(SKEWED, np.arange(100))
    assert np.allclose(table["mean"], SKEWED.mean(axis=0))
    assert np.allclose(table["skewness"], stats.skew(SKEWED))
    assert np.allclose(table["kurtosis"], stats.kurtosis(SKEWED))
    assert table["shapiro_w"][1] == pytest.approx(stats.shapiro(SKEWED[:100, 1]).statistic)


def test_a_constant_axis_has_no_moments() -> None:
    vectors = NORMAL.copy()
    vectors[:, 1] = 4
    table = normality.describe_axes(vectors, np.arange(300)).set_index("axis")
    assert table.loc[2, ["skewness", "kurtosis", "shapiro_w", "shapiro_p"]].isna().all()
    assert table.loc[[1, 3]].notna().all(axis=None)


def test_the_cut_is_at_three_standard_deviations_along_any_axis() -> None:
    vectors = np.concatenate([NORMAL, [NORMAL.mean(axis=0) + np.array([0, 4 * NORMAL[:, 1].std(), 0])]])
    kept = normality.cut_outliers(vectors)
    scores = np.abs(stats.zscore(vectors, ddof=1))
    assert kept.tolist() == [bool(row.max() <= 3) for row in scores]
    assert not kept[-1]


def test_mardia_matches_the_sum_over_all_pairs() -> None:
    for vectors in (NORMAL, SKEWED):
        n, d = vectors.shape
        products = differences(vectors)
        skewness, kurtosis = normality.compute_mardia(vectors)
        loop = sum(products[i, j] ** 3 for i in range(n) for j in range(n)) / n**2
        assert skewness.statistic == pytest.approx(loop)
        assert skewness.p == pytest.approx(stats.chi2.sf(n * loop / 6, d * (d + 1) * (d + 2) / 6), abs=1e-12)
        fourth = sum(products[i, i] ** 2 for i in range(n)) / n
        score = (fourth - d * (d + 2)) / (8 * d * (d + 2) / n) ** 0.5
        assert kurtosis.statistic == pytest.approx(fourth)
        assert kurtosis.p == pytest.approx(2 * stats.norm.sf(abs(score)), abs=1e-12)
        assert skewness.expected == pytest.approx(60 / n)
        assert kurtosis.expected == 15


def test_third_moments_are_the_same_in_parts() -> None:
    vectors = np.random.default_rng(4).exponential(size=(500, 8))
    n = len(vectors)
    skewness, _ = normality.compute_mardia(np.tile(vectors, (400, 1)))
    assert skewness.statistic == pytest.approx((differences(vectors) ** 3).sum() / n**2)


def test_henze_zirkler_matches_the_published_formula() -> None:
    for vectors in (NORMAL, HEAVY, NORMAL[:, :1]):
        n, d = vectors.shape
        products = differences(vectors)
        b = 2**-0.5 * ((2 * d + 1) * n / 4) ** (1 / (d + 4))
        pairs = 0.0
        for i in range(n):
            for j in range(n):
                distance = products[i, i] + products[j, j] - 2 * products[i, j]
                pairs += np.exp(-(b**2) / 2 * distance)
        single = sum(np.exp(-(b**2) * products[i, i] / (2 * (1 + b**2))) for i in range(n))
        expected = n * (pairs / n**2 - 2 * (1 + b**2) ** (-d / 2) * single / n + (1 + 2 * b**2) ** (-d / 2))
        assert normality.compute_henze_zirkler(vectors).statistic == pytest.approx(expected)


def test_henze_zirkler_has_the_level_of_its_approximation() -> None:
    rng = np.random.default_rng(5)
    found = [normality.compute_henze_zirkler(rng.standard_normal((60, 2))) for _ in range(600)]
    statistics = [each.statistic for each in found]
    assert np.mean(statistics) == pytest.approx(found[0].expected, rel=0.05)
    assert 0.02 < np.mean([each.p < 0.05 for each in found]) < 0.09


def test_normal_vectors_pass_and_others_fail() -> None:
    assert normality.compute_henze_zirkler(NORMAL).p > 0.05
    critical = stats.kstwobign.isf(0.05) / len(NORMAL) ** 0.5
    assert normality.compare_distances(NORMAL) < critical
    for vectors in (SKEWED, HEAVY):
        assert normality.compute_henze_zirkler(vectors).p < 1e-3
        assert normality.compute_mardia(vectors)[1].p < 1e-3
        assert normality.compare_distances(vectors) > 3 * normality.compare_distances(NORMAL)


def test_tests_do_not_change_with_scale_and_rotation() -> None:
    turned = HEAVY @ MIXING * 100 - 7
    for test in (lambda v: normality.compute_henze_zirkler(v).statistic, normality.compare_distances):
        assert test(turned) == pytest.approx(test(HEAVY))


def test_distances_are_compared_with_chi_square() -> None:
    centred = NORMAL - NORMAL.mean(axis=0)
    squared = np.einsum("na,ab,nb->n", centred, np.linalg.inv(np.cov(NORMAL.T)), centred)
    expected = stats.kstest(squared, stats.chi2(3).cdf).statistic
    assert normality.compare_distances(NORMAL) == pytest.approx(expected)
    table = normality.compute_quantiles(NORMAL, 10)
    assert np.allclose(table["probability"], np.arange(0.05, 1, 0.1))
    assert np.allclose(table["expected"], stats.chi2.ppf(table["probability"], 3))
    assert np.allclose(table["observed"], np.quantile(squared, table["probability"]))


def test_a_singular_covariance_is_tested_in_its_subspace() -> None:
    doubled = np.concatenate([NORMAL, NORMAL[:, :1] + NORMAL[:, 1:2]], axis=1)
    for test in (lambda v: normality.compute_henze_zirkler(v).statistic, normality.compare_distances):
        assert test(doubled) == pytest.approx(test(NORMAL), rel=1e-6)


@pytest.mark.parametrize("vectors", [NORMAL[:1], NORMAL[:4], np.ones((50, 3))])
def test_too_few_or_equal_vectors_have_no_tests(vectors: np.ndarray) -> None:
    results = normality.measure_normality(vectors, np.arange(len(vectors)))
    assert results["n"] == len(vectors)
    for name in ("henze_zirkler", "mardia_kurtosis_ratio", "mardia_skewness_p", "ks_distance"):
        assert np.isnan(results[name])


def test_one_axis_is_enough() -> None:
    results = normality.measure_normality(SKEWED[:, :1], np.arange(300))
    assert np.isfinite(list(results.values())).all()
    assert results["skewness"] == pytest.approx(abs(stats.skew(SKEWED[:, 0])))
    assert results["mardia_kurtosis_ratio"] == pytest.approx(stats.kurtosis(SKEWED[:, 0], fisher=False) / 3)
