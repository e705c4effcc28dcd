import dataclasses
import hashlib
import io
import threading
import time

import pytest

from components.contracts.errors import InputError
from components.storage import bucket as module
from components.storage.addresses import file_version, local_file, open_bucket
from components.storage.bucket import etag_of
from components.storage.objects import StoredObject

CONTENT = bytes(range(256)) * 4096  # 1 MiB


@pytest.fixture
def through(bucket, fault_proxy, monkeypatch):
    """Return the bucket as reached through the proxy, with one object and short pauses."""
    monkeypatch.setattr(module, "LONGEST_PAUSE_SECONDS", 0.2)
    bucket.client.put_object(bucket.bucket, "some/a.png", _stream(CONTENT), len(CONTENT))
    return open_bucket("data_set", f"minio://{bucket.bucket}/some")


def _stream(data):
    return io.BytesIO(data)


def refusal(action):
    with pytest.raises(InputError) as caught:
        action()
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_what_is_written_is_listed_and_read(bucket, tmp_path):
    (tmp_path / "x").write_bytes(CONTENT)
    bucket.write("train/ä b/x.png", tmp_path / "x")
    bucket.write("train/a", tmp_path / "x")
    (first, second) = bucket.objects()
    assert [first.name, second.name] == ["train/a", "train/ä b/x.png"]
    assert second == StoredObject("train/ä b/x.png", len(CONTENT), hashlib.md5(CONTENT).hexdigest())
    assert bucket.read(second) == CONTENT
    bucket.remove("train/a")
    bucket.remove("never there")
    assert bucket.objects() == [second]


@pytest.mark.parametrize(
    "fault", ["cut", "truncated", "garbled", "etag", "unavailable", "slow-down", "too-many", "slow"]
)
def test_a_read_survives(through, fault_proxy, fault):
    (item,) = through.objects()
    fault_proxy.fail(fault, times=1 if fault == "slow" else 3)
    assert through.read(item) == CONTENT
    assert fault_proxy.pending == 0


@pytest.mark.parametrize("fault", ["cut-upload", "unavailable", "slow-down", "lost"])
def test_a_write_survives_and_is_whole(through, fault_proxy, fault, tmp_path):
    (tmp_path / "x").write_bytes(CONTENT[::-1])
    fault_proxy.fail(fault, times=2, method="PUT")
    through.write("b.png", tmp_path / "x")
    assert fault_proxy.pending == 0
    assert [item.name for item in through.objects()] == ["a.png", "b.png"]
    assert through.read(through.objects()[1]) == CONTENT[::-1]


def test_a_broken_upload_leaves_nothing_half_written(through, fault_proxy, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "PATIENCE_SECONDS", 0.5)
    (tmp_path / "x").write_bytes(CONTENT)
    fault_proxy.fail("cut-upload", times=100, method="PUT")
    assert "no answer from" in refusal(lambda: through.write("b.png", tmp_path / "x"))
    assert [item.name for item in through.objects()] == ["a.png"]


def test_a_server_that_is_gone_for_a_while_is_waited_for(bucket, fault_proxy, capsys, monkeypatch):
    monkeypatch.setattr(module, "LONGEST_PAUSE_SECONDS", 0.2)
    monkeypatch.setattr(module, "SECONDS_BETWEEN_NOTICES", 1)
    bucket.client.put_object(bucket.bucket, "a.png", _stream(CONTENT), len(CONTENT))
    through = open_bucket("data_set", f"minio://{bucket.bucket}")
    (item,) = through.objects()
    start = time.monotonic()
    fault_proxy.go_away(3)
    assert through.read(item) == CONTENT
    waited = time.monotonic() - start
    assert waited >= 3
    said = capsys.readouterr().out.splitlines()
    assert 1 <= len(said) <= 1 + waited
    assert all(line.startswith(f"data_set: minio://{bucket.bucket}: ") for line in said)
    assert all(line.endswith("; trying again") for line in said)


def test_waiting_ends_in_one_line_that_names_the_server(through, fault_proxy, monkeypatch):
    monkeypatch.setattr(module, "PATIENCE_SECONDS", 0.5)
    (item,) = through.objects()
    fault_proxy.fail("unavailable", times=1000)
    said = refusal(lambda: through.read(item))
    assert said.startswith(f"data_set: {through.address}/a.png: {fault_proxy.endpoint} failed for 0.5 s (status 503)")


def test_an_object_that_stays_broken_is_named(through, fault_proxy, monkeypatch):
    monkeypatch.setattr(module, "PATIENCE_SECONDS", 0.5)
    (item,) = through.objects()
    fault_proxy.fail("garbled", times=1000)
    assert "a.png" in refusal(lambda: through.read(item))
    changed = dataclasses.replace(item, etag="1" * 32)
    assert f"in the listing {'1' * 32}" in refusal(lambda: through.read(changed))


@pytest.fixture
def no_waiting(monkeypatch):
    """Fail where a request is tried a second time."""
    monkeypatch.setattr(module.Bucket, "_notice", lambda *_: pytest.fail("it was tried again"))


def test_an_object_that_is_removed_meanwhile_is_named_at_once(bucket, no_waiting):
    assert "it is gone" in refusal(lambda: bucket.read(StoredObject("b.png", 3, "")))


def test_a_missing_bucket_is_named(bucket):
    other = dataclasses.replace(bucket, bucket="gansweep-no-such-bucket")
    assert "there is no bucket 'gansweep-no-such-bucket'" in refusal(other.objects)


