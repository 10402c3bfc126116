"""The GPU that is stated, and the memory that a model takes on it at least."""

from __future__ import annotations

import pytest
from dry_debug.program.program import Program
from dry_debug.spec.model_memory import Load, goes_to_gpu, loads, training_of
from dry_debug.spec.stated_gpu import stated_gpu

from tests.program.model import program

TF = """
import torch
from transformers import AutoModelForCausalLM as Auto, Trainer, TrainingArguments, BitsAndBytesConfig
"""


def stated(asked: str) -> tuple[str, int, int] | None:
    model = program("import torch\n", {"INSTRUCTIONS.md": asked})
    gpu = stated_gpu(model)
    return (gpu.name, gpu.memory, gpu.count) if gpu is not None else None


@pytest.mark.parametrize(
    ("asked", "gpu"),
    [
        ("Hardware: one A100 40GB.", ("A100", 40, 1)),
        ("Hardware: one A100.", ("A100", 80, 1)),
        ("Train on my RTX 4090.", ("RTX 4090", 24, 1)),
        ("Hardware: RTX 3090", ("RTX 3090", 24, 1)),
        ("We have 4 A100s.", ("A100", 80, 4)),
        ("8x V100 32GB", ("V100", 32, 8)),
        ("Use A100s.", None),
        ("Run on our A100 nodes.", None),
        ("Use all GPUs.", None),
        ("CPU only.", None),
        ("A single GPU.", None),
        ("Learning rate 1e-4.", None),
    ],
)
def test_the_stated_gpu(asked: str, gpu: tuple[str, int, int] | None) -> None:
    assert stated(asked) == gpu


@pytest.mark.parametrize(
    ("given", "gpu"),
    [
        ("gpu='A100-80GB:2'", ("A100", 80, 2)),
        ("gpu='t4'", ("T4", 16, 1)),
        ("gpu='any'", None),
        ("gpu=['H100', 'A100']", None),
    ],
)
def test_the_gpu_that_the_code_rents(given: str, gpu: tuple[str, int, int] | None) -> None:
    found = stated_gpu(program(f"import modal\napp = modal.App()\n@app.function({given})\ndef f(): ...\n"))
    assert ((found.name, found.memory, found.count) if found is not None else None) == gpu


def test_two_kinds_that_the_code_rents_state_none() -> None:
    source = "import modal\n@app.function(gpu='T4')\ndef f(): ...\n@app.function(gpu='H100')\ndef g(): ...\n"
    assert stated_gpu(program(source)) is None


def only(model: Program) -> Load | None:
    found = list(loads(model))
    assert len(found) == 1
    return found[0] if isinstance(found[0], Load) else None


@pytest.mark.parametrize(
    ("given", "width"),
    [
        ("torch_dtype=torch.float32", 4.0),
        ("dtype=torch.bfloat16", 2.0),
        ("torch_dtype='float16'", 2.0),
        ("torch_dtype='auto'", 2.0),
        ("torch_dtype=pick()", 2.0),
        ("trust_remote_code=True", 2.0),
        ("load_in_8bit=True", 1.0),
        ("load_in_4bit=True", 0.5),
        ("load_in_4bit=False, torch_dtype=torch.float32", 4.0),
        ("quantization_config=BitsAndBytesConfig(load_in_8bit=True)", 1.0),
        ("quantization_config=made", 0.25),
        ("max_memory={0: '10GiB'}", None),
        ("**more", None),
    ],
)
def test_bytes_of_a_weight_at_least(given: str, width: float | None) -> None:
    load = only(program(f"{TF}model = Auto.from_pretrained('meta-llama/Llama-2-7b-hf', {given})\n"))
    assert (load.width if load is not None else None) == width


