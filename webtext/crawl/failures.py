"""What an error of a connection means: the outcome of the exchange that it ended."""

import errno
import http.client
import ssl
from collections.abc import Iterator

import requests
import urllib3


def name_failure(error: Exception, *, timed_out: bool) -> tuple[str, str]:
    """Name the outcome of an exchange that an error of the connection ended, and say what the error says."""
    causes = list(_causes(error))
    detail = next((str(cause) for cause in reversed(causes) if str(cause)), type(error).__name__)
    for kinds, outcome in _FAILURES:
        if any(isinstance(cause, kinds) for cause in causes):
            return ("total_timeout" if timed_out and outcome in _OF_TIME else outcome), detail
    return "total_timeout" if timed_out else "connection_error", detail


# Failures which, once the time for the exchange is over, are its doing: what the watchdog shuts breaks off in any way.
_OF_TIME = frozenset({"connect_timeout", "read_timeout", "connection_error", "incomplete", "bad_response", "tls_error"})


# The first kind that is among the causes of an error names its outcome.
_FAILURES: tuple[tuple[tuple[type[BaseException], ...], str], ...] = (
    ((requests.exceptions.InvalidURL,), "bad_url"),
    ((requests.exceptions.ConnectTimeout,), "connect_timeout"),
    ((urllib3.exceptions.ReadTimeoutError, TimeoutError), "read_timeout"),
    ((ssl.SSLError,), "tls_error"),
    ((http.client.IncompleteRead, urllib3.exceptions.IncompleteRead), "incomplete"),
    ((http.client.RemoteDisconnected, ConnectionError), "connection_error"),
    ((http.client.HTTPException, urllib3.exceptions.InvalidHeader), "bad_response"),
)


# Errors of a connection by which our own side says that it finds no way, whatever host is meant.
_NO_WAY = frozenset({errno.ENETUNREACH, errno.EHOSTUNREACH, errno.ENETDOWN, errno.EADDRNOTAVAIL})


def finds_no_way(error: Exception) -> bool:
    """Tell whether it is our own side that finds no way, whatever host is meant."""
    return any(isinstance(cause, OSError) and cause.errno in _NO_WAY for cause in _causes(error))


def _causes(error: BaseException) -> Iterator[BaseException]:
    """Walk the errors that an error wraps, as arguments, reasons, causes or contexts; outermost first."""
    waiting, seen = [error], set[int]()
    while waiting:
        found = waiting.pop(0)
        if id(found) in seen:
            continue
        seen.add(id(found))
        yield found
        inner = [*found.args, getattr(found, "reason", None), found.__cause__, found.__context__]
        waiting += [each for each in inner if isinstance(each, BaseException)]
