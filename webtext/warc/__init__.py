"""Reading and writing WARC archives."""
