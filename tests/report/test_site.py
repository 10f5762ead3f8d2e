"""The local site answers what became of a link, in words that a stranger's text cannot turn into markup."""

import re
import threading

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

pytest.importorskip("flask", reason="pip install 'webtext[serve]'")

from pipelines.commands.cli import main
from pipelines.commands.explain import answer, compare, explain
from pipelines.report import questions as asked
from pipelines.report.questions import Questions
from pipelines.report.site import make_site
from tests.double.chromium import PROGRAM, Url, chromium


@pytest.fixture(scope="module")
def client(sample_output):
    return make_site(str(sample_output), explain, compare, answer).test_client()


def text_of(client, path, **query):
    answer = client.get(path, query_string=query)
    assert answer.status_code == 200, path
    return re.sub(r"\s+", " ", re.sub(r"(?s)<style>.*?</style>|<[^>]+>", " ", answer.text))


def test_the_first_page_has_the_funnel_and_every_reason(client, sample_output):
    said = text_of(client, "/")
    assert "Harvest" in said
    files = sample_output.glob("*/rejections-*.parquet")
    reasons = {row["reason"] for path in files for row in pq.read_table(path).to_pylist()}
    assert reasons
    assert all(reason in said for reason in reasons)


def test_a_url_is_explained_stage_by_stage(client, sample_output):
    url = pq.read_table(next(sample_output.glob("corpus/data/train-*.parquet")), columns=["url"]).column(0)[0].as_py()
    said = text_of(client, "/ask", url=url)
    assert "Corpus: kept" in said
    assert "is in the corpus." in said
    assert "no stage has seen it" in text_of(client, "/ask", url="http://never.example/")


def test_a_near_duplicate_stands_beside_the_one_that_stayed(client, sample_output):
    dropped = [("kept", "==", False), ("similarity", "<", 1)]
    files = sample_output.glob("duplicates/clusters-*.parquet")
    row = next(row for path in files for row in pq.read_table(path, filters=dropped).to_pylist())
    answer = client.get("/ask", query_string={"url": row["url"]})
    assert "near-duplicate of" in answer.text
    assert "<mark>" in answer.text
    cluster = re.search(r"/cluster\?id=([0-9a-f]+)", answer.text)[1]
    members = text_of(client, "/cluster", id=cluster)
    assert row["url"] in members


def test_a_host_has_all_its_links_and_no_other_hosts(client):
    said = text_of(client, "/ask", host="TEENY.example.")
    assert "https://teeny.example/boring" in said
    assert not re.search(r"https://(?!teeny\.example)\S", said.split("Ask")[-1].split("https://example")[-1])
    assert "Nothing." in text_of(client, "/ask", host="teeny")  # no prefix of a host is the host


def test_a_host_may_be_written_as_people_write_it(client):
    assert "https://xn--bcherstube-9db.example/" in text_of(client, "/ask", host="B\u00fccherstube.example")


def test_words_are_found_in_texts_without_regard_to_case(client):
    said = text_of(client, "/ask", words="PAYROLL system")
    assert "1 of" in said
    assert "payroll system" in said


def test_a_reason_lists_its_links_a_page_at_a_time(client, monkeypatch):
    monkeypatch.setattr(asked, "MOST_ROWS", 2)
    monkeypatch.setattr("pipelines.report.site.MOST_ROWS", 2)
    first = client.get("/reason", query_string={"stage": "links", "reason": "media"}).text
    assert "1 to 2 of" in first
    second = client.get("/reason", query_string={"stage": "links", "reason": "media", "from": "2"}).text
    assert set(re.findall(r"/ask\?url=(\S+?)\"", first)).isdisjoint(re.findall(r"/ask\?url=(\S+?)\"", second))
    assert client.get("/reason", query_string={"stage": "nowhere"}).status_code == 404


