"""What is kept on disk: recordings and snapshots."""
