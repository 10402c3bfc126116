"""Numbers of parameters by hub id, and from the dimensions that the models publish."""

from __future__ import annotations

import pytest
from dry_debug.program.model_sizes import packed_bytes, parameters


def gated(vocab: int, hidden: int, layers: int, inner: int, kv: int, *, tied: bool = False, bias: int = 0) -> float:
    """Millions of parameters of a decoder with a gated MLP; `kv` is the width of keys and values."""
    attention = 2 * hidden * hidden + 2 * hidden * kv + bias * (hidden + 2 * kv)
    layer = attention + 3 * hidden * inner + 2 * hidden
    return (layers * layer + (1 if tied else 2) * vocab * hidden + hidden) / 1e6


def gpt2(hidden: int, layers: int) -> float:
    layer = 12 * hidden * hidden + 13 * hidden
    return (layers * layer + (50257 + 1024) * hidden + 2 * hidden) / 1e6


def mixture(vocab: int, hidden: int, layers: int, inner: int, kv: int, experts: int) -> float:
    layer = 2 * hidden * hidden + 2 * hidden * kv + experts * (3 * hidden * inner + hidden) + 2 * hidden
    return (layers * layer + 2 * vocab * hidden + hidden) / 1e6


@pytest.mark.parametrize(
    ("model", "millions"),
    [
        ("meta-llama/Llama-2-7b-hf", gated(32000, 4096, 32, 11008, 4096)),
        ("meta-llama/Llama-2-13b-chat-hf", gated(32000, 5120, 40, 13824, 5120)),
        ("meta-llama/Llama-2-70b-hf", gated(32000, 8192, 80, 28672, 1024)),
        ("meta-llama/Meta-Llama-3-8B-Instruct", gated(128256, 4096, 32, 14336, 1024)),
        ("meta-llama/Llama-3.1-70B", gated(128256, 8192, 80, 28672, 1024)),
        ("meta-llama/Llama-3.2-1B", gated(128256, 2048, 16, 8192, 512, tied=True)),
        ("meta-llama/Llama-3.2-3B", gated(128256, 3072, 28, 8192, 1024, tied=True)),
        ("mistralai/Mistral-7B-v0.1", gated(32000, 4096, 32, 14336, 1024)),
        ("mistralai/Mixtral-8x7B-v0.1", mixture(32000, 4096, 32, 14336, 1024, 8)),
        ("mistralai/Mixtral-8x22B-v0.1", mixture(32000, 6144, 56, 16384, 1024, 8)),
        ("Qwen/Qwen2.5-0.5B", gated(151936, 896, 24, 4864, 128, tied=True, bias=1)),
        ("Qwen/Qwen2.5-1.5B", gated(151936, 1536, 28, 8960, 256, tied=True, bias=1)),
        ("Qwen/Qwen2.5-3B", gated(151936, 2048, 36, 11008, 256, tied=True, bias=1)),
        ("Qwen/Qwen2.5-7B-Instruct", gated(152064, 3584, 28, 18944, 512, bias=1)),
        ("Qwen/Qwen2.5-14B", gated(152064, 5120, 48, 13824, 1024, bias=1)),
        ("Qwen/Qwen2.5-32B", gated(152064, 5120, 64, 27648, 1024, bias=1)),
        ("Qwen/Qwen2.5-72B-Instruct", gated(152064, 8192, 80, 29568, 1024, bias=1)),
        ("microsoft/Phi-3-mini-4k-instruct", gated(32064, 3072, 32, 8192, 3072)),
        ("openai-community/gpt2", gpt2(768, 12)),
        ("gpt2-medium", gpt2(1024, 24)),
        ("gpt2-large", gpt2(1280, 36)),
        ("gpt2-xl", gpt2(1600, 48)),
    ],
)
def test_listed_counts_follow_from_the_dimensions(model: str, millions: float) -> None:
    listed = parameters(model)
    assert listed is not None and listed <= millions
    assert listed == pytest.approx(millions, rel=0.006)


@pytest.mark.parametrize(
    ("model", "millions"),
    [
        ("EleutherAI/pythia-12b", 10800),
        ("allenai/OLMo-7B", 6300),
        ("TheBloke/Llama-2-13B-chat-GPTQ", 13015),
        ("unsloth/llama-3-8b-bnb-4bit", 8030),
        ("facebook/opt-350m", 315),
        ("Qwen/Qwen1.5-MoE-A2.7B", None),
        ("google/gemma-3n-E4B-it", None),
        ("allenai/OLMoE-1B-7B-0924", None),
        ("./checkpoints/llama-7b", None),
        ("/data/models/llama-7b", None),
        ("someone/my-model-7b", None),
        ("bert-base-uncased", None),
    ],
)
def test_other_names_say_their_size_or_nothing(model: str, millions: float | None) -> None:
    assert parameters(model) == (pytest.approx(millions) if millions is not None else None)


def test_names_that_say_that_the_weights_are_quantized() -> None:
    assert packed_bytes("TheBloke/Llama-2-13B-GPTQ") == 0.25
    assert packed_bytes("neuralmagic/Meta-Llama-3-8B-Instruct-FP8") == 1.0
    assert packed_bytes("meta-llama/Llama-2-7b-hf") is None
