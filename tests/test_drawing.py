"""Drawing: the same bytes each time, colours and scales, images in grids, scatter plots."""

import struct
import time
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from matplotlib.image import imread
from matplotlib.patches import Rectangle

from digits.drawing.grid import Tile, draw_grid, fold, tile_images
from digits.drawing.style import (
    BAD,
    COLOURS,
    new_figure,
    save,
    scale_colours,
    scale_of,
    scatter_by_class,
    show_image,
    signed_scale,
)
from tests.support.helpers import random_images


def picture() -> Figure:
    figure, ax = new_figure(3, 2)
    ax.plot([1, 2, 3], [3, 1, 2], label="a line")
    ax.legend()
    ax.set_title("a title")
    return figure


def chunks(content: bytes) -> dict[str, bytes]:
    """Return the chunks of a PNG by type; of several of one type, the last."""
    found, position = {}, 8
    while position < len(content):
        (size,) = struct.unpack(">I", content[position : position + 4])
        kind = content[position + 4 : position + 8].decode()
        found[kind] = content[position + 8 : position + 8 + size]
        position += size + 12
    return found


def test_a_picture_has_the_same_bytes_each_time(tmp_path: Path) -> None:
    save(tmp_path / "first.png", picture())
    time.sleep(1.1)  # a date in it would tick in seconds
    save(tmp_path / "second.png", picture())
    assert (tmp_path / "first.png").read_bytes() == (tmp_path / "second.png").read_bytes()


def test_a_picture_contains_neither_date_nor_software(tmp_path: Path) -> None:
    save(tmp_path / "picture.png", picture())
    content = (tmp_path / "picture.png").read_bytes()
    assert set(chunks(content)) == {"IHDR", "pHYs", "IDAT", "IEND"}
    assert b"atplotlib" not in content


def test_a_picture_has_the_size_asked_for(tmp_path: Path) -> None:
    save(tmp_path / "picture.png", picture())
    assert imread(tmp_path / "picture.png").shape[:2] == (220, 330)


def drawn(image: np.ndarray) -> np.ndarray:
    """Return the colours that an image is drawn in, RGB in [0, 1]."""
    _, ax = new_figure(2, 2)
    show_image(ax, image)
    (artist,) = ax.images
    return np.asarray(artist.to_rgba(artist.get_array()))[..., :3].astype(float)


@pytest.mark.parametrize(("dtype", "ink"), [(np.uint8, 255), (np.float64, 255), (np.float32, 1)])
def test_ink_is_dark_on_white_for_bytes_and_for_unit_floats(dtype: type, ink: int) -> None:
    colours = drawn(np.array([[0, ink], [0, 0]], dtype)[..., None])
    assert colours[0, 1].tolist() == [0, 0, 0]
    assert colours[0, 0].tolist() == colours[1, 1].tolist() == [1, 1, 1]


def test_an_image_can_be_placed_on_axes_with_others() -> None:
    _, ax = new_figure(2, 2)
    show_image(ax, random_images(4, 4, 1), extent=(3, 5, 2, 1))
    (artist,) = ax.images
    assert tuple(artist.get_extent()) == (3, 5, 2, 1)


def test_a_dim_image_of_bytes_is_drawn_dim() -> None:
    assert drawn(np.ones((2, 2, 1), np.uint8)).min() > 0.95


@pytest.mark.parametrize("dtype", [np.uint8, np.float64])
def test_colour_images_are_drawn_in_their_colours(dtype: type) -> None:
    image = random_images(4, 5, 3)
    assert np.allclose(drawn(image.astype(dtype)), image / 255, atol=0.01)
    assert np.allclose(drawn((image / 255).astype(np.float32)), image / 255, atol=0.01)


def texts(figure: Figure) -> list[str]:
    return [text.get_text() for ax in figure.axes for text in ax.texts if text.get_text()]


def test_a_grid_shows_every_tile_and_says_none_in_an_empty_row() -> None:
    images = random_images(5, 6, 4, 3)
    tiles = [Tile(image, f"caption {i}", BAD) for i, image in enumerate(images)]
    figure = draw_grid([("some", tiles), ("empty", [])], "title")
    (ax,) = figure.axes
    assert [np.array_equal(np.rint(np.asarray(drawn.get_array()) * 255), image) for drawn, image in
            zip(ax.images, images, strict=True)] == [True] * 5  # fmt: skip
    assert texts(figure) == ["some", *(f"caption {i}" for i in range(5)), "empty", "none"]
    left = [image.get_extent()[0] for image in ax.images]
    assert min(np.diff(left)) > 0.62  # wide enough for the captions


def test_tiles_fold_into_rows_of_which_the_first_has_the_name() -> None:
    tiles = [Tile(None, str(i)) for i in range(5)]
    assert fold(tiles, 2, "name") == [("name", tiles[:2]), ("", tiles[2:4]), ("", tiles[4:])]
    assert fold([], 3) == [("", [])]


