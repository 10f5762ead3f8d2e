"""A small web as an archive, and the links to it as a finished stage: what a fetch is given."""

from pipelines.stages.stage import Stage, run_stage
from webtext import storage
from webtext.manifest import Counts
from webtext.records import Link
from webtext.tables import write_records
from webtext.warc import warc_records
from webtext.warc.warc_records import HttpResponse

DATE = "2024-05-06T07:08:09Z"


def record(url, body, status=200, *headers):
    response = HttpResponse(status, (("Content-Type", "text/html"), *headers), body, "x")
    block = warc_records.encode_response(response)
    return warc_records.encode_record("response", url, DATE, "application/http; msgtype=response", block)


def web_of(hosts, pages):
    """Give the records of a small web, its links, and the outcome of each."""
    records, expected = [], {}
    for host in range(hosts):
        for page in range(pages):
            url = f"https://host{host}.test/page/{page}"
            expected[url] = ["ok", "ok", "http_404", "robots_disallowed", "ok"][(host + page) % 5]
            if expected[url] == "ok":
                records.append(record(url, f"<p>Page {page} of host {host}. {'Words. ' * 60}</p>".encode()))
            if expected[url] == "robots_disallowed":
                records.append(
                    record(f"https://host{host}.test/robots.txt", f"user-agent: *\ndisallow: /page/{page}".encode())
                )
    for number in range(hosts):  # shorteners, which lead to another host and so most often to another slot
        url = f"https://short.test/{number}"
        target = f"https://host{number}.test/page/0"
        records.append(record(url, b"", 301, ("Location", target)))
        expected[url] = expected[target]
    return records, expected


def make_links(folder, urls):
    """Publish a links directory, in two files."""
    links = [Link(url, url, "", 3 + place, 1, ("news", "science"), 1_500_000_000) for place, url in enumerate(urls)]

    def write(directory):
        for number in range(2):
            with storage.create_file(storage.join(directory, f"links-{number:05d}-of-00002.parquet")) as stream:
                write_records(stream, links[number::2], Link)

    directory = str(folder / "links")
    run_stage(Stage("harvest", directory, {}, ()), write, lambda _: Counts(len(links), len(links)))
    return directory
