"""What starts the slots of a job; each file is one engine."""
