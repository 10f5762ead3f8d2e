"""One module a family of rules: a document to a reason to reject it, or None."""
