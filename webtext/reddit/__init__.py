"""Submissions of dumps, lists and Reddit's API to links."""