def test_foreign_text_is_no_markup(tmp_path):
    hostile = "http://a.example/<script>alert(1)</script>"
    (tmp_path / "links").mkdir()
    row = {name: pa.array([None], pa.string()) for name in ("kept_url", "detail", "excerpt", "similarity")}
    table = pa.table({"url": [hostile], "reason": ["media"], **row})
    pq.write_table(table, tmp_path / "links" / "rejections-0.parquet")
    found = Questions(str(tmp_path)).of_reason("links", "media")
    assert found.rows[0]["url"] == hostile
    page = _site_of(tmp_path).get("/reason", query_string={"stage": "links", "reason": "media"})
    assert "<script" not in page.text
    assert "&lt;script&gt;" in page.text
    assert "<script" not in _site_of(tmp_path).get("/ask", query_string={"words": hostile}).text


def _site_of(folder):
    from pipelines.report import site  # noqa: PLC0415

    class Nothing:
        stages = (("links", None),)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(site.Funnel, "of", classmethod(lambda *_: Nothing))
        return site.make_site(str(folder), lambda *_: [], lambda *_: None, answer).test_client()


def test_a_path_with_brackets_is_literal(tmp_path):
    folder = tmp_path / "a[1]*?" / "links"
    folder.mkdir(parents=True)
    columns = ("url", "reason", "detail", "kept_url", "similarity", "excerpt")
    pq.write_table(pa.table({name: ["media"] for name in columns}), folder / "rejections-0.parquet")
    assert Questions(str(folder.parent)).of_reason("links", "media").total == 1


@pytest.mark.parametrize("name", ["evil.example", "127.0.0.1.evil.example", "evil.example:8321"])
def test_other_names_than_loopback_are_refused(client, name):
    assert client.get("/", headers={"Host": name}).status_code == 403
    assert client.get("/", headers={"Host": "127.0.0.1:8321"}).status_code == 200


def test_nothing_can_be_changed_and_nothing_else_run(client):
    assert client.post("/ask").status_code == 405
    policy = client.get("/").headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "script-src" not in policy


@pytest.mark.skipif(PROGRAM is None, reason="no Chromium is installed")
@pytest.mark.parametrize("width", [390, 1280])
def test_it_is_asked_by_keys_alone_and_fits_a_phone(sample_output, width):
    from werkzeug.serving import make_server  # noqa: PLC0415

    server = make_server("127.0.0.1", 0, make_site(str(sample_output), explain, compare, answer), threaded=True)
    runner = threading.Thread(target=server.serve_forever)
    runner.start()
    try:
        with chromium() as browser:
            browser.open(Url(f"http://127.0.0.1:{server.server_port}/"), width=width)
            for key in ("Tab", "Tab"):  # the name of the output, then the first field
                browser.press(key)
            browser.type("http://teeny.example/boring")
            browser.press("Enter")
            browser.wait_for("document.querySelector('.answer')")
            told = browser.evaluate("document.querySelector('.answer').innerText")
            assert told.startswith(
                "https://teeny.example/boring is not in the corpus: De-duplicate left it out as exact"
            )
            assert browser.evaluate("document.documentElement.scrollWidth") == width
            for query in ("/reason?stage=documents&reason=language", "/ask?words=payroll", "/ask?host=teeny.example"):
                browser.open(Url(f"http://127.0.0.1:{server.server_port}{query}"), width=width, dark=True)
                assert browser.evaluate("document.documentElement.scrollWidth") == width
                assert browser.complaints() == []
    finally:
        server.shutdown()
        runner.join()
        server.server_close()


def test_the_command_listens_on_loopback_and_says_where(sample_output, capsys, monkeypatch):
    import werkzeug.serving  # noqa: PLC0415

    made, real = [], werkzeug.serving.make_server
    monkeypatch.setattr(werkzeug.serving, "make_server", lambda *a, **k: made.append(real(*a, **k)) or made[0])
    runner = threading.Thread(target=main, args=(["serve", str(sample_output), "--port", "0"],))
    runner.start()
    while not made:
        runner.join(0.05)
    assert made[0].server_address[0] == "127.0.0.1"
    made[0].shutdown()
    runner.join()
    assert f"http://127.0.0.1:{made[0].server_port}/" in capsys.readouterr().out


def test_what_cannot_be_served_is_one_line(tmp_path, capsys):
    assert main(["serve", str(tmp_path)]) == 2
    assert "holds no finished stage" in capsys.readouterr().err
    assert main(["serve", "gs://bucket/out"]) == 2
    assert "not on this machine" in capsys.readouterr().err
