"""What is learned: networks, losses, updates and their configuration, one algorithm per file."""

if __name__ != "rlreactor.algos":
    raise ImportError(f"import 'rlreactor.algos', not {__name__!r}: one file must be one module")