@pytest.mark.parametrize("variable", ["GANSWEEP_S3_ACCESS_KEY", "GANSWEEP_S3_SECRET_KEY"])
def test_a_refused_login_names_the_variables_and_not_their_values(bucket, variable, monkeypatch):
    monkeypatch.setenv(variable, "wrong-and-secret")
    said = refusal(open_bucket("data_set", bucket.address).objects)
    assert "refuses the login" in said
    assert "GANSWEEP_S3_ACCESS_KEY and GANSWEEP_S3_SECRET_KEY" in said
    assert "wrong-and-secret" not in said


def test_a_denied_bucket_is_said_so(store_server, bucket):
    if "127.0.0.1" not in store_server.endpoint:
        pytest.skip("the login of GANSWEEP_TEST_MINIO may use all buckets")
    assert "denies access" in refusal(dataclasses.replace(bucket, bucket="denied").objects)


@pytest.mark.parametrize(
    ("endpoint", "said"),
    [
        ("http://127.0.0.1:1", "no answer from http://127.0.0.1:1 for 1 s"),
        ("http://no-such-host.invalid:9000", "no answer from http://no-such-host.invalid:9000"),
        ("127.0.0.1:9000", "write it as http://host:9000"),
        ("http://user:secret@127.0.0.1", "write it as http://host:9000"),
    ],
)
def test_an_endpoint_that_does_not_answer_is_named(bucket, monkeypatch, endpoint, said):
    monkeypatch.setenv("GANSWEEP_S3_ENDPOINT", endpoint)
    monkeypatch.setattr(module, "FIRST_CONTACT_SECONDS", 1)
    line = refusal(lambda: open_bucket("data_set", bucket.address).objects(first_contact=True))
    assert said in line
    assert "GANSWEEP_S3_ENDPOINT" in line
    assert "secret" not in line


def test_a_server_without_tls_is_not_waited_for(bucket, monkeypatch, no_waiting):
    monkeypatch.setenv("GANSWEEP_S3_ENDPOINT", bucket.server.replace("http:", "https:"))
    assert "no safe connection" in refusal(open_bucket("data_set", bucket.address).objects)


def test_missing_variables_are_named(monkeypatch):
    for name in ("ENDPOINT", "SECRET_KEY"):
        monkeypatch.delenv(f"GANSWEEP_S3_{name}", raising=False)
    monkeypatch.setenv("GANSWEEP_S3_ACCESS_KEY", "x")
    said = refusal(lambda: open_bucket("data_set", "minio://a-bucket/x"))
    assert "set GANSWEEP_S3_ENDPOINT, GANSWEEP_S3_SECRET_KEY in the environment" in said


@pytest.mark.parametrize(
    ("address", "said"),
    [("gs://a/b", "gs:// is not known"), ("minio:///b", "names no bucket"), ("s3://A/b", "bucket")],
)
def test_an_address_that_is_none_is_refused(bucket, address, said):
    assert said in refusal(lambda: open_bucket("data_set", address))


def test_a_listing_takes_the_beginning_of_names(bucket, tmp_path):
    (tmp_path / "x").write_bytes(b"x")
    for name in ("a-1", "a-0", "ab-0", "b"):
        bucket.write(name, tmp_path / "x")
    assert [item.name for item in bucket.objects("a-")] == ["a-0", "a-1"]


def test_large_files_go_in_parts_whose_etag_is_known_beforehand(bucket, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "PART", 5 * 2**20)
    (tmp_path / "x").write_bytes(CONTENT * 11)
    bucket.write("x", tmp_path / "x")
    (item,) = bucket.objects()
    assert item.etag == etag_of(tmp_path / "x")
    assert item.etag.endswith("-3")
    assert bucket.read(item) == CONTENT * 11


def test_many_threads_share_a_bucket(through, fault_proxy):
    (item,) = through.objects()
    fault_proxy.fail("cut", times=20)
    found = []
    threads = [threading.Thread(target=lambda: found.append(through.read(item) == CONTENT)) for _ in range(32)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [True] * 32


def test_a_file_is_the_same_from_a_folder_and_from_a_bucket(bucket, tmp_path):
    path = tmp_path / "groups.csv"
    path.write_text("image,group\na,b\n")
    bucket.write("tables/groups.csv", path)
    address = f"{bucket.address}/tables/groups.csv"
    for place in (str(path), address):
        with local_file("groups", place) as local:
            assert local.read_text() == "image,group\na,b\n"
            assert local.name == "groups.csv"
    assert not local.exists()
    before = file_version("groups", address)
    path.write_text("image,group\na,c\n")
    bucket.write("tables/groups.csv", path)
    assert file_version("groups", address) != before
    assert "there is no such object" in refusal(lambda: file_version("groups", f"{bucket.address}/tables/group"))


def test_a_key_with_a_line_end_is_refused_without_being_shown(monkeypatch):
    for name, value in (("ENDPOINT", "http://localhost:9"), ("ACCESS_KEY", "hidden-key\n"), ("SECRET_KEY", "secret")):
        monkeypatch.setenv(f"GANSWEEP_S3_{name}", value)
    with pytest.raises(InputError, match="GANSWEEP_S3_ACCESS_KEY: holds a line end") as refusal:
        open_bucket("data_set", "minio://bucket/images")
    assert "hidden-key" not in str(refusal.value)
