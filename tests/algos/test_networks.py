"""Forward and backward passes against torch, and the flat vector behind them."""

from __future__ import annotations

import math
import subprocess
import sys

import numpy as np
import pytest
import torch
from torch import nn

from rlreactor.algos.arrays import Array, views
from rlreactor.algos.layout import NATURE_CONVOLUTIONS
from rlreactor.algos.mlp import TrainableMLP
from rlreactor.algos.nature_cnn import TrainableNatureCNN, to_host
from rlreactor.algos.outputs import Outputs
from rlreactor.algos.policy import Policy
from rlreactor.algos.policy_spec import BoxAction, DiscreteAction, PolicySpec
from rlreactor.algos.trainable import Trainable, trainable

from .helpers import BOX, box, discrete, gradient_of, images, random_observations

ROWS = 5


def perceptron(spec: PolicySpec, outputs: int) -> nn.Sequential:
    """The same network written with torch's modules."""
    layers: list[nn.Module] = []
    inputs = spec.observation_size
    for units in spec.hidden:
        layers += [nn.Linear(inputs, units), nn.Tanh() if spec.activation == "tanh" else nn.ReLU()]
        inputs = units
    return nn.Sequential(*layers, nn.Linear(inputs, outputs))


def copy_into(network: nn.Sequential, named: dict[str, Array], head: str) -> None:
    """Load the parameters of actor or critic, [in, out], into torch's [out, in]."""
    linear = [module for module in network if isinstance(module, nn.Linear)]
    stacked = 0 if head == "actor" else 1
    for layer, module in enumerate(linear):
        last = layer == len(linear) - 1
        weight = named[f"{head}.weight"] if last else named[f"hidden.{layer}.weight"][stacked]
        bias = named[f"{head}.bias"] if last else named[f"hidden.{layer}.bias"][stacked]
        module.weight.data = torch.tensor(weight.T)
        module.bias.data = torch.tensor(bias)


def gradients_of(network: nn.Sequential) -> list[Array]:
    """Weights and biases in order, as [in, out]."""
    return [gradient_of(parameter).T for parameter in network.parameters()]


