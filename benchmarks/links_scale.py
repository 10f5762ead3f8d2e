"""Memory and CPU time of harvest, fetch and the ledger against the number of links, from outside.

    python benchmarks/links_scale.py --links 100000 1000000

Makes a list of so many links (of 300,000 hosts, as Reddit's are), runs `webtext harvest` on it, `webtext fetch` from an
archive of one page with a limit of pages (what a link takes that waits, not what a page takes), and `webtext verify`,
which recomputes the ledger. Each is looked at from outside, with all of its processes.
"""

import argparse
import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from process_tree import watch

from webtext.warc.warc_records import HttpResponse, encode_record, encode_response

FOLDER = Path(__file__).resolve().parent.parent / "build" / "benchmarks" / "links"
HOSTS = 300_000  # 4.9 million links in public lists have somewhat more
_HTML = (("Content-Type", "text/html"),)


def links(number: int) -> Iterator[str]:
    """Write a list of links with their karma; a host in a hundred has a path for each hundredth link."""
    draw = np.random.default_rng(0)
    hosts = draw.zipf(1.4, number) % HOSTS
    karma = np.minimum(3 + draw.pareto(0.8, number) * 3, 1e6).astype(int)
    for place, (host, points) in enumerate(zip(hosts, karma, strict=True)):
        yield f"https://www.site{host}.example/{place % 97}/an-article-of-some-length-{place}.html\t{points}\n"


def looked_at(command: list[str]) -> dict[str, float]:
    """Run a command; give CPU seconds, and the most memory of all processes, the launcher and the largest other."""
    program = [sys.executable, "-c", "from pipelines.commands.cli import entry\nentry()", *command]
    cpu, memory, launcher, worker = 0.0, 0, 0, 0
    with subprocess.Popen(program, stdout=subprocess.DEVNULL, text=True) as running:
        for look in watch(running, 0.5):
            cpu, memory = look.cpu, max(memory, look.memory)
            launcher, worker = max(launcher, look.root), max(worker, look.largest)
    if running.returncode:
        sys.exit(f"webtext {' '.join(command)} ended with status {running.returncode}")
    return {"cpu_s": round(cpu, 1), **{n: round(v / 1e6) for n, v in
            (("all_mb", memory), ("launcher_mb", launcher), ("worker_mb", worker))}}  # fmt: skip


def measure(number: int, workers: int, max_pages: int) -> dict[str, dict[str, float]]:
    """Run the stages on so many links."""
    own = FOLDER / str(number)
    shutil.rmtree(own, ignore_errors=True)
    own.mkdir(parents=True)
    with (own / "links.tsv").open("w") as stream:
        stream.writelines(links(number))
    page = encode_response(HttpResponse(200, _HTML, b"<p>a page", "OK"))
    (own / "one.warc.gz").write_bytes(
        encode_record("response", "https://one.example/", "2020-01-01T00:00:00Z", "application/http", page)
    )
    output = ["--output", str(own / "out")]
    local = ["--workers", str(workers)]
    found = {
        "harvest": looked_at(["harvest", "--submissions", str(own / "links.tsv"), *output, *local]),
        "fetch": looked_at(
            ["fetch", "--replay", str(own / "one.warc.gz"), "--max-pages", str(max_pages), *output, *local]
        ),
        "verify": looked_at(["verify", str(own / "out")]),
    }
    shutil.rmtree(own)
    return found


def main() -> None:
    """Measure each number of links, smallest first."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--links", type=int, nargs="+", default=[100_000])
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--max-pages", type=int, default=1000, help="of them that are asked for (default: %(default)s)")
    arguments = parser.parse_args()
    for number in sorted(arguments.links):
        print(json.dumps({"links": number, **measure(number, arguments.workers, arguments.max_pages)}), flush=True)


if __name__ == "__main__":
    main()
