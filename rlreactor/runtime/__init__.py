"""Worker processes, the supervisor, and `run()`."""
