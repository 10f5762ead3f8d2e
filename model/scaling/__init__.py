"""Scaling laws: how the loss falls with parameters and tokens, from runs of one corpus or of two."""
