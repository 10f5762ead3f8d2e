"""Exit statuses of a command; what each means is told by `webtext --help`."""

EXIT_OK, EXIT_FAILURE, EXIT_USAGE, EXIT_DAMAGED = 0, 1, 2, 3
