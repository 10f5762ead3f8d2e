"""What a page in somebody else's archive says against learning from it: its answer's header, and its head.

Files beside the page are not asked for, since archives are read without a network. So a licence that a page only links
to cannot be read, and is no permission.
"""

from collections.abc import Collection

from webtext.permissions.optout import read_page
from webtext.permissions.robots import MAX_BYTES
from webtext.permissions.signals import Signal, first_signal
from webtext.warc.http_body import BodyEncodingError, BodyTooLargeError, ContentDecoder, dechunk
from webtext.warc.warc_records import HttpResponse

_STEP = 1 << 14  # bytes of a body decoded at a time


def signal_of_archived(response: HttpResponse, url: str, agent: str, obeyed: Collection[str]) -> Signal | None:
    """Name the signal of a stored answer, before all one that is obeyed; None where there is none.

    Args:
        response: as stored.
        url: of the page.
        agent: our product token.
        obeyed: names of signals.
    """
    says = read_page(response.headers, _beginning(response), url, agent)
    linked = [
        Signal("rsl", f"the RSL licence {place[:120]}, named by the page: not in the archive")
        for place in says.licences
    ]
    return first_signal([*says.signals, *linked], obeyed)


def _beginning(response: HttpResponse) -> bytes:
    body = response.body[:MAX_BYTES]
    if "chunked" in response.header("Transfer-Encoding").lower():
        body = dechunk(body)
    encoding = response.header("Content-Encoding")
    if not encoding:
        return body
    decoded = bytearray()
    try:
        decoder = ContentDecoder(encoding, MAX_BYTES)
        for start in range(0, len(body), _STEP):
            for piece in decoder.pieces(body[start : start + _STEP]):
                decoded += piece
    except (BodyEncodingError, BodyTooLargeError):
        return bytes(decoded) or body  # archives keep bodies decoded under the header they came with
    return bytes(decoded)