def test_a_map_has_the_colours_of_its_scale_and_a_colour_bar() -> None:
    values = np.array([[-2.0, 0], [np.nan, 2]])
    norm = signed_scale(values, covered=1)
    row = [Tile(values, heading="first", norm=norm), Tile(-values, norm=norm), Tile(None)]
    figure = draw_grid([("maps", row)], "", scales=[(norm, "weight")], groups=[("one", 1), ("two", 2)])
    grid, bar = figure.axes
    assert [image.norm for image in grid.images] == [norm, norm]
    assert bar.get_ylabel() == "weight"
    assert texts(figure) == ["maps", "first", "one", "two"]
    gaps = np.diff([image.get_extent()[0] for image in grid.images])
    (plain,) = draw_grid([("maps", row)], "").axes
    assert gaps > np.diff([image.get_extent()[0] for image in plain.images])


def test_frames_outline_every_tile() -> None:
    (ax,) = draw_grid([("", [Tile(random_images(4, 8, 1))] * 3)], "", framed=True).axes
    corners = [
        np.array([patch.get_x(), patch.get_y()]) for patch in ax.patches if isinstance(patch, Rectangle)
    ]
    assert np.allclose(corners, [np.array(image.get_extent())[[0, 3]] for image in ax.images])
    assert not any(patch.get_clip_on() for patch in ax.patches)  # the last one ends at the edge of the axes


def test_a_long_title_has_lines_of_nearly_equal_length() -> None:
    lines = str(draw_grid([("", [Tile(None)])], "word " * 12 + "\nshort").get_suptitle()).split("\n")
    assert lines == ["word word word word word word"] * 2 + ["short"]


def test_images_are_laid_out_row_by_row_with_gaps() -> None:
    images = np.arange(1, 6).reshape(5, 1, 1, 1) * np.ones((1, 2, 3, 1), int)
    whole = tile_images(images, rows=2, columns=3)
    assert whole.shape == (4, 9, 1)
    assert whole[::2, ::3, 0].tolist() == [[1, 2, 3], [4, 5, 0]]
    apart = tile_images(images, rows=2, columns=2, gap=1, fill=9)
    assert apart[..., 0].tolist() == [[1, 1, 1, 9, 2, 2, 2]] * 2 + [[9] * 7] + [[3, 3, 3, 9, 4, 4, 4]] * 2


def test_scales_are_symmetric_only_if_a_value_is_negative() -> None:
    unsigned, signed = scale_of(np.array([0.0, np.nan, 3])), scale_of(np.array([1.0, -3]))
    assert [unsigned.vmin, unsigned.vmax] == pytest.approx([0, 3], rel=0.01)
    assert [signed.vmin, signed.vmax] == pytest.approx([-3, 3], rel=0.01)
    assert scale_colours(signed).name != scale_colours(unsigned).name
    assert scale_of(np.zeros(3)).vmax == 1


def test_each_class_has_its_colour_and_its_name_at_its_median() -> None:
    _, ax = new_figure(3, 3)
    points = np.array([[0, 0], [1, 2], [8, 8], [1, 2], [9, 9]], float)
    scatter_by_class(ax, points, np.array([0, 0, 2, 0, 2]), ["p", "absent", "q"])
    assert [text.get_text() for text in ax.texts] == ["p", "q"]
    assert np.allclose([text.xy for text in ax.texts], [(1, 2), (8.5, 8.5)])
    for collection, colour, count in zip(ax.collections, (COLOURS[0], COLOURS[2]), (3, 2), strict=True):
        assert len(collection.get_offsets()) == count
        assert to_hex(collection.get_facecolor()[0]).upper() == colour


def test_names_of_classes_do_not_overlap() -> None:
    _, ax = new_figure(3, 3)
    corners = np.array([[0, 0], [10, 100]], float)
    crowded = np.concatenate([corners, [[5, 50 + shift] for shift in (0, 0.1, 0.2)]])
    scatter_by_class(ax, crowded, np.array([0, 1, 2, 3, 4]), list("abcde"))
    places = np.array([text.xy for text in ax.texts])[2:] / [10, 100]
    for one, other in combinations(places, 2):
        assert np.linalg.norm(one - other) > 0.06


def test_classes_along_one_dimension_keep_their_names() -> None:
    _, ax = new_figure(3, 3)
    points = np.array([[0, 0], [9, 0], [9.1, 0], [10, 0]])
    scatter_by_class(ax, points, np.array([0, 1, 2, 3]), list("abcd"))
    places = np.array([text.xy for text in ax.texts])
    assert np.isfinite(places).all()
    assert np.allclose(places[:, 1], 0)
    assert places[2, 0] - places[1, 0] > 0.6
