"""Every command on remote file systems: the same bytes as on a disk, nothing left of an earlier build.

S3 is a moto server in this process, Cloud Storage an emulator beside it, HDFS a double of its web interface; the
clients are those that Beam uses.
"""

import json
import logging
import os
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from pipelines.commands.cli import EXIT_OK, EXIT_USAGE, main
from pipelines.stages import lock
from sample.build import ARCHIVE
from tests.double.beam_processes import free_port, served
from tests.double.webhdfs import webhdfs
from webtext import clouds, storage
from webtext.local import local_corpus

BUCKET = "wtbucket"
PAGES = 6
STAGES = ("links", "documents", "duplicates", "corpus")  # those whose bytes are the same whenever they are made

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def s3():
    """Start an empty bucket; give its address and the environment in which it is S3."""
    boto3 = pytest.importorskip("boto3", reason="needs the extra `s3`")
    moto = pytest.importorskip("moto.server", reason="needs moto[server]")
    backends = pytest.importorskip("moto.backends", reason="needs moto[server]")
    server = moto.ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    environment = {
        "AWS_ENDPOINT_URL": f"http://{host}:{port}",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "nobody",
        "AWS_SECRET_ACCESS_KEY": "nothing",
    }
    with pytest.MonkeyPatch.context() as patched:
        for name, value in environment.items():
            patched.setenv(name, value)
        services = list(backends.list_of_moto_modules())  # It lists its own folders for every request.
        patched.setattr(backends, "list_of_moto_modules", lambda: services)
        boto3.client("s3").create_bucket(Bucket=BUCKET)
        yield f"s3://{BUCKET}"
    server.stop()


@pytest.fixture(scope="module")
def gs(tmp_path_factory):
    """Start an empty bucket that is Cloud Storage, open to anybody."""
    pytest.importorskip("google.cloud.storage", reason="needs Beam's gcp extra")
    pytest.importorskip("gcp_storage_emulator", reason="needs gcp-storage-emulator")
    port = free_port()
    environment = {
        "STORAGE_EMULATOR_HOST": f"http://127.0.0.1:{port}",
        "GOOGLE_CLOUD_PROJECT": "webtext-test",
        "HOME": str(tmp_path_factory.mktemp("home")),  # nobody's credentials
        "NO_GCE_CHECK": "true",
    }
    emulator = "from gcp_storage_emulator.__main__ import main; main()"
    flags = ["start", "--host", "127.0.0.1", "--port", str(port), "--in-memory", "--default-bucket", BUCKET]
    with pytest.MonkeyPatch.context() as patched:
        for name, value in environment.items():
            patched.setenv(name, value)
        with served(port, [sys.executable, "-c", emulator, *flags], dict(os.environ)):
            yield f"gs://{BUCKET}"


@pytest.fixture(scope="module")
def hdfs(tmp_path_factory):
    """Start an empty file system that is HDFS to its client; each command is told where it is."""
    pytest.importorskip("hdfs", reason="needs the extra `hdfs`")
    with webhdfs(tmp_path_factory.mktemp("hdfs")) as port:
        FLAGS["hdfs"] = ["--hdfs_host=127.0.0.1", f"--hdfs_port={port}", "--hdfs_user=nobody"]
        yield f"hdfs://{BUCKET}"
        FLAGS.clear()


FLAGS = {}


@pytest.fixture(scope="module")
def inputs(sample_web, sample_output, tmp_path_factory):
    """Give a list of some pages of the sample, and the archive that holds them."""
    folder = tmp_path_factory.mktemp("inputs")
    shards = sorted((sample_output / "corpus/data").glob("train-*.parquet"))
    urls = [url for path in shards for url in pq.read_table(path, columns=["url"]).column(0).to_pylist()][:PAGES]
    (folder / "urls.tsv").write_text("".join(f"{url}\t5\n" for url in [*urls, "http://nowhere.example/"]))
    return folder / "urls.tsv", sample_web / ARCHIVE, urls


