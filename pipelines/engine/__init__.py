"""Where a stage runs: processes here, Beam's runners, Ray."""
