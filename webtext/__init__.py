"""Rebuild GPT-2's WebText from anybody's Reddit data: records, the web, and text."""

__version__ = "0.1.0"