def run(*words):
    flags = FLAGS.get("hdfs", []) if "hdfs://" in " ".join(map(str, words)) else []
    return main([*words[:1], *map(str, words[1:]), *flags])


def make(inputs, output):
    urls, archive, _ = inputs
    assert run("harvest", "-s", urls, "-o", output, "--workers", 1) == EXIT_OK
    assert run("fetch", "--replay", archive, "-o", output, "--workers", 1) == EXIT_OK
    build(output)


def build(output, *flags):
    assert run("build", "-o", output, "--workers", 1, *flags) == EXIT_OK


def make_again(inputs, output):
    """Make many small shards, and then one again: none of the small ones is left."""
    build(output, "--set", "length.min_words=90", "--held-out", "0.5")
    assert run("remove", "-o", output, "--url", inputs[2][0], "--workers", 1) == EXIT_OK


@pytest.fixture(scope="module")
def on_a_disk(inputs, tmp_path_factory):
    """Give what a disk holds, made once and made again."""
    output, contents = str(tmp_path_factory.mktemp("disk") / "a[1]"), []
    for work in (make, make_again):
        work(inputs, output)
        contents.append(content(output))
    return contents


def content(output):
    """Give the bytes of each file of the stages whose bytes are the same whenever they are made."""
    found = {}
    for stage in STAGES:
        directory = storage.join(output, stage)
        for name in storage.list_tree(directory):
            if (stage, name) == ("documents", "manifest.json"):  # it knows the crawl that its pages are from
                continue
            with storage.open_file(storage.join(directory, name)) as stream:
                found[stage, name] = stream.read()
    return found


@pytest.fixture(autouse=True)
def _quiet(caplog):
    """Keep the server's line for each request out of what a failure shows."""
    caplog.set_level(logging.WARNING, "werkzeug")


@pytest.mark.parametrize(
    "store", ["s3", *(pytest.param(store, marks=pytest.mark.thorough) for store in ("gs", "hdfs"))]
)
def test_a_corpus_on_a_store_of_objects_is_the_one_on_a_disk(
    store, request, inputs, on_a_disk, tmp_path, monkeypatch, capsys
):
    monkeypatch.setattr(lock, "SETTLE", 0.0)
    there = f"{request.getfixturevalue(store)}/a[1]/out"
    make(inputs, there)
    assert content(there) == on_a_disk[0] != {}
    make_again(inputs, there)
    assert content(there) == on_a_disk[1]
    capsys.readouterr()
    for command in ("verify", "status", "stats", "report"):
        assert run(command, there) == EXIT_OK, command
    assert run("explain", inputs[2][0], "-o", there, "--json") == EXIT_OK
    assert json.loads(capsys.readouterr().out.partition("\n[")[2].join("[ ")[:-1])[-1]["verdict"] == "removed"
    assert run("sample", there, "--kept", "-n", 1) == EXIT_OK
    quiz = tmp_path / "quiz.txt"
    quiz.write_text("what a piano tuner hears when two strings of one note are not in tune")
    assert run("overlap", f"{there}/corpus", f"quiz={quiz}", "-o", there, "--probes", 1000, "--workers", 1) == EXIT_OK
    copied = local_corpus(f"{there}/corpus/")  # what train, validate and the like read
    texts = {("corpus", f"data/{path.name}"): path.read_bytes() for path in (copied / "data").iterdir()}
    assert {} != texts.items() <= on_a_disk[1].items()
    assert {path.name for path in local_corpus(there).iterdir()} == {path.name for path in copied.iterdir()}
    left = {name for name in storage.list_all(there) if name.endswith((".unfinished", ".lock"))}
    assert left == set()
    assert storage.expand(f"{there}/corpus/data/train-*.parquet")
    foreign = storage.join(there, "corpus", "notes.txt")
    with storage.create_file(foreign) as stream:
        stream.write(b"mine")
    before = content(there)
    assert run("build", "-o", there, "--workers", 1) == EXIT_USAGE
    assert "holds what its manifest does not name (it holds notes.txt)" in capsys.readouterr().err
    assert content(there) == before


