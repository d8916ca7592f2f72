"""The demo's photographs: sample pictures of the scikit-image package, with sentences of our own."""

from __future__ import annotations

import importlib.util
from pathlib import Path

from scenograph.cli.captions import Captioned
from scenograph.client import Item

_PHOTOS: tuple[tuple[str, tuple[str, ...], dict[str, str | int | bool]], ...] = (
    (
        "astronaut.png",
        ("a smiling woman in an orange space suit", "an astronaut stands between a flag and a model rocket"),
        {"topic": "space", "colour": True},
    ),
    (
        "chelsea.png",
        ("the face of a tabby cat with green eyes", "a cat looks past the camera"),
        {"topic": "animals", "colour": True},
    ),
    (
        "coffee.png",
        ("a cup of espresso on a red saucer", "a spoon lies beside a coffee cup on a wooden table"),
        {"topic": "food", "colour": True},
    ),
    (
        "motorcycle_left.png",
        ("a red motorcycle is parked in a garage", "a motorbike in front of shelves with boxes"),
        {"topic": "vehicles", "colour": True},
    ),
    (
        "rocket.jpg",
        ("a white rocket on its launch pad at dusk", "a rocket stands between towers"),
        {"topic": "space", "colour": True},
    ),
    ("horse.png", ("the black silhouette of a horse",), {"topic": "animals", "colour": False}),
    (
        "camera.png",
        ("a man in a dark coat looks through a camera on a tripod", "a photographer on a lawn"),
        {"topic": "people", "colour": False},
    ),
    ("coins.png", ("rows of ancient coins on a dark cloth",), {"topic": "objects", "colour": False}),
    ("moon.png", ("craters on the surface of the moon",), {"topic": "space", "colour": False}),
    ("hubble_deep_field.jpg", ("thousands of distant galaxies",), {"topic": "space", "colour": True}),
    ("brick.png", ("a wall of bricks",), {"topic": "textures", "colour": False}),
    ("grass.png", ("blades of grass from above",), {"topic": "textures", "colour": False}),
    ("page.png", ("a printed page of a manual",), {"topic": "objects", "colour": False}),
)


def photo(name: str) -> Path:
    """Where a sample picture is. Errors: ValueError where scikit-image is not installed."""
    package = importlib.util.find_spec("skimage")
    if package is None or not package.submodule_search_locations:
        raise ValueError("the demo's photographs are in scikit-image: pip install 'scenograph[pack]'")
    return Path(package.submodule_search_locations[0]) / "data" / name


def captioned() -> list[Captioned]:
    """The same with their sentences alone: photographs unlike those that the default pack is trained on."""
    return [Captioned(name, photo(name), texts) for name, texts, _ in _PHOTOS]


def items() -> list[Item]:
    """The demo's items."""
    return [
        Item(id=name.partition(".")[0], image=photo(name), texts=texts, metadata=metadata, request_id=name)
        for name, texts, metadata in _PHOTOS
    ]
