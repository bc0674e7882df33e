"""Whoever takes part: programs that run one training and report it as one JSON object on their last line.

Each is started afresh for every round, by the driver, in the virtual environment it needs.
"""
