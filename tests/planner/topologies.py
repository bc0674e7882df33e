"""Topologies that the planner's tests place."""

from typing import Any

import numpy as np

from rlreactor import Action, Array, Input, Inputs, Output, Reactor, Timer, ms, reaction, shutdown, startup
from rlreactor.tag import TICK

NOTHING: dict[str, Any] = {}
NUMBERS = Array(np.float32, ("size",))


class Rollout(Reactor):
    """Works when weights come."""

    size: int = 3
    weights = Input(NUMBERS)
    batch = Output(NUMBERS)

    @reaction(weights, effects=[batch])
    def collect(self) -> None: ...


class Learner(Reactor):
    """Works when the batches come."""

    rollouts: int
    size: int = 3
    batches = Inputs(NUMBERS, width="rollouts")
    weights = Output(NUMBERS)

    @reaction(startup, effects=[weights])
    def begin(self) -> None: ...

    @reaction(batches, effects=[weights])
    def learn(self) -> None: ...


class Placed(Reactor):
    """A container that places what it contains as its parameters say."""

    threads: dict[str, int] = NOTHING
    gpus: dict[str, int] = NOTHING
    hosts: dict[str, str] = NOTHING
    together: dict[str, str] = NOTHING
    costs: dict[str, float] = NOTHING

    def place_all(self) -> None:
        given = (self.threads, self.gpus, self.hosts, self.together, self.costs)
        for path in dict.fromkeys(path for options in given for path in options):
            self.place(
                self.named(path),
                threads=self.threads.get(path, 1),
                gpu=self.gpus.get(path, 0),
                host=self.hosts.get(path),
                with_=self.together.get(path),
                cost=self.costs.get(path),
            )

    def named(self, path: str) -> Reactor:
        return dict(self._named_children())[path]


class Train(Placed):
    """The example of the README: a loop that no timer drives."""

    rollouts: int = 4
    size: int = 3

    def compose(self) -> None:
        self.actors = [Rollout(size=self.size) for _ in range(self.rollouts)]
        self.learner = Learner(rollouts=self.rollouts, size=self.size)
        self.connect([a.batch for a in self.actors], self.learner.batches)
        self.connect(self.learner.weights, [a.weights for a in self.actors], after=ms(1))
        self.place_all()


class TimedRollout(Reactor):
    """Works at every tick, with the weights it holds."""

    size: int = 3
    weights = Input(NUMBERS, hold=True)
    batch = Output(NUMBERS)
    tick = Timer(0, TICK)

    @reaction(tick, reads=[weights], effects=[batch])
    def collect(self) -> None: ...


class Evaluator(Reactor):
    """Looks at every set of weights; nobody waits for it."""

    size: int = 3
    weights = Input(NUMBERS)

    @reaction(weights)
    def evaluate(self) -> None: ...


class Lagging(Placed):
    """Rollouts that run `ahead` updates ahead of the learner, and an evaluator."""

    rollouts: int = 4
    size: int = 3
    ahead: int = 0

    def compose(self) -> None:
        self.actors = [TimedRollout(size=self.size) for _ in range(self.rollouts)]
        self.learner = Learner(rollouts=self.rollouts, size=self.size)
        self.evaluator = Evaluator(size=self.size)
        self.connect([a.batch for a in self.actors], self.learner.batches)
        self.connect(self.learner.weights, [a.weights for a in self.actors], after=(1 + self.ahead) * TICK)
        self.connect(self.learner.weights, self.evaluator.weights, after=TICK)
        self.place_all()


class Source(Reactor):
    """Sends one message, or one each period."""

    period: int = 0
    out = Output(int)
    timer = Timer(0, "period")

    @reaction(timer, effects=[out])
    def send(self) -> None: ...


class Stage(Reactor):
    """Passes on what comes."""

    into = Input(int)
    out = Output(int)

    @reaction(into, effects=[out])
    def pass_on(self) -> None: ...


class Chain(Reactor):
    """A source and stages one behind the other."""

    stages: int = 3

    def compose(self) -> None:
        self.source = Source()
        self.stage = [Stage() for _ in range(self.stages)]
        outputs = [self.source.out, *(stage.out for stage in self.stage)]
        self.connect(outputs[:-1], [stage.into for stage in self.stage])


class Table(Reactor):
    """Starts a rally and returns each ball; `stops` when it may end the run."""

    into = Input(int)
    out = Output(int)

    @reaction(startup, effects=[out])
    def serve(self) -> None: ...

    @reaction(into, effects=[out, shutdown])
    def hit(self) -> None: ...


class Rally(Reactor):
    """Two reactors and one message that goes to and fro: never both at once."""

    def compose(self) -> None:
        self.table = Table()
        self.wall = Stage()
        self.connect(self.table.out, self.wall.into, after=ms(1))
        self.connect(self.wall.out, self.table.into, after=ms(1))


class Clockwork(Reactor):
    """Works on a timer of its own and talks to nobody."""

    tick = Timer(0, TICK)

    @reaction(tick)
    def work(self) -> None: ...


class Clocks(Reactor):
    """Reactors that have nothing to do with each other."""

    count: int = 5

    def compose(self) -> None:
        self.clock = [Clockwork() for _ in range(self.count)]


class Pair(Reactor):
    """An environment and its policy, which belong together."""

    together: bool = True
    into = Input(int)

    def compose(self) -> None:
        self.environment = Stage()
        self.policy = Stage()
        self.connect(self.into, self.environment.into)
        self.connect(self.environment.out, self.policy.into)
        if self.together:
            self.place(self.policy, with_="environment")


class Pairs(Reactor):
    """Pairs in containers that do nothing themselves."""

    count: int = 4
    together: bool = True

    def compose(self) -> None:
        self.source = Source(period=TICK)
        self.pairs = [Pair(together=self.together) for _ in range(self.count)]
        self.connect(self.source.out, [pair.into for pair in self.pairs])


class Overseer(Reactor):
    """A container whose own reactions set and read ports of what it contains: traffic without a connection."""

    def compose(self) -> None:
        self.stage = Stage()

    @reaction(startup, effects=["stage.into"])
    def ask(self) -> None: ...

    @reaction("stage.out")
    def hear(self) -> None: ...


class Ticker(Reactor):
    """Drives itself with an action every `step` ns."""

    step: int = TICK
    again = Action(min_delay="step")
    out = Output(Array(np.float32, (5000,)))

    @reaction(startup, again, effects=[again, out])
    def tick(self) -> None: ...


class Listener(Reactor):
    """Reads a large array, and keeps it if `hold`."""

    into = Input(Array(np.float32, (5000,)))

    @reaction(into)
    def hear(self) -> None: ...


class SelfDriven(Reactor):
    """An action drives a delayed edge."""

    step: int = TICK
    after: int = 5 * TICK

    def compose(self) -> None:
        self.ticker = Ticker(step=self.step)
        self.listener = Listener()
        self.connect(self.ticker.out, self.listener.into, after=self.after)
