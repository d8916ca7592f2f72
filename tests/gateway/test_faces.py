"""Faces blurred on request: nothing stored is made of a face; and kept images tell no more than pixels."""

from __future__ import annotations

import io
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path

import grpc
import numpy as np
import pytest
from PIL import Image
from tests.gateway.harness import folder_index, gateway_with, photo
from tests.support import data_folder

from scenograph import client
from scenograph.cli.compose.apps import Apps
from scenograph.cli.compose.process import Process
from scenograph.cli.server_process import ServerProcess
from scenograph.client import errors
from scenograph.gateway.app import GatewayApp
from scenograph.gateway.faces import CELLS, FaceBlurrer, blur
from scenograph.gateway.requests import ImageSource, Item
from scenograph.packs import Pack
from scenograph.prep.decode import decode_image
from scenograph.runtime.contracts import Record
from scenograph.runtime.settings import load_settings
from scenograph.scene.errors import InvalidImage, NoFaceDetector, RequestIdReused

COUNTED = {
    "000000000623.jpg": 1,
    "000000000572.jpg": 2,
    "000000000294.jpg": 1,
    "000000000370.jpg": 1,
    "000000000625.jpg": 3,
    "000000000446.jpg": 1,
    "000000000326.jpg": 1,
    "000000000395.jpg": 1,
    "000000000510.jpg": 1,
    "000000000536.jpg": 3,
    "000000000036.jpg": 1,
    "000000000436.jpg": 1,
    "000000000165.jpg": 2,
    "000000000328.jpg": 3,
}
FACE = (175, 55, 272, 180)  # the astronaut's: left, top, right, bottom


@pytest.fixture(scope="module")
def blurrer(face_detector: Path) -> FaceBlurrer:
    return FaceBlurrer(face_detector, 64_000_000, 64 * 2**20)


def test_a_face_is_found_where_it_is(blurrer: FaceBlurrer) -> None:
    (found,) = blurrer.find(decode_image(photo("astronaut.png")))
    assert np.abs(found - FACE).max() < 12


@pytest.mark.parametrize("turns", [0, 1, 2, 4, 8])
def test_at_any_size(blurrer: FaceBlurrer, turns: int) -> None:
    """Small images are enlarged, large ones made smaller; the box is in the image's own pixels."""
    scale = {0: 0.4, 1: 1.0, 2: 2.0, 4: 4.0, 8: 6.0}[turns]
    image = Image.fromarray(decode_image(photo("astronaut.png")))
    resized = np.asarray(image.resize((round(512 * scale), round(512 * scale))))
    found = blurrer.find(resized)
    assert any(np.abs(box / scale - FACE).max() < 20 for box in found)


async def test_what_has_no_face_stays_as_it_is(blurrer: FaceBlurrer) -> None:
    for name in ("coffee.png", "motorcycle_left.png", "rocket.jpg"):
        assert await blurrer.blurred(photo(name)) == photo(name)


async def test_a_blurred_face_is_no_face(blurrer: FaceBlurrer) -> None:
    """It is not found again, and little of its detail is left; the rest of the image is as it was."""
    content = photo("astronaut.png")
    before, blurred = decode_image(content), decode_image(await blurrer.blurred(content))
    assert len(blurrer.find(blurred)) == 0
    left, top, right, bottom = FACE
    inside, were = (image[top:bottom, left:right].astype(float) for image in (blurred, before))
    detail = [np.abs(np.diff(part, axis=0)).mean() for part in (inside, were)]
    assert detail[0] < detail[1] / 3
    far = np.abs(blurred[260:].astype(float) - before[260:])
    assert far.mean() < 3, "but for the JPEG"


