"""Edges between workers."""
