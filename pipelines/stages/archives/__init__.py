"""Archives of any origin to an index of pages, as a fetch would have written it."""
