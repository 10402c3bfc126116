"""Facts of small programs, each of a cause that programs which nobody had tuned on showed at their first run."""

from __future__ import annotations

from tests.facts.small import of

AGENT = """
import torch
import factory

class Walker:
    def __init__(self, spec, rate, objective: "Objective"):
        self.policy = factory.build(spec).to("cuda")
        self.keeper = factory.build(spec)
        self.opt = torch.optim.Adam(self.policy.parameters(), lr=rate)

    def improve(self, seen, objective: "Objective"):
        choice = self.policy(seen)
        action = choice.rsample()
        cost = objective.cost(self.policy, action)
        self.opt.zero_grad()
        cost.backward()
        self.opt.step()

class Objective:
    def cost(self, policy, action):
        raise NotImplementedError("a subclass says")
"""


def test_a_network_of_an_unknown_factory_is_a_model_where_its_parameters_are_taken() -> None:
    components = of("components", AGENT)
    assert [row["name"] for row in components if row["kind"] == "model"] == ["self.policy"]
    assert [row["covers"] for row in components if row["kind"] == "optimizer"] == [["self.policy"]]


def test_what_an_abstract_method_gives_is_unknown_and_may_be_a_loss() -> None:
    assert [row["object"] for row in of("steps", AGENT) if row["kind"] == "backward"] == ["cost"]


def test_a_reparametrised_sample_is_drawn_from_torch() -> None:
    assert [row["rng"] for row in of("randomness", AGENT)] == ["torch"]


RUN = """
import torch

def choose(flag):
    if flag == "fit":
        rows = list(range(4))
        return rows, torch.utils.data.DataLoader(rows, shuffle=True)
    rows = list(range(8))
    return rows, torch.utils.data.DataLoader(rows)

class Study:
    def __init__(self, net):
        self.net = net

    def data(self, flag):
        rows, loader = choose(flag)
        return rows, loader

    def fit(self, rounds=3, gain=0.5, loud=True):
        rows, train_loader = self.data("fit")
        rows, vali_loader = self.data("vali")
        kept = []
        for weight in filter(lambda w: w.requires_grad, self.net.parameters()):
            kept.append(weight)
        opt = torch.optim.SGD(kept, lr=0.1)
        for _ in range(rounds):
            for x, y in train_loader:
                opt.zero_grad()
                (gain * torch.nn.functional.mse_loss(self.net(x), y)).backward()
                opt.step()

    def score(self):
        rows, score_loader = self.data("score")
        return [self.net(x) for x, _ in score_loader]
"""


def test_what_a_factory_of_a_factory_gives_is_another_object_at_each_call() -> None:
    loaders = {row["name"]: row["role"] for row in of("components", RUN) if row["kind"] == "loader"}
    assert {"train_loader", "vali_loader", "score_loader"} <= loaders.keys()
    assert (loaders["train_loader"], loaders["vali_loader"]) == ("train", "eval")


def test_an_optimizer_covers_the_model_whose_parameters_a_loop_collected() -> None:
    covers = [row["covers"] for row in of("components", RUN) if row["kind"] == "optimizer"]
    assert covers == [["net"]]  # the name that the class was given it under


def test_the_numbers_that_a_whole_run_is_called_with_are_settings_and_its_switches_are_not() -> None:
    found = {row["name"]: row["value"] for row in of("hyperparameters", RUN)}
    assert (found["rounds"], found["gain"]) == (3, 0.5) and "loud" not in found
