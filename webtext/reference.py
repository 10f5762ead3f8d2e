"""Whether the named packages do all the work themselves in this process: `--reference`.

langdetect has a faster way beside it that gives the same bytes. A reference build leaves that way out, and
`tests/test_reference.py` holds its bytes to those of the fast one; `make traces` prints who does how much. datasketch
has a switch of its own, `dedup.near.minhash.MinHashConfig.reference`. The others have no faster way beside them: praw,
requests, apache-beam, pyarrow, and trafilatura, whose public function gives the second opinion on doubtful pages.
"""


class _Mode:
    is_on = False


def use(is_on: bool) -> None:
    """Have this process do without the faster ways from now on, or with them."""
    _Mode.is_on = is_on


def is_on() -> bool:
    """Tell whether this process does without the faster ways."""
    return _Mode.is_on
