"""Independent tasks, which know nothing of one another, and what does them. It knows no engine.

Each task writes whole files under names of its own, so an engine may do it again where a worker has died. Beam's
runners (`pipelines.engine.runner`) and Ray (`pipelines.engine.ray_tasks`) only hand the tasks out.
"""

from typing import Any, Self


class Worker:
    """What does tasks in a process, one after another: opened once, and told where no further task is at hand.

    An engine sends it to where it works before it is opened, so until then it holds nothing that pickle cannot take.
    """

    def open(self) -> None:
        """Get ready for the first task."""

    def do(self, task: Any) -> None:
        """Do a task, or begin it."""
        raise NotImplementedError

    def finish(self) -> None:
        """Bring to an end what was begun; further tasks may come."""

    def close(self) -> None:
        """Let go of what was opened."""

    def spread(self, processes: int) -> Self | None:
        """Give the worker that has so many processes of its own do the work; None: this kind works alone."""
        del processes
        return None