@pytest.mark.parametrize("activation", ["tanh", "relu"])
@pytest.mark.parametrize("hidden", [(8,), (8, 6), (5, 7, 9)])
def test_mlp_equals_autograd(activation: str, hidden: tuple[int, ...]) -> None:
    rng = np.random.default_rng(0)
    spec = discrete(hidden=hidden, activation=activation)
    flat = rng.standard_normal(spec.size, np.float32)
    named = views(flat, spec.parameters())
    actor, critic = perceptron(spec, spec.action_size), perceptron(spec, 1)
    copy_into(actor, named, "actor")
    copy_into(critic, named, "critic")
    observations = random_observations(spec, ROWS, rng)
    by_head = rng.standard_normal((ROWS, spec.action_size), np.float32)
    by_values = rng.standard_normal(ROWS, np.float32)

    head, values = actor(torch.tensor(observations)), critic(torch.tensor(observations))[:, 0]
    torch.autograd.backward([head, values], [torch.tensor(by_head), torch.tensor(by_values)])
    network = TrainableMLP(spec, flat)
    network.observe([observations[:, None]])
    network.shuffle(np.arange(ROWS))
    outputs = network.outputs(0, ROWS)
    np.testing.assert_allclose(outputs.head, to_host(head), rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(outputs.values, to_host(values), rtol=1e-4, atol=1e-4)

    ours = views(network.gradient(0, ROWS, Outputs(by_head, by_values, None)), spec.parameters())
    for stacked, (name, reference) in enumerate((("actor", actor), ("critic", critic))):
        layers = range(len(hidden))
        parts = [part for layer in layers for part in (ours[f"hidden.{layer}.weight"], ours[f"hidden.{layer}.bias"])]
        received = [part[stacked] for part in parts] + [
            ours[f"{name}.weight"],
            ours[f"{name}.bias"],
        ]
        for mine, theirs in zip(received, gradients_of(reference), strict=True):
            np.testing.assert_allclose(mine, theirs, rtol=1e-3, atol=1e-4)


def test_mlp_has_as_many_parameters_as_the_torch_module() -> None:
    spec = discrete(hidden=(32, 16))
    modules = (perceptron(spec, spec.action_size), perceptron(spec, 1))
    expected = sum(parameter.numel() for module in modules for parameter in module.parameters())
    assert spec.size == spec.trained_size() == expected


def test_nature_cnn_has_as_many_parameters_as_the_torch_module() -> None:
    spec = PolicySpec(
        observation_shape=(4, 84, 84),
        observation_dtype="uint8",
        action=DiscreteAction(n=6),
        network="nature_cnn",
    )
    convolutions = [nn.Conv2d(4, 32, 8, 4), nn.Conv2d(32, 64, 4, 2), nn.Conv2d(64, 64, 3, 1)]
    dense = [nn.Linear(3136, 512), nn.Linear(512, 6), nn.Linear(512, 1)]
    modules = nn.ModuleList([*convolutions, *dense])
    assert spec.size == sum(parameter.numel() for parameter in modules.parameters()) == 1_687_719


class Convolutions(nn.Module):
    """The same network written with torch's modules, their parameters in the order of the flat vector."""

    def __init__(self, spec: PolicySpec) -> None:
        super().__init__()
        shapes = dict(spec.parameters())
        channels = (spec.observation_shape[0], *(layer[0] for layer in NATURE_CONVOLUTIONS))
        self.convolutions = nn.ModuleList(
            nn.Conv2d(inputs, outputs, kernel, stride)
            for inputs, (outputs, kernel, stride) in zip(channels, NATURE_CONVOLUTIONS, strict=False)
        )
        self.features = nn.Linear(shapes["features.weight"][1], 512)
        self.actor, self.critic = nn.Linear(512, spec.action_size), nn.Linear(512, 1)

    def forward(self, images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        x = images / 255.0
        for convolution in self.convolutions:
            x = torch.relu(convolution(x))
        x = torch.relu(self.features(x.flatten(1)))
        return self.actor(x), self.critic(x)[:, 0]


def cnn_gradients(spec: PolicySpec, observations: Array, by: Outputs, *, channels_last: bool) -> tuple[Outputs, Array]:
    """Outputs and gradient of ours for weights from seed 0."""
    network = TrainableNatureCNN(spec, spec.initial(np.random.default_rng(0)), channels_last=channels_last)
    network.observe([observations[:, None]])
    network.shuffle(np.arange(ROWS)[::-1].copy())
    outputs = network.outputs(0, ROWS)
    return outputs, to_host(network.gradient(0, ROWS, by))


def torch_cnn_gradients(spec: PolicySpec, observations: Array, by: Outputs) -> tuple[Outputs, Array]:
    """The same by torch's modules and autograd, in float64."""
    reference = Convolutions(spec).double()
    nn.utils.vector_to_parameters(torch.tensor(spec.initial(np.random.default_rng(0))).double(), reference.parameters())
    head, values = reference(torch.tensor(observations[::-1].copy()).double())
    torch.autograd.backward([head, values], [torch.tensor(by.head).double(), torch.tensor(by.values).double()])
    gradient = np.concatenate([gradient_of(parameter).ravel() for parameter in reference.parameters()])
    return Outputs(to_host(head), to_host(values), None), gradient


@pytest.mark.parametrize("channels_last", [True, False])
@pytest.mark.parametrize(("precision", "tolerance"), [("float32", 1e-5), ("bfloat16", 0.04)])
def test_nature_cnn_equals_autograd(precision: str, tolerance: float, channels_last: bool) -> None:
    """To within the precision, as a share of the largest output and of the length of each parameter's gradient.

    One rounding to bfloat16 is 0.002, and on the way to the first kernel there are eight of them, some of which
    turn a relu on or off.
    """
    spec = images(DiscreteAction(n=3), precision=precision)
    rng = np.random.default_rng(1)
    observations = random_observations(spec, ROWS, rng)
    by = Outputs(rng.standard_normal((ROWS, 3), np.float32), rng.standard_normal(ROWS, np.float32), None)
    ours, gradient = cnn_gradients(spec, observations, by, channels_last=channels_last)
    theirs, expected = torch_cnn_gradients(spec, observations, by)
    np.testing.assert_allclose(ours.head, theirs.head, atol=tolerance * np.abs(theirs.head).max())
    np.testing.assert_allclose(ours.values, theirs.values, atol=tolerance * np.abs(theirs.values).max())
    start = 0
    for name, shape in spec.parameters():
        part = slice(start, start + math.prod(shape))
        distance = np.linalg.norm(gradient[part] - expected[part]) / np.linalg.norm(expected[part])
        assert distance < tolerance, name
        start = part.stop


def test_pixels_are_exact_in_bfloat16() -> None:
    """Whole numbers up to 256 have no rounding error; their 255th parts would."""
    pixels = torch.arange(256, dtype=torch.uint8)
    assert torch.equal(pixels.to(torch.bfloat16).to(torch.uint8), pixels)


def test_one_image_buffer_serves_updates_of_any_size() -> None:
    spec = images(DiscreteAction(n=3))
    rng = np.random.default_rng(2)
    flat = spec.initial(rng)
    network = TrainableNatureCNN(spec, flat)
    for rows in (7, 3, 3):
        parts = [random_observations(spec, 2 * rows, rng).reshape(2, rows, *spec.observation_shape) for _ in range(2)]
        network.observe(parts)
        network.shuffle(np.arange(4 * rows))
        joined = np.concatenate(parts, axis=1).reshape(-1, *spec.observation_shape)
        values = Policy(spec, flat).value(joined)
        np.testing.assert_allclose(network.outputs(0, 4 * rows).values, values, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("action", [DiscreteAction(n=3), BOX])
def test_nature_cnn_acts_as_it_trains(action: DiscreteAction) -> None:
    spec = images(action)
    rng = np.random.default_rng(0)
    flat = spec.initial(rng)
    observations = random_observations(spec, ROWS, rng)
    network = trainable(spec, flat, "cpu")
    network.observe([observations[:, None]])
    network.shuffle(np.arange(ROWS))
    values = Policy(spec, flat).value(observations)
    np.testing.assert_allclose(network.outputs(0, ROWS).values, values, rtol=1e-5, atol=1e-6)


def loss_after(network: Trainable, steps: int) -> float:
    """Squared values and head after some steps down their gradient."""
    for _ in range(steps):
        head, values, log_std = network.outputs(0, ROWS)
        by = Outputs(2.0 * head, 2.0 * values, None if log_std is None else 2.0 * log_std)
        network.descend(network.gradient(0, ROWS, by), learning_rate=1e-3, max_gradient_norm=10.0)
    head, values, _ = network.outputs(0, ROWS)
    return float(np.sum(head**2) + np.sum(values**2))


@pytest.mark.parametrize(
    "spec",
    [
        discrete(),
        box(),
        images(DiscreteAction(n=3)),
        images(BOX),
        images(BOX, precision="bfloat16"),
    ],
)
def test_a_network_descends(spec: PolicySpec) -> None:
    rng = np.random.default_rng(1)
    flat = spec.initial(rng)
    network = trainable(spec, flat, "cpu")
    network.observe([random_observations(spec, ROWS, rng)[:, None]])
    network.shuffle(np.arange(ROWS))
    before = loss_after(network, 0)
    assert loss_after(network, 30) < 0.5 * before
    network.publish()
    assert not np.array_equal(flat, spec.initial(np.random.default_rng(1)))


@pytest.mark.parametrize("spec", [discrete(), box(), images(DiscreteAction(n=3))])
def test_load_makes_views(spec: PolicySpec) -> None:
    rng = np.random.default_rng(2)
    observations = random_observations(spec, ROWS, rng)
    policy = Policy(spec, spec.initial(rng))
    first = policy.value(observations)
    other = spec.initial(rng)
    policy.load(other)
    second = policy.value(observations)
    other[:] = 0.0
    assert not np.array_equal(first, second)
    assert np.array_equal(policy.value(observations), np.zeros(ROWS, np.float32))


def test_read_only_weights_are_enough() -> None:
    for spec in (discrete(normalise_observations=True), images(DiscreteAction(n=2))):
        rng = np.random.default_rng(3)
        flat = spec.initial(rng)
        flat.flags.writeable = False
        actions, log_probabilities, values = Policy(spec, flat).act(random_observations(spec, ROWS, rng), rng)
        received = [str(array.dtype) for array in (actions, log_probabilities, values)]
        assert received == ["int64", "float32", "float32"]


def test_the_tail_normalises_observations() -> None:
    plain, normalising = discrete(), discrete(normalise_observations=True)
    rng = np.random.default_rng(4)
    weights = plain.initial(rng)
    mean, variance = np.array([1, 2, 3], np.float32), np.array([4, 9, 16], np.float32)
    flat = np.concatenate([weights, mean, variance])
    observations = random_observations(plain, ROWS, rng)
    expected = Policy(plain, weights).value((observations - mean) / np.sqrt(variance))
    received = Policy(normalising, flat).value(observations)
    np.testing.assert_allclose(received, expected, rtol=1e-5, atol=1e-6)
    far = np.full((1, 3), 1e9, np.float32)
    np.testing.assert_allclose(
        Policy(normalising, flat).value(far), Policy(plain, weights).value(np.full((1, 3), 10.0))
    )


def test_initial_weights_are_orthogonal_and_repeatable() -> None:
    spec = box(normalise_observations=True)
    flat = spec.initial(np.random.default_rng(5))
    named = views(flat, spec.parameters())
    assert np.array_equal(flat, spec.initial(np.random.default_rng(5)))
    assert flat.dtype == np.float32
    for stacked in range(2):
        weight = named["hidden.1.weight"][stacked]
        np.testing.assert_allclose(weight @ weight.T, 2.0 * np.eye(64), atol=1e-5)
    np.testing.assert_allclose(np.linalg.norm(named["actor.weight"], axis=0), 0.01, rtol=1e-5)
    np.testing.assert_allclose(np.linalg.norm(named["critic.weight"]), 1.0, rtol=1e-5)
    assert not named["log_std"].any()
    assert not named["observation_mean"].any()
    assert (named["observation_variance"] == 1.0).all()


def test_nature_cnn_starts_orthogonal() -> None:
    spec = images(DiscreteAction(n=3))
    named = views(spec.initial(np.random.default_rng(6)), spec.parameters())
    weight = named["convolution.1.weight"].reshape(64, -1)
    np.testing.assert_allclose(weight @ weight.T, 2.0 * np.eye(64), atol=1e-5)


def test_box_actions_are_clipped_only_for_the_environment() -> None:
    spec = PolicySpec(
        observation_shape=(3,),
        action=BoxAction(shape=(2, 1), low=(-0.1, -0.2), high=(0.1, math.inf)),
    )
    policy = Policy(spec, spec.initial(np.random.default_rng(7)))
    rng = np.random.default_rng(8)
    actions, _, _ = policy.act(random_observations(spec, 100, rng), rng)
    clipped = policy.to_environment(actions)
    assert clipped.shape == (100, 2, 1)
    assert np.abs(actions[:, 0]).max() > 0.1
    assert np.abs(clipped[:, 0]).max() == np.float32(0.1)
    assert clipped[:, 1].max() == actions[:, 1].max()


def test_discrete_actions_start_where_the_environment_counts_from() -> None:
    spec = PolicySpec(observation_shape=(3,), action=DiscreteAction(n=3, start=5))
    policy = Policy(spec, spec.initial(np.random.default_rng(9)))
    assert policy.to_environment(np.array([0, 2])).tolist() == [5, 7]


def test_wrong_observations_are_refused() -> None:
    policy = Policy(discrete(), discrete().initial(np.random.default_rng(0)))
    with pytest.raises(ValueError, match=r"expected shape \[B, 3\], received \[5, 1\]"):
        policy.value(np.zeros((5, 1), np.float32))


def test_an_mlp_needs_no_torch() -> None:
    program = """
import sys
import numpy as np
from rlreactor.algos.policy import DiscreteAction, Policy, PolicySpec
from rlreactor.algos.ppo import PPO, PPOConfig
spec = PolicySpec(observation_shape=(4,), action=DiscreteAction(n=2))
ppo = PPO(PPOConfig(), spec, updates_total=1, seed=0)
Policy(spec, ppo.flat).act(np.zeros((2, 4), np.float32), np.random.default_rng(0))
found = [name for name in ("torch", "gymnasium") if name in sys.modules]
sys.exit(f"imported: {found}" if found else 0)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
