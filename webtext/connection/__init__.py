"""A guarded connection: only to public addresses, within its time, reading heads as browsers do."""
