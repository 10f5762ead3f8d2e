"""Lists, presets and models may lie where only Beam can open them; the rules read a copy."""

from pathlib import Path

import pytest
from apache_beam.io.localfilesystem import LocalFileSystem

from filters import load_preset
from filters.rules.lib.model_files import read_arrays
from webtext.errors import UsageError
from webtext.local import local_corpus, local_path, whole_file, write_whole
from webtext.records import Document

ATTIC = {}


class AtticFileSystem(LocalFileSystem):
    """Files in memory: attic://NAME."""

    @classmethod
    def scheme(cls):
        return "attic"

    def open(self, path, *_args, **_named):
        opened.append(path)
        return super().open(str(ATTIC[path]))


opened = []


@pytest.fixture
def attic(tmp_path):
    opened.clear()

    def put(name, text):
        path = f"attic://{tmp_path.name}/{name}"  # copies are kept by name
        ATTIC[path] = tmp_path / name
        ATTIC[path].write_text(text)
        return path

    return put


def document(host):
    return Document(
        "0" * 16, f"https://{host}/", f"https://{host}/", host, "", "", None, "Words of a page. " * 100, "en", 0.99,
        None, None, (), None, 400, "", "", "",
    )  # fmt: skip


def test_an_output_stands_for_its_corpus(tmp_path):
    assert local_corpus(str(tmp_path)) == tmp_path
    (tmp_path / "documents").mkdir()
    (tmp_path / "documents" / "manifest.json").write_text("{}")
    with pytest.raises(UsageError, match="holds no finished corpus: `webtext build` makes one"):
        local_corpus(str(tmp_path))
    (tmp_path / "corpus").mkdir()
    (tmp_path / "corpus" / "train-0.parquet").write_text("")
    with pytest.raises(UsageError, match="no finished corpus"):
        local_corpus(f"{tmp_path}/")
    (tmp_path / "corpus" / "manifest.json").write_text("{}")
    for place in (tmp_path, f"{tmp_path}/", tmp_path / "corpus"):
        assert local_corpus(str(place)) == tmp_path / "corpus"
    assert local_corpus(str(tmp_path / "corpus" / "train-0.parquet")).is_file()


def test_a_local_file_is_read_where_it_lies():
    assert local_path("lists/hosts.txt") == Path("lists/hosts.txt")


def test_a_block_list_and_a_preset_from_elsewhere_are_obeyed_and_copied_once(attic):
    blocked = attic("hosts.txt", "casino.example.org\n")
    preset = attic("mine.toml", 'description = "x"\n[[rule]]\nname = "blocklist"\n')
    for _ in range(2):
        (rule,) = load_preset(preset, **{"blocklist.paths": (blocked,)})
        assert rule(document("casino.example.org")).reason == "blocklist"
        assert isinstance(rule(document("paper.example.org")), Document | None)
    assert sorted(opened) == sorted([blocked, preset])


def test_a_model_from_elsewhere_is_read(attic):
    with pytest.raises(UsageError, match="is no model for this filter"):
        read_arrays(attic("model.npz", "no archive"), ["weights"])


def test_a_remote_file_that_is_not_there_is_one_line():
    with pytest.raises(UsageError, match="cannot reach nowhere://list"):
        local_path("nowhere://list")


def test_a_file_is_written_whole_or_not_at_all_through_a_link_and_into_a_pipe(tmp_path):
    real, link = tmp_path / "there" / "real.json", tmp_path / "link.json"
    real.parent.mkdir()
    real.write_text("old")
    link.symlink_to(real)
    with pytest.raises(TypeError), whole_file(link) as place:
        place.write_text(place.write_text("ha"))
    assert real.read_text() == "old"
    write_whole(link, "new")
    assert (real.read_text(), link.is_symlink()) == ("new", True)
    assert [path.name for path in tmp_path.rglob("*.partial")] == []
    write_whole(Path("/dev/null"), "gone")
    assert not Path("/dev/null").is_file()
