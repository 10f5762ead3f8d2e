"""Copies of a corpus that are worse in a known way: the positive control of every verdict.

A protocol that cannot tell a corpus from the same corpus with its words shuffled can tell nothing. Each damage maps a
stream of documents to a stream with as many; each choice is a function of the document's own text.
"""

import re
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence

from webtext.hashing import hash64

SHARE = 0.3  # the share of words, bytes or documents that a damage touches
_RECENT = 100  # documents among which a duplicate finds its original: bounds memory
_SENTENCE = re.compile(r"(?<=[.!?])\s+")
_SITES = 50  # page furniture repeats within a site; this many sites are made up

# What an extractor that fails lets through: the lines around an article, in our words.
FURNITURE = (
    "Skip to content",
    "Home | News | Opinion | Sport | Culture | Travel | Money | Tech",
    "Menu  Search  Sign in  Subscribe",
    "We use cookies to make this site work and to show you adverts. Accept all  Manage choices",
    "Share this: Facebook  Twitter  Email  Print  Reddit  Pinterest",
    "Sign up for our newsletter and get the best stories of the week in your inbox",
    "You must be logged in to post a comment. Log in or register",
    "Related articles  You may also like  Most read  Editor's picks",
    "Advertisement  Continue reading below",
    "About us  Contact  Careers  Advertise with us  Press  Help",
    "Privacy policy  Terms of use  Cookie settings  Accessibility  Sitemap",
    "All rights reserved. No part of this site may be reproduced without permission.",
    "Previous post  Next post  Leave a reply  Your email address will not be published",
    "Tags: featured, latest, popular  Filed under: uncategorised  0 comments",
    "Follow us on social media  RSS feed  Download our app",
    "Loading more stories...  Show more  Back to top",
    "Your browser is out of date. Please enable JavaScript to view this page.",
    "Subscribe now for unlimited access  Already a subscriber? Sign in",
)

Damage = Callable[[Iterable[str]], Iterator[str]]


def shuffle_words(texts: Iterable[str]) -> Iterator[str]:
    """Each document with its words in another order: the right words, no sentences."""
    for text in texts:
        words = text.split()
        keys = [hash64(f"{position}/{word}".encode(), salt=b"shuffle") for position, word in enumerate(words)]
        yield " ".join(words[position] for position in sorted(range(len(words)), key=keys.__getitem__))


def shuffle_paragraphs(texts: Iterable[str]) -> Iterator[str]:
    """Each document with its lines in another order, or its sentences where it is one line."""
    for text in texts:
        lines = text.split("\n")
        parts = lines if len(lines) > 1 else _SENTENCE.split(text)
        keys = [hash64(f"{place}/{part}".encode(), salt=b"paragraphs") for place, part in enumerate(parts)]
        yield ("\n" if len(lines) > 1 else " ").join(part for _, part in sorted(zip(keys, parts, strict=True)))


def put_back_boilerplate(
    texts: Iterable[str], lines: Sequence[str] = FURNITURE, *, share: float = SHARE
) -> Iterator[str]:
    """Each document inside page furniture that makes up a share of the bytes: half before it, half after it.

    Which of `lines` come, and in which order, is the site's choice; a document's hash names its site.
    """
    for text in texts:
        site = hash64(text.encode(), salt=b"site") % _SITES
        order = sorted(lines, key=lambda line: hash64(f"{site}/{line}".encode()))
        wanted = len(text.encode()) * share / (1.0 - share) / 2.0
        yield "\n".join((*_take(order, wanted), text, *_take(order[::-1], wanted)))


def _take(lines: Sequence[str], n_bytes: float) -> list[str]:
    """Lines, over and over, up to the one that comes nearest to `n_bytes`."""
    taken: list[str] = []
    while n_bytes > 0.0:
        line = lines[len(taken) % len(lines)]
        if len(line.encode()) > 2.0 * n_bytes:
            break
        n_bytes -= len(line.encode()) + 1
        taken.append(line)
    return taken


def duplicate_documents(texts: Iterable[str], *, share: float = SHARE) -> Iterator[str]:
    """The stream with a share of its documents replaced by copies of documents shortly before them."""
    recent: deque[str] = deque(maxlen=_RECENT)
    for text in texts:
        choice = hash64(text.encode(), salt=b"duplicate")
        if recent and choice < share * 2**64:
            yield recent[choice % len(recent)]
        else:
            recent.append(text)
            yield text


DAMAGES: dict[str, Damage] = {
    "shuffled words": shuffle_words,
    "30 % boilerplate": put_back_boilerplate,
    "30 % duplicates": duplicate_documents,
}
