"""One worker's event queue, clock and loop."""
