"""What a prompt asks for, and where SGLang is told how long an answer may get."""

import ast

import pytest
from dry_debug.program.prompt_texts import texts
from dry_debug.program.sglang_calls import Unlimited, engine_call, engine_calls, request, requests

from tests.program.model import program

ENGINE = "import sglang as sgl\nengine = sgl.Engine(model_path=path)\n"


def asked(source: str) -> tuple[bool, bool, bool]:
    """(long, short, whole) of what the last statement's call is given."""
    read = program(source)
    call = read.index.module.node.body[-1].value  # type: ignore[union-attr]
    assert isinstance(call, ast.Call)
    found = texts([(call.args[0], read.scope(call))], read)
    return found.long, found.short, found.whole


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ('ask("Explain why")', (True, False, True)),
        ('ask("Explain why, in one sentence")', (True, True, True)),
        ('ask("Is it so? Yes or no: " + claim)', (False, True, False)),
        ('ask("Who was it?")', (False, True, True)),
        ('ask(f"Who was {person}?")', (False, False, False)),
        ('ask("The sky is")', (False, False, True)),
        ('form = "Describe {}"\nask(form.format("it"))', (True, False, True)),
        ('ask([{"role": "user", "content": "Write a poem"}])', (True, False, True)),
        ('ask([f"{one}: yes or no?" for one in claims])', (False, True, False)),
    ],
)
def test_what_a_prompt_asks_for(source: str, expected: tuple[bool, bool, bool]) -> None:
    assert asked(source) == expected


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("engine.generate(prompts)", True),
        ("engine.generate(prompts, None)", True),
        ("engine.generate(prompts, {'temperature': 0})", True),
        ("engine.generate(prompts, {'temperature': 0, 'stop': ['</answer>']})", True),
        ("engine.generate(prompts, {'temperature': 0, 'stop': ['.']})", False),
        ("engine.generate(prompts, {'temperature': 0, 'max_new_tokens': 8})", False),
        ("engine.generate(prompts, {'temperature': 0, 'ignore_eos': True})", False),
        ("engine.generate(prompts, {'temperature': 0, 'of_mine': 1})", False),
        ("engine.generate(prompts, {'temperature': 0, **more})", False),
        ("engine.generate(prompts, settings)", False),
        ("engine.generate(prompts, **options)", False),
        ("engine.generate(prompts, return_hidden_states=True)", False),
        ("s = {'top_p': 1}\nengine.generate(prompts, s)", True),
        ("s = {'top_p': 1}\ns['max_new_tokens'] = 9\nengine.generate(prompts, s)", False),
        ("s = {'top_p': 1}\ns.update(options)\nengine.generate(prompts, s)", False),
    ],
)
def test_an_engine_that_is_told_no_length(source: str, found: bool) -> None:
    read = program(ENGINE + source)
    (call,) = engine_calls(read)
    assert isinstance(engine_call(call, read), Unlimited) is found


@pytest.mark.parametrize(
    ("url", "body", "found"),
    [
        ("base + '/generate'", "{'text': t, 'sampling_params': {'top_p': 1}}", True),
        ("f'{base}/generate'", "{'text': t, 'sampling_params': {'max_new_tokens': 9}}", False),
        ("base + '/generate'", "{'text': t, 'sampling_params': settings}", False),
        ("base + '/generate'", "{'text': t}", False),  # any server may take that
        ("base + '/generate'", "{'prompt': t, 'sampling_params': {'top_p': 1}}", False),
    ],
)
def test_a_request_that_tells_no_length(url: str, body: str, found: bool) -> None:
    read = program(f"import requests\nrequests.post({url}, json={body})")
    (call,) = requests(read)
    assert isinstance(request(call, read), Unlimited) is found
    assert not list(requests(program(f"import requests\nrequests.post(base + '/completions', json={body})")))
