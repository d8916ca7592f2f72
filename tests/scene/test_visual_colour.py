"""Colour names: prototypes, shares, surroundings, light."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from tests.support import sample_photo

from scenograph.prep import decode_image
from scenograph.scene.colour import (
    ANIMAL,
    CLOTHES,
    NAMES,
    colour_attributes,
    colour_shares,
    exposure,
    name_pixels,
)
from scenograph.scene.graph import Box

WHOLE = Box(0.0, 0.0, 1.0, 1.0)


@pytest.mark.parametrize(
    ("name", "rgb"),
    [
        ("black", (10, 10, 10)),
        ("white", (250, 250, 250)),
        ("grey", (128, 128, 128)),
        ("red", (210, 20, 30)),
        ("green", (30, 130, 40)),
        ("blue", (30, 60, 180)),
        ("yellow", (250, 230, 20)),
        ("orange", (250, 130, 10)),
        ("brown", (110, 70, 40)),
        ("pink", (250, 150, 190)),
        ("purple", (120, 20, 130)),
    ],
)
def test_names_typical_colours(name: str, rgb: tuple[int, int, int]) -> None:
    assert NAMES[int(name_pixels(np.array([rgb], dtype=np.uint8))[0])] == name


def test_every_colour_has_a_name() -> None:
    rng = np.random.default_rng(0)
    names = name_pixels(rng.integers(0, 256, (500, 3), dtype=np.uint8))
    assert names.max() < len(NAMES)


def picture(inside: tuple[int, int, int], outside: tuple[int, int, int]) -> NDArray[np.uint8]:
    image = np.empty((100, 100, 3), dtype=np.uint8)
    image[:] = outside
    image[30:70, 30:70] = inside
    return image


def test_the_surroundings_are_taken_off() -> None:
    image = picture((110, 70, 40), (30, 130, 40))
    loose = Box(0.2, 0.2, 0.8, 0.8)  # as much grass as dog
    (first, *_) = colour_attributes(image, loose, ANIMAL)
    assert first.name == "brown"
    assert colour_shares(image, loose).sum() == pytest.approx(1, abs=1e-5)


def test_two_colours() -> None:
    image = picture((10, 10, 10), (30, 130, 40))
    image[30:70, 50:70] = (250, 250, 250)
    found = colour_attributes(image, Box(0.3, 0.3, 0.7, 0.7), ANIMAL)
    assert {attribute.name for attribute in found} == {"black", "white"}
    assert found[0].score >= found[1].score


def test_clothes_are_looked_for_in_the_upper_body() -> None:
    image = picture((60, 40, 25), (250, 250, 250))
    image[36:52, 34:66] = (200, 20, 30)
    assert colour_attributes(image, Box(0.3, 0.3, 0.7, 0.7), CLOTHES)[0].name == "red"


def test_a_dim_white_is_white_in_dim_light() -> None:
    image = picture((150, 150, 150), (60, 90, 40))
    assert colour_attributes(image, Box(0.3, 0.3, 0.7, 0.7), gain=exposure(image))[0].name == "white"


@pytest.mark.parametrize("box", [Box(0.0, 0.0, 1e-6, 1e-6), Box(0.999, 0.999, 1.0, 1.0), WHOLE])
def test_tiny_boxes_and_tiny_images(box: Box) -> None:
    for size in ((1, 1), (1, 50), (50, 1), (100, 100)):
        shares = colour_shares(np.full((*size, 3), 200, dtype=np.uint8), box)
        assert shares.shape == (len(NAMES),)
        assert np.isfinite(shares).all()


def test_the_motorcycle_is_red() -> None:
    pixels = decode_image(sample_photo("motorcycle_left.png").read_bytes())
    found = colour_attributes(pixels, Box(0.14, 0.13, 0.92, 0.89), gain=exposure(pixels))
    assert found[0].name == "red"
