"""A plan from a sample is near what a run takes, and says before it begins what will not fit."""

import io
import json
from dataclasses import asdict, replace

import pytest

from dedup.near.minhash import MinHashConfig
from dedup.overlap.bloom import filter_bytes
from pipelines.commands.cli import EXIT_OK, EXIT_USAGE, main
from pipelines.planning import plan_sample
from pipelines.planning.estimate import RATES, Assumed, Machine, Prices, estimate, load_rates
from pipelines.planning.plan_sample import LinksFound, Prefix, sample_archives, sample_links
from pipelines.stages.harvest import HarvestConfig
from sample.build import ARCHIVE, DUMP
from tests.commands.test_answer import unlike
from webtext import storage
from webtext.crawl.config import FetchConfig
from webtext.warc.warc_records import HttpResponse, encode_record, encode_response

LINKS = LinksFound(
    bytes=10**9, read=10**6, posted=2e6, links=1e6, refused=5e6, url_bytes=70.0, cpu_s=60.0, busiest_host=0.01
)
MACHINE = Machine(cores=2, workers=2, memory=24 << 30, disk=1 << 40)
CRAWL = FetchConfig()
FREE = Prices()
FACTOR = 1.5  # bytes written and rows may be off by it on the sample, which is small; docs/scale.md has larger ones


def planned(machine=MACHINE, links=LINKS, crawl=CRAWL, slots=1, prices=FREE, **assumed):
    minhash = MinHashConfig()
    return estimate(links, None, minhash, (crawl, slots), load_rates(), machine, prices, Assumed(**assumed))


def stage(found, name):
    (one,) = [stage for stage in found.stages if stage.name == name]
    return one


@pytest.fixture
def built(tmp_path, sample_web, sample_built):
    """Give a folder with the archive and the dump of the sample, and its finished build as `out`."""
    for name in (ARCHIVE, DUMP):
        (tmp_path / name).symlink_to(sample_web / name)
    (tmp_path / "out").symlink_to(sample_built)
    return tmp_path


def test_a_plan_is_near_what_the_run_took(built, capsys):
    flags = ["--warc", str(built / ARCHIVE), "--sample-pages", "1000", "--compare", str(built / "out"), "--json"]
    capsys.readouterr()
    assert main(["plan", *flags]) == EXIT_OK
    answer = json.loads(capsys.readouterr().out)
    assert list(unlike("plan", answer)) == []
    sides = answer["compared"]
    assert list(sides) == ["pages", "documents", "duplicates", "corpus"]
    assert set(sides["documents"]) == {"rows", "bytes", "cpu_s", "wall_s", "launcher_bytes"}
    for name, what in [("pages", "rows"), ("documents", "rows"), ("corpus", "rows"), ("documents", "bytes")]:
        guess, truth = sides[name][what].values()
        assert truth / FACTOR < guess < truth * FACTOR, (name, what, guess, truth)


def test_pages_that_are_indexed_are_counted_and_not_guessed(built, capsys):
    capsys.readouterr()
    assert main(["plan", "--pages", str(built / "out" / "pages"), "--sample-pages", "3", "--json"]) == EXIT_OK
    found = json.loads(capsys.readouterr().out)
    assert found["from"]["pages"]["sampled"] == 3
    assert [stage["name"] for stage in found["stages"]] == ["documents", "duplicates", "corpus"]
    manifest = json.loads((built / "out" / "pages" / "manifest.json").read_text())
    assert found["from"]["pages"]["pages"] == manifest["counts"]["kept"]


