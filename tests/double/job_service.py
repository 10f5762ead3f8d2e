"""Beam's own job service, which gives a job's work to so many workers at once; by itself it gives all to one.

Usage: job_service.py WORKERS FLAGS_OF_BEAMS_OWN...
"""

import logging
import sys

from apache_beam.runners.portability import local_job_service, local_job_service_main
from apache_beam.runners.portability.fn_api_runner import fn_runner


class Runner(fn_runner.FnApiRunner):
    """Beam's, with a number of workers that no option of a portable job reaches."""

    def __init__(self, *args, **named):
        super().__init__(*args, **named)
        self._num_workers = int(sys.argv[1])


if __name__ == "__main__":
    logging.basicConfig(level=logging.WARNING)
    local_job_service.fn_runner.FnApiRunner = Runner
    local_job_service_main.run(sys.argv[2:])
