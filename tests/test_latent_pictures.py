"""What the analysis of the latent space shows: ways, noise, the page to point at, conclusions."""

import base64
import io
import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from stages.latent_analysis.case import Case

from digits.analysis.latent.gaussian import describe
from digits.data.splits import scale
from stages.latent_analysis import conclusions, denoising, embedding, generation, normality, page, walks
from stages.latent_analysis.settings import Denoising
from tests.helpers import random_images
from tests.test_latent_analysis import CLASSES, make_case


@pytest.fixture(scope="module")
def case(tmp_path_factory: pytest.TempPathFactory) -> Case:
    return make_case(tmp_path_factory.mktemp("plots"))


def test_pairs_are_first_images_of_two_classes() -> None:
    assert walks.choose_pairs(np.array([3, 3, 1, 0, 7, 1])) == [(3, 2), (0, 4)]
    assert walks.choose_pairs(np.array([5, 5, 5])) == [(0, 1)]


def test_the_animation_goes_there_and_back(tmp_path: Path) -> None:
    for channels in (1, 3):
        frames = np.random.default_rng(0).random((2, 2, 5, 6, 4, channels)).astype(np.float32)
        contents = []
        for _ in range(2):
            walks.animate(tmp_path / "a.gif", frames)
            contents.append((tmp_path / "a.gif").read_bytes())
        assert contents[0] == contents[1]
        with Image.open(tmp_path / "a.gif") as picture:
            assert picture.n_frames == 8  # type: ignore[attr-defined]
            assert picture.size == (2 * (4 + walks.GAP) * 3, 2 * (6 + walks.GAP) * 3)


def test_noise_is_measured_before_and_after() -> None:
    images = random_images(20, 8, 8, 1)
    settings = Denoising(images=20, deviation=(0.1, 0.3), dropped=(0.5,))
    methods = {
        "as it is": scale,
        "perfect": lambda noisy: scale(images),
        "black": lambda noisy: 0 * scale(noisy),
    }
    table = denoising.measure(methods, images, settings, np.random.default_rng(0))
    psnr = table.set_index(["noise", "level", "method"])["psnr"]
    assert psnr["deviation", 0.1, "as it is"] == pytest.approx(20, abs=1.5)
    assert psnr["deviation", 0.1, "as it is"] > psnr["deviation", 0.3, "as it is"]
    dropped = -10 * np.log10(0.5 * (scale(images) ** 2).mean())
    assert psnr["dropped", 0.5, "as it is"] == pytest.approx(dropped, abs=0.5)
    assert psnr["dropped", 0.5, "black"] == pytest.approx(-10 * np.log10((scale(images) ** 2).mean()))
    assert pd.isna(psnr["dropped", 0.5, "perfect"])
    gain = denoising.gains(table)
    assert set(gain["deviation"]) == {"black"}
    assert gain["dropped"]["black"] == pytest.approx(
        psnr["dropped", 0.5, "black"] - psnr["dropped", 0.5, "as it is"]
    )


def test_the_page_is_whole_and_shows_each_image_at_its_place(case: Case) -> None:
    chosen = np.array([3, 0, 7])
    points = np.array([[0.0, 0.0], [4.0, 1.0], [2.0, 2.0]], dtype=np.float32)
    maps = {"PCA": {"latent": embedding.Maps(points, points)}}
    text = page.build(case, chosen, maps)
    assert text == page.build(case, chosen, maps)
    assert "{{" not in text
    assert not re.search(r"(src|href)\s*=\s*[\"']?https?:", text)
    data = json.loads(re.search(r'id="data">(.*?)</script>', text)[1])  # type: ignore[index]
    assert data["labels"] == case.test.labels[chosen].tolist()
    assert data["maps"]["PCA"]["latent"] == [[0, 0.75], [1, 0.5], [0.5, 0.25]]
    sheet = base64.b64decode(re.search(r"base64,([A-Za-z0-9+/=]+)", text)[1])  # type: ignore[index]
    with Image.open(io.BytesIO(sheet)) as picture:
        pixels = np.asarray(picture)
    for number, position in enumerate(chosen):
        left = number % page.COLUMNS * 10
        assert np.array_equal(255 - pixels[:12, left : left + 10], case.test.images[position, :, :, 0])


def test_a_class_name_cannot_end_the_script(case: Case) -> None:
    odd = replace(case, classes=["</script><b>", *CLASSES[1:]])
    points = np.zeros((1, 2), dtype=np.float32)
    text = page.build(odd, np.array([0]), {"PCA": {"latent": embedding.Maps(points, points)}})
    assert text.count("</script>") == 2


def test_conclusions_follow_the_numbers() -> None:
    row = {
        "cut": False,
        "kept": 1.0,
        "ks_distance": 0.1,
        "henze_zirkler_p": 0.5,
        "mardia_kurtosis_ratio": 1.1,
    }
    measured = (("a", 0.05, 1.0), ("b", 0.2, 0.8), ("c", 0.01, 1.3))
    others = [{**row, "group": name, "ks_distance": d, "mardia_kurtosis_ratio": k} for name, d, k in measured]
    cut = [{**each, "cut": True} for each in others]
    table = pd.DataFrame([{**row, "group": normality.ALL}, *others, *cut])
    text = conclusions.describe_classes(table)
    assert text.startswith("By class: Mahalanobis distances of 2 of 3 classes are nearer")
    assert "Mardia's kurtosis of 1 nearer to the normal one" in text
    assert "Henze-Zirkler rejects 0" in text
    assert conclusions.judge(0.01) == "rejects normality"
    assert conclusions.judge(0.2) == "does not reject it"
    assert conclusions.judge(np.nan) == "cannot be taken"


def test_gains_are_ratios_of_distances() -> None:
    distances = {"standard normal": 8, "independent normals": 6, "fitted normal": 4, "mixture": 1}
    others = {generation.RECONSTRUCTED: 0.5, generation.REAL: 0.1}
    frechet = [("frechet", name, value) for name, value in (distances | others).items()]
    confidence = [("confidence", name, 0.9) for name in distances]
    confidence += [("confidence", name, 0.8) for name in others]
    table = pd.DataFrame(frechet + confidence, columns=["score", "source", "mean"])
    text = conclusions.describe_gains(table)
    assert "of the standard normal distribution is 2.0 times" in text
    assert "that of independent normals 1.5 times" in text
    assert "4.0 times that of the best, mixture." in text
    assert "of the best is 90.0%, in reconstructed ones 80.0%" in text


def test_the_region_s_description_states_its_own_figures(case: Case) -> None:
    text = conclusions.describe_region(case)
    region = describe(case.codes)
    assert "the 60 training vectors of 2 axes" in text
    assert f"{region.figures['largest_correlation']:.2f} at most" in text
