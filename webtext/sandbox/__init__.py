"""Child processes that may crash or hang on a page."""
