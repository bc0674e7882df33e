"""What a run shows of itself: progress, metrics, checkpoints, manifests and diagrams."""
