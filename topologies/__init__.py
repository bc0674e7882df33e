"""Wiring patterns, generic over the algorithm: who feeds whom, and with which lag."""

if __name__ != "rlreactor.topologies":
    raise ImportError(f"import 'rlreactor.topologies', not {__name__!r}: one file must be one module")
