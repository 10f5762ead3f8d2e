"""A page to its text, title, date, author and language."""
