"""A polite guest on the web: links to an archive of pages."""
