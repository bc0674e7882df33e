"""Reactors for reinforcement learning: rollout, learner, replay, inference, evaluator and more."""

if __name__ != "rlreactor.reactors":
    raise ImportError(f"import 'rlreactor.reactors', not {__name__!r}: one file must be one module")
