"""trafilatura's cascade for one release of it, with fewer walks over a page."""
