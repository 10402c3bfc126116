"""What distributions give carries the graph of their parameters."""

import pytest

from tests.program.model import marked

HEAD = """
import torch
from torch import nn
from torch.distributions import Categorical, Normal, kl_divergence
class Policy(nn.Module):
    def forward(self, x):
        return Normal(self.mean(x), 1)
net, policy = nn.Linear(1, 2), Policy()
"""


@pytest.mark.parametrize(
    ("source", "attached"),
    [
        ("here(Categorical(logits=net(x)).log_prob(a))", True),
        ("here(Categorical(net(x)).entropy().mean())", True),
        ("here(Normal(net(x), 1).rsample())", True),
        ("here(Normal(net(x), 1).sample())", False),
        ("here(Normal(net(x), 1).mean)", True),
        ("here(kl_divergence(Normal(net(x), 1), Normal(0, 1)))", True),
        ("here(Categorical(probs).log_prob(a))", None),
        ("here(Normal(torch.zeros(2), 1).log_prob(torch.ones(2)))", False),
        ("here(Normal(torch.zeros(2), 1).log_prob(net(x)))", True),
        ("with torch.no_grad():\n    here(Categorical(logits=net(x)).log_prob(a))", False),
        ("here(policy(x).log_prob(a))", True),
        ("here(policy(x).sample())", False),
    ],
)
def test_attached(source: str, attached: bool | None) -> None:
    value = marked(HEAD + source)
    assert value.kind == "tensor"
    assert value.attached is attached