@pytest.mark.parametrize(
    ("version", "width"),
    [
        ("4.46.0", 4.0),
        ("==4.46", 4.0),
        ("~=4.40", 4.0),
        (">=4.40,<5", 4.0),
        (">=4.40", 2.0),
        ("5.1.0", 2.0),
        (None, 2.0),
    ],
)
def test_the_default_type_depends_on_the_version(
    version: str | None, width: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = program(f"{TF}model = Auto.from_pretrained('meta-llama/Llama-2-7b-hf')\n")
    monkeypatch.setattr(type(model.host), "version", lambda self, package: version)
    load = only(model)
    assert load is not None and load.width == width


@pytest.mark.parametrize(
    ("rest", "bytes_"),
    [
        ("Trainer(model=model, args=TrainingArguments('out')).train()", 2 + 4),
        ("t = Trainer(model, TrainingArguments('out'))\nt.train()", 2 + 4),
        ("Trainer(model=model, args=TrainingArguments('out', optim='adamw_8bit')).train()", 2 + 2),
        ("Trainer(model=model, args=TrainingArguments('out', optim='paged_adamw_32bit')).train()", 2),
        ("Trainer(model=model, args=TrainingArguments('out', optim='adafactor')).train()", 2),
        ("Trainer(model=model, args=TrainingArguments('out', optim=chosen)).train()", 2),
        ("Trainer(model=model, args=TrainingArguments('out', deepspeed='z.json')).train()", None),
        ("Trainer(model=model, args=parsed).train()", None),
        ("for p in model.parameters(): p.requires_grad = False\nTrainer(model=model).train()", None),
        ("opt = torch.optim.SGD(model.parameters())\nmodel(x).sum().backward()\nopt.step()", 2),
        ("opt = torch.optim.AdamW(model.parameters())\nmodel(x).sum().backward()\nopt.step()", 2 + 4),
        ("opt = torch.optim.AdamW(other.parameters())\nother(x).sum().backward()\nopt.step()", None),
    ],
)
def test_gradients_and_state_of_a_training(rest: str, bytes_: float | None) -> None:
    model = program(
        f"{TF}model = Auto.from_pretrained('meta-llama/Llama-2-7b-hf', torch_dtype=torch.bfloat16)\n{rest}\n"
    )
    load = only(model)
    assert load is not None
    training = training_of(load, model)
    counted = None if training is None or isinstance(training, str) else training.gradients + training.state
    assert counted == bytes_


@pytest.mark.parametrize(
    ("given", "rest", "there"),
    [
        ("device_map='auto'", "", False),
        ("device_map='cuda'", "", True),
        ("device_map={'': 0}", "", True),
        ("device_map=where", "", False),
        ("", "model.cuda()", True),
        ("", "model.to('cuda:1')", True),
        ("", "model.to('cpu')", False),
        ("", "device = 'cuda' if torch.cuda.is_available() else 'cpu'\nmodel.to(device)", True),
        ("", "other.cuda()", False),
        ("", "", False),
    ],
)
def test_a_model_is_on_the_gpu_only_where_the_code_puts_it_there(given: str, rest: str, there: bool) -> None:
    model = program(f"{TF}model = Auto.from_pretrained('meta-llama/Llama-2-7b-hf', {given})\n{rest}\n")
    load = only(model)
    assert load is not None and goes_to_gpu(load, model) is there


@pytest.mark.parametrize(
    ("given", "devices", "share", "width"),
    [
        ("", 1, 0.9, 2.0),
        ("tensor_parallel_size=2, pipeline_parallel_size=2", 4, 0.9, 2.0),
        ("gpu_memory_utilization=0.5", 1, 0.5, 2.0),
        ("gpu_memory_utilization=free()", 1, 1.0, 2.0),
        ("quantization='awq'", 1, 0.9, 0.25),
        ("dtype='float32'", 1, 0.9, 4.0),
    ],
)
def test_an_engine_takes_a_share_of_its_cards(given: str, devices: int, share: float, width: float) -> None:
    load = only(program(f"from vllm import LLM\nllm = LLM(model='meta-llama/Llama-2-7b-hf', {given})\n"))
    assert load is not None and (load.devices, load.share, load.width) == (devices, share, width)


def test_what_cannot_be_seen_is_not_counted() -> None:
    for given in ("tensor_parallel_size=count()", "cpu_offload_gb=8", "**settings"):
        assert only(program(f"from vllm import LLM\nllm = LLM(model='meta-llama/Llama-2-7b-hf', {given})\n")) is None
    assert only(program(f"{TF}if big:\n    model = Auto.from_pretrained('meta-llama/Llama-2-7b-hf')\n")) is None
