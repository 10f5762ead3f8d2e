"""A small web, written for webtext: articles, the sites they stand on, and the troubles of the real web around them."""