def test_a_blur_has_nothing_but_its_patches() -> None:
    """Two faces with the same patches come out alike, whatever else tells them apart."""
    random = np.random.default_rng(1)
    flat = np.repeat(np.repeat(random.integers(50, 200, (CELLS, CELLS, 3)), 20, 0), 20, 1).astype(np.uint8)
    sign = np.indices(flat.shape[:2]).sum(0) % 2 * 2 - 1
    noisy = (flat.astype(int) + 40 * sign[..., None]).astype(np.uint8)
    whole = np.array([[0, 0, *flat.shape[1::-1]]], np.float32)
    assert np.abs(blur(flat, whole).astype(int) - blur(noisy, whole)).max() <= 1


def test_faces_at_the_edges_and_of_no_size(blurrer: FaceBlurrer) -> None:
    pixels = decode_image(photo("astronaut.png"))
    boxes = np.array(
        [[-50, -50, 20, 20], [500, 500, 900, 900], [600, 600, 700, 700], [9, 9, 9, 9]], np.float32
    )
    assert blur(pixels, boxes).shape == pixels.shape


async def test_damaged_images_are_told(blurrer: FaceBlurrer) -> None:
    with pytest.raises(InvalidImage):
        await blurrer.blurred(photo("rocket.jpg")[:500])


@pytest.fixture
async def gateway(apps: Apps, tmp_path: Path) -> GatewayApp:
    return gateway_with(apps, tmp_path)


async def stored(gateway: GatewayApp, apps: Apps, item: Item) -> tuple[Record, bytes]:
    """The record of an item, and its image as it is kept, in a collection that is made for it."""
    await gateway.collections.create("faces", 0)
    try:
        (outcome,) = await gateway.batch_ingest("faces", [item], "request")
        assert outcome.error is None
        second = await folder_index(apps).second("faces", "default@none")
        (source,) = await second.read([1])
        await second.discard()
        return await gateway.collections.get_item("faces", item.id), source.image
    finally:
        await gateway.collections.delete("faces")


@pytest.mark.pack
async def test_everything_is_made_of_the_blurred_image(
    gateway: GatewayApp, apps: Apps, blurrer: FaceBlurrer
) -> None:
    """What is stored is what would be stored of the blurred image itself."""
    item = Item("astronaut", ImageSource(photo("astronaut.png")), blur_faces=True)
    record, kept = await stored(gateway, apps, item)
    blurred = await blurrer.blurred(photo("astronaut.png"))
    other, kept_too = await stored(gateway, apps, Item("astronaut", ImageSource(blurred)))
    plain, _ = await stored(gateway, apps, replace(item, blur_faces=False))
    assert kept == kept_too and len(blurrer.find(decode_image(kept))) == 0
    vectors = [one.entries[0].embedding for one in (record, other, plain)]
    assert vectors[0] is not None and vectors[1] is not None and vectors[2] is not None
    assert np.array_equal(vectors[0], vectors[1]) and not np.allclose(vectors[0], vectors[2])
    assert record.entries[0].graph == other.entries[0].graph


@pytest.mark.pack
async def test_a_repetition_is_told_by_what_was_sent(gateway: GatewayApp, face_detector: Path) -> None:
    """The same image with and without blurring are two requests; the same twice is one."""
    await gateway.collections.create("faces", 0)
    item = Item("astronaut", ImageSource(photo("astronaut.png")), blur_faces=True)
    first, again = [(await gateway.batch_ingest("faces", [item], "r"))[0] for _ in range(2)]
    (other,) = await gateway.batch_ingest("faces", [replace(item, blur_faces=False)], "r")
    assert (first.replayed, again.replayed) == (False, True) and isinstance(other.error, RequestIdReused)
    await gateway.collections.delete("faces")


DAMAGES = ["no detector", "no manifest", "another byte", "half a manifest", "another format"]


