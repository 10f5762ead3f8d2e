"""Composition only: the stages as Beam pipelines, in order, and the command line."""
