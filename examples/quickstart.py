import numpy as np
from rlreactor import (Action, Array, Input, Inputs, Output, Reactor, Timer, ms, reaction, run, startup, state)

WEIGHTS = Array(np.float32, (3,))
BATCH = Array(np.float32, ("horizon", 3))          # a name in a shape = a parameter of the reactor

class Rollout(Reactor):
    """Collects `horizon` steps for every parameter vector it receives."""
    horizon: int = 2                                # annotated attribute = parameter: plain data, goes into the spec
    seed: int = 0
    weights = Input(WEIGHTS)                        # assigned port = class attribute
    batch = Output(BATCH)
    steps: int = state(0)                           # made on the worker, part of every snapshot, no constructor argument

    @reaction(weights, effects=[batch])
    def collect(self) -> None:
        out = self.batch.empty()                    # writable view of the edge's own memory: filled in place, no copy
        out[:] = self.weights.value + np.float32(self.seed)
        self.steps += self.horizon
        self.batch.set(out)

class Learner(Reactor):
    rollouts: int
    horizon: int = 2
    batches = Inputs(BATCH, width="rollouts")       # multiport
    weights = Output(WEIGHTS)
    w: np.ndarray = state()

    @reaction(startup, effects=[weights])
    def begin(self) -> None:
        self.w = np.zeros(3, np.float32)
        self.weights.set(self.w)

    @reaction(batches, effects=[weights])
    def learn(self) -> None:
        self.w = self.w + np.mean([b.value.mean(0) for b in self.batches], axis=0)
        self.weights.set(self.w)

class Train(Reactor):                               # a topology is a reactor made of reactors
    rollouts: int = 4
    def compose(self) -> None:
        self.actors = [Rollout(seed=i) for i in range(self.rollouts)]      # a list is a bank
        self.learner = Learner(rollouts=self.rollouts)                     # names come from attributes
        self.connect([a.batch for a in self.actors], self.learner.batches)
        self.connect(self.learner.weights, [a.weights for a in self.actors], after=ms(1))

result = run(Train(rollouts=4), workers=2, timeout=ms(100), seed=0)
print(result.tag, result.state("learner")["w"])
