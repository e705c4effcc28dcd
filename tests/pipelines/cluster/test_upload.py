import os
import signal
import subprocess
import sys
import time

import pytest

import components.storage.bucket
from components.contracts.errors import InputError
from components.data_set.data_set import open_data_set
from pipelines.cluster.upload import plan_upload, upload, warnings


def send(folder, address):
    calls = []
    upload(plan_upload(folder, address), lambda *call: calls.append(call))
    return sorted(name for name, _, sent in calls if sent), sorted(name for name, _, sent in calls if not sent)


def gansweep(*words, **environment):
    command = [sys.executable, "-m", "pipelines", "upload", *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, timeout=240, env={**os.environ, **environment})


def test_an_uploaded_data_set_is_the_same_data_set(phantoms, bucket):
    address = f"{bucket.address}/data/phantoms"
    done = gansweep(phantoms, address)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1].startswith(f"{address}: sent 85 files (")
    here, there = open_data_set(str(phantoms)), open_data_set(address)
    assert (there.name, there.notice, there.classes) == (here.name, here.notice, here.classes)
    assert [(f.path, f.label, f.split, f.size) for f in there.files] == [
        (f.path, f.label, f.split, f.size) for f in here.files
    ]
    assert there.has_test_folder
    assert all(there.read(b) == here.read(a) for a, b in zip(here.files[::9], there.files[::9], strict=True))


def test_only_what_changed_is_sent_again(image_folder, bucket):
    folder = image_folder({"a": 3, "b": 2})
    address = f"{bucket.address}/x"
    assert send(folder, address) == (["a/000.png", "a/001.png", "a/002.png", "b/000.png", "b/001.png"], [])
    before = open_data_set(address).digest()
    (folder / "a/001.png").write_bytes((folder / "b/000.png").read_bytes())
    assert send(folder, address) == (["a/001.png"], ["a/000.png", "a/002.png", "b/000.png", "b/001.png"])
    assert open_data_set(address).digest() != before


def test_an_upload_survives_faults_and_loses_nothing(phantoms, bucket, fault_proxy, monkeypatch):
    monkeypatch.setattr(components.storage.bucket, "LONGEST_PAUSE_SECONDS", 0.2)
    address = f"{bucket.address}/data"
    for fault in ("cut-upload", "unavailable", "slow-down", "lost"):
        fault_proxy.fail(fault, times=5, method="PUT")
    sent, _ = send(phantoms, address)
    assert fault_proxy.pending == 0
    there = open_data_set(address)
    for fault in ("cut", "garbled", "truncated", "slow-down", "unavailable"):
        fault_proxy.fail(fault, times=5)
    here = open_data_set(str(phantoms))
    assert [there.read(file) for file in there.files] == [here.read(file) for file in here.files]
    assert len(sent) == len(here.files) + 1
    assert fault_proxy.pending == 0


def test_an_interrupted_upload_goes_on_and_leaves_nothing_half_written(image_folder, bucket, fault_proxy):
    folder = image_folder({"a": 60, "b": 60}, size=100)
    fault_proxy.fail("slow", times=1000, method="PUT")
    address = f"{bucket.address}/x"
    command = [sys.executable, "-m", "pipelines", "upload", str(folder), address]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 240
    while not bucket.objects() and time.monotonic() < deadline:
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=240)
    assert process.returncode == 130
    assert said.strip() == "gansweep: interrupted; the same command sends the rest"
    there = bucket.objects()
    assert 0 < len(there) < 120
    assert all(bucket.read(item) == (folder / item.name.removeprefix("x/")).read_bytes() for item in there)
    sent, passed = send(folder, address)
    assert len(passed) == len(there)
    assert len(sent) + len(passed) == 120


def test_one_file_is_sent_to_its_own_address(tmp_path, bucket):
    (tmp_path / "groups.csv").write_text("image,group\na,b\n")
    assert gansweep(tmp_path / "groups.csv", f"{bucket.address}/tables/lesions.csv").returncode == 0
    (item,) = bucket.objects()
    assert (item.name, bucket.read(item)) == ("tables/lesions.csv", b"image,group\na,b\n")


def test_one_file_keeps_its_name_below_an_address_that_ends_with_a_slash(tmp_path, bucket):
    (tmp_path / "t.csv").write_text("image,group\na,b\n")
    assert gansweep(tmp_path / "t.csv", f"{bucket.address}/tables/").returncode == 0
    assert [item.name for item in bucket.objects()] == ["tables/t.csv"]


def test_images_in_no_folder_of_a_class_are_sent_with_the_table_of_their_labels(image_folder, bucket, tmp_path):
    folder = image_folder({"all": 4})
    (tmp_path / "t.csv").write_text("image,label\n000,a\n001,b\n002,a\n003,b\n")
    assert gansweep(folder, f"{bucket.address}/x", "--table", tmp_path / "t.csv").returncode == 0
    assert gansweep(tmp_path / "t.csv", f"{bucket.address}/t.csv").returncode == 0
    assert open_data_set(f"{bucket.address}/x", f"{bucket.address}/t.csv").classes == ("a", "b")


def test_an_upload_of_which_every_file_is_left_out_fails(image_folder, bucket):
    folder = image_folder({"a": 1, "b": 1})
    for path in folder.rglob("*.png"):
        path.unlink()
        path.symlink_to("/etc/hostname")
    done = gansweep(folder, f"{bucket.address}/x")
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == "gansweep: upload: every file was left out, nothing is sent"
    assert bucket.objects() == []


def test_what_is_left_out_and_what_else_is_there_is_said(image_folder, bucket, tmp_path):
    folder = image_folder({"a": 2, "b": 2})
    (folder / "a" / "outside.png").symlink_to("/etc/hostname")
    (tmp_path / "x").write_bytes(b"x")
    bucket.write("x/c/stray.png", tmp_path / "x")
    (folder / "loose.png").write_bytes(b"x")
    left_out, loose, foreign = warnings(plan_upload(folder, f"{bucket.address}/x"))
    assert loose == "left out 1 image at the top, in no folder of a class: loose.png"
    assert left_out == "left out a/outside.png: a link that leaves the data set"
    assert "also holds 1 objects that aren't in the folder (c/stray.png)" in foreign


def test_what_cannot_be_sent_is_refused_in_one_line(image_folder, bucket, tmp_path):
    folder = image_folder({"a": 1, "b": 1})
    done = gansweep(folder, "minio://gansweep-no-such-bucket/x")
    assert done.returncode == 2
    assert done.stderr.splitlines() == [
        "gansweep: upload: minio://gansweep-no-such-bucket/x: there is no bucket 'gansweep-no-such-bucket' at "
        f"{bucket.server}; make it, or check the address"
    ]
    for source, address, said in (
        (tmp_path / "nowhere", bucket.address, "there is no such folder"),
        (folder, str(tmp_path), "not known"),
    ):
        with pytest.raises(InputError, match=said):
            plan_upload(source, address)
