"""One module a command of `webtext`: flags and printing."""
