"""A file appears under its name whole or not at all, and a problem with a disk is one line that says what to do."""

import errno
from pathlib import Path
from types import SimpleNamespace

import pytest

from webtext import clouds, storage
from webtext.errors import UsageError


def test_a_file_appears_when_it_is_whole(tmp_path):
    path = str(tmp_path / "a" / "data.txt")
    with storage.create_file(path) as stream:
        stream.write(b"whole")
        assert not storage.exists(path)
    assert Path(path).read_bytes() == b"whole"
    assert storage.list_files(str(tmp_path / "a")) == ["data.txt"]


@pytest.mark.parametrize("error", [RuntimeError("bug"), KeyboardInterrupt()])
def test_what_fails_leaves_nothing_behind(tmp_path, error):
    def half():
        with storage.create_file(str(tmp_path / "data.txt")) as stream:
            stream.write(b"half")
            raise error

    with pytest.raises(type(error)):
        half()
    assert list(tmp_path.iterdir()) == []


def test_a_file_is_replaced_whole(tmp_path):
    path = tmp_path / "data.txt"
    for content in (b"one", b"two"):
        with storage.create_file(str(path)) as stream:
            stream.write(content)
    assert path.read_bytes() == b"two"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs the device that is always full")
def test_a_full_disk_is_one_line_that_says_what_to_do(tmp_path, monkeypatch):
    def always_full(_path):
        return Path("/dev/full").open("wb")

    monkeypatch.setattr(storage, "_create", always_full)

    def fill():
        with storage.create_file(str(tmp_path / "data.txt")) as stream:
            stream.write(b"x" * 100_000)

    with pytest.raises(UsageError, match="No space left on device; free some space or choose another output"):
        fill()
    assert list(tmp_path.iterdir()) == []


def test_another_error_of_the_system_is_no_full_disk(tmp_path):
    def fail():
        with storage.create_file(str(tmp_path / "data.txt")):
            raise OSError(errno.EIO, "broken disk")

    with pytest.raises(OSError, match="broken disk"):
        fail()


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(UsageError, match=r"cannot read .*/nothing: No such file or directory"):
        storage.open_file(str(tmp_path / "nothing"))
    with pytest.raises(UsageError, match="no such file"):
        storage.expand(str(tmp_path / "RS_*.zst"))


def test_listings_are_sorted_and_hide_what_is_temporary(tmp_path):
    for name in ("b.parquet", "a.parquet", ".a.parquet.12ab", "c.json"):
        (tmp_path / name).write_text("")
    (tmp_path / "folder.parquet").mkdir()
    assert storage.list_files(str(tmp_path), "*.parquet") == ["a.parquet", "b.parquet"]
    assert storage.list_files(str(tmp_path / "missing")) == []
    assert storage.expand(str(tmp_path / "?.parquet")) == [str(tmp_path / "a.parquet"), str(tmp_path / "b.parquet")]


def test_removing_what_is_not_there_is_no_error(tmp_path):
    storage.remove_file(str(tmp_path / "nothing"))
    storage.remove_directory(str(tmp_path / "nothing"))
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "x").write_text("")
    storage.remove_directory(str(tmp_path / "full"))
    assert list(tmp_path.iterdir()) == []


def test_absolute_leaves_what_has_a_scheme():
    assert storage.absolute("gs://bucket/a") == "gs://bucket/a"
    assert Path(storage.absolute("a")).is_absolute()


def test_a_whole_path_joined_to_a_directory_stands_alone():
    assert storage.join("gs://ours/pages", "part.warc.gz") == "gs://ours/pages/part.warc.gz"
    assert storage.join("gs://ours/pages", "gs://theirs/crawl/part.warc.gz") == "gs://theirs/crawl/part.warc.gz"
    assert storage.join("out/pages", "/crawl/part.warc.gz") == "/crawl/part.warc.gz"


def test_a_file_system_that_wants_a_package_names_it(monkeypatch):
    monkeypatch.setitem(clouds._CLIENTS, "moon", clouds._Client("no_such.module", "webtext[moon]", ()))
    asks = (storage.expand, storage.exists, storage.open_file, storage.list_files, storage.list_tree, storage.list_all)
    changes = (storage.file_size, storage.make_directory, storage.remove_directory, storage.remove_file)
    for ask in (*asks, *changes, storage.file_identity, lambda path: storage.create_file(path).__enter__()):
        with pytest.raises(UsageError, match=r"moon://a/\S+: pip install 'webtext\[moon\]' opens such paths"):
            ask("moon://a/b")


def test_a_tree_is_listed_at_any_depth_without_what_is_bookkeeping(tmp_path, monkeypatch):
    names = ["b.parquet", "a/c.parquet", "a/d.txt", "_temporary/e.parquet", "a/.f.parquet", ".cache/g.parquet"]
    for name in names:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"")
    assert storage.list_tree(str(tmp_path), "*.parquet") == ["a/c.parquet", "b.parquet"]
    assert storage.list_tree(f"{tmp_path}/nowhere") == []

    def listed(place):
        assert place == "gs://bucket/_data/"
        return [SimpleNamespace(path=f"gs://bucket/_data/{name}") for name in names]

    bucket = SimpleNamespace(has_dirs=lambda: False, _list=listed)
    monkeypatch.setattr(clouds, "file_system", lambda _: bucket)
    assert storage.list_tree("gs://bucket/_data/", "*.parquet") == ["a/c.parquet", "b.parquet"]


ODD = ["a[1]", "b?", "c*", "[!x]", "d]", "e[", "[[]"]


@pytest.mark.parametrize("name", ODD)
def test_what_is_there_is_literal_whatever_its_name(tmp_path, name):
    folder = tmp_path / name
    for decoy in ("a1", "bx", "cx", "y", "["):
        (tmp_path / decoy).mkdir()
        (tmp_path / decoy / "RS.zst").write_text("")
    folder.mkdir()
    (folder / name).write_text("x")
    assert storage.expand(str(folder / name)) == [str(folder / name)]
    assert storage.expand(f"{folder}/*") == [str(folder / name)]
    assert storage.exists(str(folder)) and storage.list_files(str(folder)) == [name]
    assert storage.list_tree(str(folder)) == [name]
    assert storage.file_size(str(folder / name)) == 1
    with pytest.raises(UsageError, match="no such file"):
        storage.expand(f"{folder}/*.zst")
    storage.remove_directory(str(folder))
    assert len(list(tmp_path.iterdir())) == 5


def test_a_pattern_may_be_relative_hide_nothing_and_go_deep(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("x/y/a.zst", "x/b.zst", "c.zst", ".d.zst"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("")
    assert storage.expand("*.zst") == ["c.zst"]
    assert storage.expand("x/?.zst") == ["x/b.zst"]
    assert storage.expand("**/*.zst") == ["c.zst", "x/b.zst", "x/y/a.zst"]
    assert storage.expand(f"{tmp_path}/[cd].zst") == [f"{tmp_path}/c.zst"]
    assert storage.expand("c.zst") == ["c.zst"]
    for missing in ("d.zst", "x/[", "no/where/*.zst", "/no*where"):
        with pytest.raises(UsageError, match="no such file"):
            storage.expand(missing)
