"""What log lines reach a person: warnings, on standard error, less what Beam says of things that do not matter here."""

import logging

from pipelines.engine.terminal import plain
from webtext.errors import UsageError

# Beam on packages that a local run does not need, and on a directory that only containers have.
_OF_NO_CONCERN = ("apitools not found", "Could not find a compatible bson", "No semi_persistent_directory found")


_FORMAT = "%(levelname)s %(name)s: %(message)s"


class _Plain(logging.Formatter):
    """Writes log lines as plain text: they may hold what the web says."""

    def format(self, record: logging.LogRecord) -> str:
        return plain(super().format(record))


def set_up(least: int = logging.NOTSET) -> None:
    """Send log lines to standard error: those that their loggers let pass, of this level and above."""
    logging.basicConfig(level=logging.WARNING, format=_FORMAT)
    for handler in logging.getLogger().handlers:
        handler.setLevel(least)
        handler.setFormatter(_Plain(_FORMAT))
        handler.addFilter(_is_wanted)


def _is_wanted(record: logging.LogRecord) -> bool:
    """Leave out what is of no concern, and errors that the user is told in one line."""
    message = record.getMessage()
    raised = record.exc_info[1] if record.exc_info else None
    if isinstance(raised, UsageError | KeyboardInterrupt | SystemExit):
        return False
    return not message.startswith(_OF_NO_CONCERN) and "webtext.errors.UsageError" not in message
