"""Whoever takes part: programs that measure one run, or a slice whenever they are told to, and report it as JSON.

Each is started by the driver in the virtual environment it needs; `slices` has what they share.
"""
