"""The exceptions that end a command of the command line.

Everything that a user can mend (a missing file, a bad flag, a damaged archive, a full disk) is raised as a
`UsageError` and printed as one line. Everything else is a bug and keeps its traceback.
"""


class UsageError(Exception):
    """A problem that the user can mend; the message is one line and says what to do."""


class UnbalancedError(Exception):
    """Kept and rejected do not add up to what a stage was given: a bug in webtext, never to be hidden."""


class Ended(Exception):  # noqa: N818 - nothing went wrong
    """The run ends here, before its output is whole, since it was asked to; the message is what it has to say."""
