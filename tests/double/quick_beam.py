"""What Beam works out a hundred times for each pipeline, worked out once: a fifth of what a corpus of the sample costs.

This is for pipelines in the process of the tests; those of commands that tests start run with Beam as it is.
"""

import copy
import functools
import sys


def remember():
    """Have Beam keep what it found, where it has been imported: the specs of a DoFn, the options that flags say."""
    beam = sys.modules.get("apache_beam")
    if beam is None or hasattr(beam.transforms.userstate.get_dofn_specs, "cache_info"):
        return
    beam.transforms.userstate.get_dofn_specs = functools.lru_cache(256)(beam.transforms.userstate.get_dofn_specs)
    beam.options.pipeline_options.PipelineOptions.view_as = _view_as


@functools.lru_cache(256)
def _parsed(kind, flags):
    return kind(list(flags))


def _view_as(self, kind):
    """Do what Beam's own does, without a new parser for each look at an option."""
    found, view = _parsed(kind, tuple(self._flags or ())), object.__new__(kind)
    vars(view).update(_flags=self._flags, _all_options=self._all_options, _visible_options=found._visible_options)
    for name, value in vars(found._visible_options).items():
        if name not in self._all_options:
            self._all_options[name] = copy.copy(value)
    return view
