"""What a page declares of itself: title, author, date, site, language."""
