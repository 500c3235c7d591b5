"""Placeholder images are real images of the size that the dataset says."""

import io

import pytest
from PIL import Image as Pillow

from bench import images as module
from bench.dataset import SCALES, SIZES, iter_images
from bench.images import jpeg, write_images


@pytest.mark.parametrize("size", [*SIZES, (1, 1), (8, 8), (9, 17)])
def test_any_decoder_reads_the_jpeg(size: tuple[int, int]) -> None:
    with Pillow.open(io.BytesIO(jpeg(*size, comment=b"some name"))) as image:
        image.load()
        assert image.format == "JPEG"
        assert image.size == size


def test_each_file_has_bytes_of_its_own(tmp_path) -> None:
    assert write_images(tmp_path, iter_images(SCALES["T"])) == SCALES["T"].images
    contents = {path.read_bytes() for path in tmp_path.iterdir()}
    assert len(contents) == SCALES["T"].images


def test_links_share_bytes_up_to_the_file_systems_limit(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(module, "LINKS_PER_FILE", 4)
    images = list(iter_images(SCALES["T"]))
    write_images(tmp_path, images, links=True)
    for image in images:
        path = tmp_path / image.file_name
        assert path.read_bytes() == jpeg(image.width, image.height)
        assert path.stat().st_nlink <= 4
    assert any(path.stat().st_nlink == 4 for path in tmp_path.iterdir())
