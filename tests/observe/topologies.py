"""Topologies that the diagrams' tests draw."""

import numpy as np

from rlreactor import Array, Input, Inputs, Output, Outputs, Reactor, Timer, ms, reaction
from rlreactor.tag import TICK

IMAGE = Array(np.uint8, (4, 84, 84))


class Camera(Reactor):
    """Sends images."""

    image = Output(IMAGE)
    tick = Timer(0, TICK)

    @reaction(tick, effects=[image])
    def look(self) -> None: ...


class Network(Reactor):
    """Turns images into decisions."""

    image = Input(IMAGE)
    weights = Input(str, hold=True)
    decision = Output(int)

    @reaction(image, reads=[weights], effects=[decision])
    def decide(self) -> None: ...


class Body(Reactor):
    """Camera and network of one robot."""

    weights = Input(str)
    decision = Output(int)
    image = Output(IMAGE)

    def compose(self) -> None:
        self.camera = Camera()
        self.network = Network()
        self.connect(self.camera.image, self.network.image)
        self.connect(self.camera.image, self.image)
        self.connect(self.weights, self.network.weights)
        self.connect(self.network.decision, self.decision)


class Team(Reactor):
    """A few robots and their coach, who reacts to what they decide."""

    robots: int = 2
    weights = Input(str)
    plans = Output(int)

    def compose(self) -> None:
        self.bodies = [Body() for _ in range(self.robots)]
        self.connect(self.weights, [body.weights for body in self.bodies])

    @reaction("bodies[*].decision", effects=[plans])
    def coach(self) -> None: ...


class Referee(Reactor):
    """Sees every plan, and all images of the first robots."""

    teams: int
    plans = Inputs(int, width="teams")
    images = Inputs(IMAGE, width="teams")
    weights = Outputs(str, width="teams")

    @reaction(plans, images, effects=[weights])
    def judge(self) -> None: ...


class Match(Reactor):
    """Three levels of containers, arrows that skip a column, and arrows that come back."""

    teams: int = 2
    robots: int = 2

    def compose(self) -> None:
        self.team = [WatchedTeam(robots=self.robots) for _ in range(self.teams)]
        self.referee = Referee(teams=self.teams)
        self.connect([team.plans for team in self.team], self.referee.plans)
        self.connect([team.image for team in self.team], self.referee.images)
        self.connect(self.referee.weights, [team.weights for team in self.team], after=ms(2.5))


class WatchedTeam(Team):
    """A team whose first robot shows its images outside."""

    image = Output(IMAGE)

    def compose(self) -> None:
        super().compose()
        self.connect(self.bodies[0].image, self.image)