def lay(folder: Path, sound: Path, damage: str = "") -> Path:
    """A copy of a detector with its manifest, or with what is left of them."""
    model, manifest = sound.read_bytes(), sound.with_suffix(".toml").read_bytes()
    if damage == "another byte":
        model = model[:99_999] + bytes([model[99_999] ^ 1]) + model[100_000:]
    elif damage == "half a manifest":
        manifest = manifest[: len(manifest) // 2]
    elif damage == "another format":
        manifest = manifest.replace(b"format = 1", b"format = 2")
    files = {"faces.onnx": model, "faces.toml": manifest}
    files.pop({"no detector": "faces.onnx", "no manifest": "faces.toml"}.get(damage, ""), None)
    for name, content in files.items():
        (folder / name).write_bytes(content)
    return folder / "faces.onnx"


@pytest.mark.parametrize("damage", DAMAGES)
async def test_no_image_passes_without_a_sound_detector(
    tmp_path: Path, face_detector: Path, damage: str
) -> None:
    """The refusal says what to do; once that is done, nothing needs a restart."""
    blurrer = FaceBlurrer(lay(tmp_path, face_detector, damage), 64_000_000, 64 * 2**20)
    for name in ("astronaut.png", "coffee.png"):  # with a face and without
        with pytest.raises(NoFaceDetector, match="scenograph pack faces"):
            await blurrer.blurred(photo(name))
    lay(tmp_path, face_detector)
    assert await blurrer.blurred(photo("coffee.png")) == photo("coffee.png")


@pytest.mark.pack
def test_a_server_without_a_detector(default_pack: Pack, tmp_path: Path, face_detector: Path) -> None:
    """It starts, and stores what needs no blurring; of the rest nothing, until the detector is there."""
    item = client.Item("astronaut", photo("astronaut.png"), ["a woman in an orange suit"], blur_faces=True)
    detector = tmp_path / "faces.onnx"
    settings = {"SCENOGRAPH_IMAGES_FACE_DETECTOR": str(detector)}
    with ServerProcess(tmp_path, settings=settings) as address, client.Client(address) as called:
        called.create_collection("faces")
        refused, taken = called.ingest("faces", [item, client.Item("dog", texts=["a brown dog"])])
        assert isinstance(refused.error, errors.NoFaceDetector) and taken.ok
        assert refused.error.code is grpc.StatusCode.FAILED_PRECONDITION
        assert "scenograph pack faces" in str(refused.error)
        with pytest.raises(errors.ItemNotFound):
            called.get("faces", "astronaut")
        lay(tmp_path, face_detector)
        assert [status.ok for status in called.ingest("faces", [item])] == [True]


async def test_where_a_server_looks_for_it(tmp_path: Path) -> None:
    async def looked_for(images: dict[str, str]) -> Path:
        settings = load_settings(data_dir=tmp_path, packs=tmp_path / "packs", images=images)
        async with AsyncExitStack() as closing:
            return Process(settings, closing).limits.face_detector

    assert await looked_for({}) == tmp_path / "packs/faces/centerface.onnx"
    assert await looked_for({"face_detector": "/models/faces.onnx"}) == Path("/models/faces.onnx")


@pytest.mark.pack
async def test_kept_images_tell_nothing_but_the_picture(gateway: GatewayApp, apps: Apps) -> None:
    exif = Image.Exif()
    exif[0x010E], exif[0x0112] = "GPS of anna", 6
    file = io.BytesIO()
    Image.fromarray(decode_image(photo("rocket.jpg"))).save(file, "JPEG", exif=exif, comment=b"by anna")
    content = file.getvalue()
    assert b"anna" in content
    record, kept = await stored(gateway, apps, Item("rocket", ImageSource(content)))
    assert b"anna" not in kept and np.array_equal(decode_image(kept), decode_image(content))
    assert (record.entries[0].width, record.entries[0].height) == decode_image(kept).shape[1::-1]


@pytest.mark.data
def test_most_faces_of_photographs_are_found(blurrer: FaceBlurrer) -> None:
    """Counted by eye, on photographs of one to five people whose faces are seen."""
    folder = data_folder("coco128")
    found = {name: len(blurrer.find(decode_image(next(folder.rglob(name)).read_bytes()))) for name in COUNTED}
    missed = sum(max(0, faces - found[name]) for name, faces in COUNTED.items())
    assert missed <= 1, found