@pytest.mark.parametrize("store", ["s3", "gs"])
def test_what_a_store_refuses_is_one_line(store, request, capsys):
    place = request.getfixturevalue(store)
    for words in (
        ["verify", f"{place}/nothing"],
        ["harvest", "-s", f"{place}/nothing.zst", "-o", f"{place}/out"],
        ["verify", f"{place.partition('://')[0]}://no-such-bucket-here/out"],
        ["validate", f"{place}/nothing", "--output", "verdict"],
        ["train", f"{place}/nothing", "--output", "run"],
        ["train", "corpus", "--output", f"{place}/run"],
        ["generate", f"{place}/run"],
    ):
        assert run(*words) == EXIT_USAGE
        told = capsys.readouterr()
        assert (told.out, told.err.count("\n")) == ("", 1), told.err


@pytest.mark.parametrize("scheme", ["gs", "s3", "hdfs", "azfs", "ftp"])
@pytest.mark.parametrize("command", ["harvest -s {0}/a -o out", "build -o {0}/out", "verify {0}/out", "report {0}/out"])
def test_a_path_whose_package_is_not_installed_is_one_line(scheme, command, capsys, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(clouds, "_is_installed", lambda _: False)
    assert main(command.format(f"{scheme}://bucket").split()) == EXIT_USAGE
    told = capsys.readouterr()
    assert (told.out, told.err.count("\n")) == ("", 1)
    assert scheme == "ftp" or "opens such paths" in told.err
    assert list(Path.cwd().iterdir()) == []


def test_hdfs_says_what_it_wants_to_know(capsys, monkeypatch):
    pytest.importorskip("hdfs", reason="needs the extra `hdfs`")
    monkeypatch.setattr(clouds.FileSystems, "_pipeline_options", None)  # what an earlier test has said
    monkeypatch.setattr(clouds.RuntimeValueProvider, "runtime_options", None)
    assert main(["verify", "hdfs://out"]) == EXIT_USAGE
    assert "hdfs_host is not set" in capsys.readouterr().err


ODD = ("a+b", "01:02:03+00:00", "50%25", "100%", "a b", "q?x", "f#1", "dag=1", "ü", "a&b", "(1)", "a'b", "[a]", "a//b")


# A directory a//b is a/b on HDFS, as on a disk. The emulator of Cloud Storage does not quote the links that it gives.
UNLIKE = {"s3": (), "gs": ("50%25", "100%", "q?x", "f#1"), "hdfs": ("a//b",)}


@pytest.mark.parametrize("store", UNLIKE)
def test_names_are_literal_and_a_file_may_hold_nothing(store, request):
    base = f"{request.getfixturevalue(store)}/odd"
    if store == "hdfs":
        clouds.set_options(FLAGS["hdfs"])
    for name, held in zip(ODD, [b"", b"held"] * len(ODD), strict=False):
        if name in UNLIKE[store]:
            continue
        directory, file = f"{base}/{name}", f"part {name.replace('/', '_')}.txt"
        path = f"{directory}/{file}"
        with storage.create_file(path) as stream:
            stream.write(held)
        with storage.open_file(path) as stream:
            assert stream.read() == held
        assert (storage.list_files(directory), storage.file_size(path)) == ([file], len(held))
        assert storage.expand(path) == storage.expand(f"{directory}/*.txt") == [path]
        assert f"{name}/{file}" in storage.list_tree(base, "*.txt")
        storage.rename(path, f"{path}.gz")
        assert (storage.exists(path), storage.exists(directory)) == (False, True)
        storage.remove_directory(directory)
        assert not storage.exists(directory)
