"""What a stage is, and each one of them: finished directories in, one directory out."""
