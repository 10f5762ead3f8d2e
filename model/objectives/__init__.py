"""What other models of the seeds are trained to predict: pure functions from token ids to arrays, in numpy alone."""