def test_a_file_is_read_by_place_and_its_prices_and_machine_count(built, tmp_path, capsys):
    file = tmp_path / "mine.toml"
    file.write_text(
        f'output = "gs://bucket/out"\n[harvest]\nsubmissions = ["{built}/RS_sample.zst"]\n[plan]\ncore-hour = 7.0\n'
        'currency = "EUR"\n[beam]\nrunner = "DataflowRunner"\nmachine_type = "n2-highmem-8"\nmax_num_workers = 3\n'
    )
    assert main(["plan", str(file)]) == EXIT_OK
    told = capsys.readouterr().out
    assert "time on 24 cores" in told
    assert "EUR" in told
    assert "pages: assumed" in told
    assert main(["plan", str(file), "--core-hour", "0", "--json"]) == EXIT_OK
    found = json.loads(capsys.readouterr().out)
    assert found["from"]["machine"] == {
        "cores": 24, "workers": 8, "memory": 64 << 30, "disk": 25 << 30, "is_local": False,
    }  # fmt: skip
    assert found["from"]["prices"]["core_hour"] == 0.0


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        ([], "nothing to plan for"),
        (["--sample-mb", "0"], "at least 1"),
        (["--warc", "{place}/nothing*.warc.gz"], "no such file"),
        (["--submissions", "{place}/RS_sample.zst", "--core-hour", "-1"], "may not be negative"),
        (
            ["--submissions", "{place}/RS_sample.zst", "--runner=DataflowRunner", "--machine_type=custom-4"],
            "does not tell its cores",
        ),
        (["--submissions", "{place}/RS_sample.zst", "--compare", "{place}"], "no finished stage to compare with"),
    ],
)
def test_what_cannot_be_planned_is_one_line(built, capsys, flags, said):
    assert main(["plan", *(flag.format(place=built) for flag in flags)]) == EXIT_USAGE
    assert said in capsys.readouterr().err


# ------------------------------------------------------------------------------------------------------------ sample


def submissions(number):
    for n in range(number):
        host = "busy.example.org" if n % 4 == 0 else f"h{n}.example.org"
        yield json.dumps({"id": f"{n:x}", "url": f"https://{host}/{n}", "score": n % 6, "created_utc": 1_500_000_000})


def test_links_of_a_long_dump_are_reckoned_from_its_beginning(tmp_path):
    path = tmp_path / "RS.jsonl"
    path.write_text("\n".join(submissions(60_000)) + "\n")
    assert path.stat().st_size > 4 * plan_sample.LEAST_BYTES
    found = sample_links(HarvestConfig((str(path),)), 1)
    assert found.read == plan_sample.LEAST_BYTES
    assert found.links == pytest.approx(30_000, rel=0.02)  # karma of 3, 4 and 5
    # Twelve links are sampled as 0, 4 and 8, and 4 has the karma.
    assert found.busiest_host == pytest.approx(1 / 6, rel=0.02)


def records(number, body=b"<p>x</p>" * 800):
    for n in range(number):
        page = HttpResponse(200, (("Content-Type", "text/html"),), bytes(str(n), "ascii") * 400 + body, "OK")
        url = f"https://a.example/{n}"
        yield encode_record("response", url, "2017-12-01T00:00:00Z", "application/http", encode_response(page))


def test_pages_of_a_large_archive_are_reckoned_from_places_in_it(tmp_path, monkeypatch):
    monkeypatch.setattr(plan_sample, "LEAST_BYTES", 5000)
    path = tmp_path / "a.warc.gz"
    path.write_bytes(b"".join(records(600)))
    reads = []
    open_file = storage.open_file

    def opened(name):
        stream = open_file(name)
        reads.append(io.BytesIO(stream.read()))
        return reads[-1]

    monkeypatch.setattr(storage, "open_file", opened)
    number, size, pages = sample_archives([str(path)], 30_000, 10)
    assert size == path.stat().st_size > 100_000
    assert len(reads) == 6
    assert number == pytest.approx(600, rel=0.05)
    assert len(pages) == 10


def test_a_prefix_ends_where_it_should():
    assert io.BufferedReader(Prefix(io.BytesIO(bytes(range(10))), 4)).read() == bytes(range(4))
    assert Prefix(io.BytesIO(b"abc"), 10).read() == b"abc"


# ---------------------------------------------------------------------------------------------------------- estimate


def test_a_crawl_takes_as_long_as_its_busiest_host():
    polite = stage(planned(crawl=FetchConfig(delay=1.0)), "pages")
    assert polite.wall_s == 10_000 * (1.0 + Assumed().request_s)  # 1 % of a million links
    patient = stage(planned(crawl=FetchConfig(delay=9.0)), "pages")
    assert patient.wall_s == 5 * polite.wall_s
    spread = replace(LINKS, busiest_host=1e-6)
    together = stage(planned(links=spread, crawl=FetchConfig(hosts_at_once=50)), "pages").wall_s
    assert together == 1e6 * Assumed().request_s / 50
    assert stage(planned(links=spread, crawl=FetchConfig(hosts_at_once=50), slots=4), "pages").wall_s == together / 4
    slow = stage(planned(links=spread, crawl=FetchConfig(requests_per_second=1.0)), "pages")
    assert slow.wall_s == 1e6


