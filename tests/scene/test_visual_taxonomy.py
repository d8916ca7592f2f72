"""The words for what the models see, and what is certain of them."""

from __future__ import annotations

import numpy as np
import pytest

from scenograph.scene.visual_regions import Evidence, find_regions, largest_part
from scenograph.scene.visual_taxonomy import Taxonomy
from scenograph.scene.vocabulary import Vocabulary

PARENTS = {
    "golden retriever": ("retriever", "dog", "animal"),
    "labrador": ("retriever", "dog", "animal"),
    "retriever": ("dog", "animal"),
    "poodle": ("dog", "animal"),
    "dog": ("animal",),
    "tabby": ("cat", "animal"),
    "cat": ("animal",),
}
CLASSES = ("golden retriever", "labrador", "poodle", "tabby", *(f"thing {i}" for i in range(96)))
SKIP = frozenset({"animal"})


@pytest.fixture(scope="module")
def small() -> Taxonomy:
    return Taxonomy.build(CLASSES, ("dog", "cat", "cup"), lambda name: PARENTS.get(name, ()))


def image(**beliefs: float) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities and a 4 x 4 map that shows them in its top left quarter."""
    probabilities = np.full(len(CLASSES), 0.0, dtype=np.float32)
    for name, belief in beliefs.items():
        probabilities[CLASSES.index(name.replace("_", " "))] = belief
    probabilities[4:] = (1 - probabilities.sum()) / (len(CLASSES) - 4)
    cells = np.full((4, 4, len(CLASSES)), 1 / len(CLASSES), dtype=np.float32)
    cells[:2, :2] = probabilities
    return probabilities, cells


def test_beliefs_add_up(small: Taxonomy) -> None:
    probabilities, cells = image(golden_retriever=0.3, poodle=0.2, tabby=0.1)
    beliefs = dict(zip(small.concepts, small.beliefs(probabilities).tolist(), strict=True))
    assert beliefs["retriever"] == pytest.approx(0.3)
    assert beliefs["dog"] == pytest.approx(0.5)
    assert beliefs["animal"] == pytest.approx(0.6)
    np.testing.assert_allclose(small.beliefs(cells)[1, 1], small.beliefs(probabilities), atol=1e-6)


def test_kinds(small: Taxonomy) -> None:
    assert small.is_a("poodle", "dog")
    assert small.is_a("dog", "dog")
    assert not small.is_a("dog", "poodle")
    assert small.any_of("tabby", frozenset({"dog", "cat"}))
    assert not small.any_of("cup", frozenset({"dog", "cat"}))
    assert set(small.below["dog"]) == {"golden retriever", "labrador", "retriever", "poodle"}


def regions(taxonomy: Taxonomy, **beliefs: float) -> list[str]:
    evidence = Evidence.of(*image(**beliefs), taxonomy)
    return [region.name for region in find_regions(evidence, taxonomy, SKIP)]


def test_says_the_breed_only_where_it_is_sure(small: Taxonomy) -> None:
    assert regions(small, golden_retriever=0.9) == ["golden retriever"]
    assert regions(small, golden_retriever=0.45, labrador=0.45) == ["retriever"]
    assert regions(small, golden_retriever=0.3, poodle=0.3, labrador=0.3) in (["dog"], ["retriever"])
    assert regions(small, poodle=0.45, labrador=0.45) == ["dog"]
    assert regions(small, poodle=0.01) == []


def test_two_things_are_two_regions(small: Taxonomy) -> None:
    assert set(regions(small, poodle=0.4, tabby=0.4)) == {"poodle", "tabby"}


def test_a_region_is_where_its_cells_are(small: Taxonomy) -> None:
    evidence = Evidence.of(*image(poodle=0.9), small)
    (region,) = find_regions(evidence, small, SKIP)
    assert (region.box.x0, region.box.y0, region.box.x1, region.box.y1) == (0.0, 0.0, 0.5, 0.5)
    assert 0.5 < region.score < 1


def test_belief_inside_a_box(small: Taxonomy) -> None:
    evidence = Evidence.of(*image(poodle=0.9), small)
    place = small.place["poodle"]
    from scenograph.scene.graph import Box

    assert evidence.inside(Box(0.0, 0.0, 0.5, 0.5))[place] == pytest.approx(0.9, abs=1e-3)
    assert evidence.inside(Box(0.5, 0.5, 1.0, 1.0))[place] == pytest.approx(0.01, abs=1e-3)
    half = evidence.inside(Box(0.25, 0.0, 0.75, 0.5))[place]
    assert half == pytest.approx((0.9 + 0.01) / 2, abs=1e-3)


def test_largest_part_takes_the_heaviest() -> None:
    weights = np.zeros((4, 8), dtype=np.float32)
    weights[0, 0] = 1.0
    weights[2:4, 5:8] = 0.8
    box = largest_part(weights)
    assert (box.x0, box.y0, box.x1, box.y1) == (5 / 8, 0.5, 1.0, 1.0)
    whole = largest_part(np.zeros((3, 3), dtype=np.float32))
    assert (whole.x0, whole.y0, whole.x1, whole.y1) == (0.0, 0.0, 1.0, 1.0)


def test_the_real_tables_know_what_is_a_dog() -> None:
    taxonomy = Taxonomy.from_vocabulary(Vocabulary.load())
    assert len(taxonomy.class_names) == 1000
    assert len(taxonomy.object_names) == 80
    dogs = [name for name in taxonomy.class_names if taxonomy.is_a(name, "dog")]
    assert len(dogs) == 118  # ImageNet's own number
    assert taxonomy.is_a("couch", "furniture")
    assert all(name in taxonomy.kinds for name in taxonomy.object_names)
