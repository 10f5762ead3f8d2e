"""Which documents stay: predicates with reasons, and the presets that list them."""

from filters.presets import load_preset, preset_names
from filters.rules.lib.steps import Filter, apply_filters, first_reason

__all__ = ["Filter", "apply_filters", "first_reason", "load_preset", "preset_names"]
