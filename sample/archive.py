"""The archive of the sample web: what its servers answer, as a WARC that any crawler could have written."""

import io
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path
from uuid import UUID

from warcio.statusandheaders import StatusAndHeaders
from warcio.warcwriter import WARCWriter

from sample.cases import REASONS, Answer

_DATE = "2017-12-31T12:00:00Z"  # all of it is archived at one time, which means nothing and is always the same
_ABOUT = {"software": "webtext's sample web", "format": "WARC File Format 1.1", "isPartOf": "sample"}


def write_archive(path: Path, answers: Sequence[Answer]) -> None:
    """Write answers as WARC 1.1, one gzip member a record, always the same bytes."""
    with path.open("wb") as stream:
        writer = WARCWriter(stream, gzip=True, warc_version="WARC/1.1")
        about = writer.create_warcinfo_record(path.name, _ABOUT)
        about.rec_headers.replace_header("WARC-Record-ID", _record_id(path.name))
        about.rec_headers.replace_header("WARC-Date", _DATE)
        writer.write_record(about)
        for answer in answers:
            status = f"{answer.status} {REASONS[answer.status]}"
            length = ("Content-Length", str(len(answer.body)))
            http = StatusAndHeaders(status, [*answer.headers, length], protocol="HTTP/1.1")
            names = {"WARC-Record-ID": _record_id(answer.url), "WARC-Date": _DATE}
            writer.write_record(
                writer.create_warc_record(
                    answer.url, "response", io.BytesIO(answer.body), http_headers=http, warc_headers_dict=names
                )
            )


def _record_id(key: str) -> str:
    """Name a record by what it is of, so that two builds name it alike."""
    return f"<urn:uuid:{UUID(bytes=sha256(key.encode()).digest()[:16], version=5)}>"