PRICES = [name for name, default in asdict(Prices()).items() if default == 0.0]


@pytest.mark.parametrize("price", PRICES)
def test_each_price_costs_and_none_costs_nothing(price):
    free = planned()
    assert (free.cost, free.storage_a_month) == (0.0, 0.0)
    once, twice = (planned(prices=Prices(**{price: value})) for value in (1.0, 2.0))
    assert once.cost + once.storage_a_month > 0
    assert twice.cost + twice.storage_a_month == pytest.approx(2 * (once.cost + once.storage_a_month))
    assert (once.storage_a_month > 0) == (price == "storage_gb_month")


def test_without_a_price_no_money_is_told_of(built, capsys):
    flags = ["plan", "--submissions", f"{built}/RS_sample.zst"]
    assert main(flags) == EXIT_OK
    assert "money" not in capsys.readouterr().out
    assert main([*flags, "--storage-gb-month", "1"]) == EXIT_OK
    assert "money at your prices" in capsys.readouterr().out


def test_more_cores_take_less_time_and_about_the_same_money():
    prices = Prices(core_hour=0.06, gb_hour=0.004)
    one, ten = (planned(machine=replace(MACHINE, cores=cores, is_local=False), prices=prices) for cores in (1, 10))
    assert stage(ten, "documents").wall_s == pytest.approx(stage(one, "documents").wall_s / 10)
    assert stage(ten, "documents").cost == pytest.approx(stage(one, "documents").cost)


def test_the_filter_is_sized_by_the_formula_of_the_filter():
    found = planned()
    documents = 1e6 * Assumed().fetched * Assumed().kept * Assumed().unique
    assert found.ngram_filter_bytes == filter_bytes(int(documents * 0.95 * (Assumed().text_bytes / 6 - 7)))


@pytest.mark.parametrize(
    ("machine", "said"),
    [
        (replace(MACHINE, disk=1 << 30), "disk: the output takes"),
        (replace(MACHINE, memory=1 << 29), "memory: documents takes"),
        (replace(MACHINE, memory=1 << 30), "n-gram filter: 1."),
        (
            Machine(64, 4, 64 << 30, 20 << 30, is_local=False),
            "worker disk: the image and a worker's share of the archive",
        ),
    ],
)
def test_what_will_not_fit_is_told_before(machine, said):
    assert any(told.startswith(said) for told in planned(machine).warnings), planned(machine).warnings
    assert planned().warnings == ()


def test_links_are_grouped_over_files_and_wait_as_numbers():
    few, many = planned(), planned(links=replace(LINKS, links=1e7, posted=2e7))
    assert stage(many, "links").launcher_bytes == stage(few, "links").launcher_bytes
    assert stage(many, "pages").launcher_bytes - stage(few, "pages").launcher_bytes < 150 * 9e6


def test_a_crawl_on_more_workers_needs_less_disk_on_each():
    machine = Machine(64, 4, 64 << 30, 20 << 30, is_local=False)
    assert planned(machine, slots=1).warnings
    assert planned(machine, slots=64).warnings == ()  # 16 machines share 15 GB


def test_a_worker_of_a_service_holds_beam_as_the_launcher_does_here():
    here, there = (stage(planned(replace(MACHINE, is_local=is_local)), "documents") for is_local in (True, False))
    assert there.worker_bytes == here.worker_bytes + load_rates()["documents"].launcher


def test_rates_are_measured_and_say_how():
    measured = json.loads(RATES.read_text("utf-8"))
    assert measured["command"].startswith("python benchmarks/scale.py --documents ")
    assert set(load_rates()) == {"pages", "documents", "duplicates", "corpus"}
    assert all(rate.cpu_s > 0 and rate.launcher > 0 for rate in load_rates().values())
