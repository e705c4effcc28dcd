import io

import numpy as np
import pytest
from PIL import Image

import components.storage.bucket
from components.contracts.errors import InputError
from components.data_set import listing
from components.data_set.data_set import open_data_set
from components.data_set.files import ImageFile
from components.pictures.reading import read_images


@pytest.fixture
def fill(bucket):
    """Return a function that puts objects into the bucket, noise images unless bytes are given; returns its address."""

    def put(names, data=None):
        for number, name in enumerate(names):
            content = data if data is not None else _png(number)
            bucket.client.put_object(bucket.bucket, f"data/set/{name}", io.BytesIO(content), len(content))
        return f"{bucket.address}/data/set"

    return put


def _png(seed):
    pixels = np.random.default_rng(seed).integers(0, 256, (20, 20, 3)).astype(np.uint8)
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


def refusal(address):
    with pytest.raises(InputError) as caught:
        open_data_set(address)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_prefix_a_class_is_listed_in_the_order_of_paths(fill):
    address = fill(
        ["malignant/1.png", "benign/2.png", "benign/deep/1.png", "benign/.hidden.png", ".cache/x.png", "x.txt"]
    )
    data_set = open_data_set(address + "/")
    assert data_set.classes == ("benign", "malignant")
    assert [file.path for file in data_set.files] == ["benign/2.png", "benign/deep/1.png", "malignant/1.png"]
    assert (data_set.name, data_set.notice, data_set.address) == ("set", "", address)
    assert not data_set.has_test_folder


def test_train_and_test_are_splits_and_the_name_comes_from_its_own_file(fill):
    fill(["data_set.json"], b'{"name": "Moles", "notice": "Drawn."}')
    data_set = open_data_set(fill(["train/a/1.png", "train/b/1.png", "test/a/1.png", "test/b/1.png"]))
    assert (data_set.name, data_set.notice) == ("Moles", "Drawn.")
    assert [(file.split, file.label) for file in data_set.files] == [
        ("test", "a"),
        ("test", "b"),
        ("train", "a"),
        ("train", "b"),
    ]


@pytest.mark.parametrize(
    ("names", "said"),
    [
        ([], "holds no images"),
        (["a.png"], "holds 1 image but no folder of a class"),
        (["test/a/1.png"], "has test/ but no train/"),
        (["train/a/1.png", "b/1.png"], "/data/set/b: stands beside train/"),
        (["a/1.png", "b/1.png", "d//copy/x.png"], "/data/set/d//copy/x.png: the object's name holds an empty"),
    ],
)
def test_what_is_no_data_set_is_refused(fill, names, said):
    assert said in refusal(fill(names) if names else fill([]))


def test_a_wrong_prefix_is_refused(fill):
    address = fill(["a/1.png", "b/1.png"])
    assert "holds no images" in refusal(address[:-1])


def test_a_broken_about_file_is_named(fill):
    fill(["data_set.json"], b"{")
    address = fill(["a/1.png", "b/1.png"])
    assert f"{address}/data_set.json: not valid JSON" in refusal(address)


def test_an_object_too_large_for_a_picture_is_not_read(fill, monkeypatch):
    monkeypatch.setattr(listing, "LARGEST_FILE", 10)
    files = open_data_set(fill(["a/1.png", "b/1.png"])).files
    assert [file.refused for file in files] == ["larger than 1e-05 MB"] * 2


def test_the_digest_of_the_listing_changes_with_any_object(fill):
    address = fill(["a/1.png", "b/1.png"])
    first = open_data_set(address).digest()
    assert open_data_set(address).digest() == first
    fill(["b/1.png"], b"other")
    second = open_data_set(address).digest()
    fill(["b/2.png"], b"more")
    assert len({first, second, open_data_set(address).digest()}) == 3


def test_images_arrive_whole_over_a_broken_line(fill, fault_proxy, monkeypatch):
    monkeypatch.setattr(components.storage.bucket, "LONGEST_PAUSE_SECONDS", 0.1)
    names = [f"{label}/{i:02}.png" for label in "ab" for i in range(20)]
    address = fill(names)
    whole = read_images(open_data_set(address), 16, 2)
    for fault in ("cut", "truncated", "garbled", "etag", "slow-down", "unavailable"):
        fault_proxy.fail(fault, times=8)
    broken = read_images(open_data_set(address), 16, 2)
    assert fault_proxy.pending == 0
    assert len(whole.files) == 40
    assert broken.files == whole.files
    assert (broken.images == whole.images).all()
    assert broken.sha256.tolist() == whole.sha256.tolist()


def test_a_line_that_stays_broken_ends_in_one_line_soon(fill, fault_proxy, monkeypatch):
    address = fill([f"a/{i}.png" for i in range(60)])
    data_set = open_data_set(address)
    monkeypatch.setattr(components.storage.bucket, "PATIENCE_SECONDS", 1)
    fault_proxy.fail("unavailable", times=10_000)
    with pytest.raises(InputError, match=r"^data_set: minio://.*/a/0.png: http://.* failed for 1 s \(status 503\)"):
        read_images(data_set, 16, 2)
    assert len(fault_proxy.requests) < 1000


def test_what_a_listing_knows_is_what_a_folder_knows(fill, image_folder):
    folder = image_folder({"a": 1, "b": 1})
    in_bucket = open_data_set(fill(["a/000.png"], (folder / "a/000.png").read_bytes()))
    (there,), here = in_bucket.files, open_data_set(str(folder)).files[0]
    assert there == ImageFile("a/000.png", "a", "", "", here.size, there.version)
    assert in_bucket.read(there) == (folder / "a/000.png").read_bytes()
