"""Which call of a model wrote a text, followed through names, helpers, loops and lists."""

from __future__ import annotations

import ast

import pytest
from dry_debug.program.generated_text import written_by

from tests.program.model import program

HEAD = "from vllm import LLM\nimport sglang as sgl\nfrom transformers import pipeline\nllm = LLM('m')\n"


def written(source: str, files: dict[str, str] | None = None) -> str | None:
    model = program(HEAD + source, files)
    call = next(c for c in model.index.calls if isinstance(c.func, ast.Name) and c.func.id == "parse")
    found = written_by(call.args[0], call, model)
    return found.engine if found is not None else None


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("parse(llm.generate('p')[0].outputs[0].text)\n", "vllm"),
        ("for i, out in enumerate(llm.chat(ps)):\n    text = out.outputs[0].text.strip()\n    parse(text)\n", "vllm"),
        ("for p, out in zip(ps, llm.generate(ps)):\n    parse(out.outputs[0].text)\n", "vllm"),
        ("for p, out in zip(ps, llm.generate(ps)):\n    parse(p)\n", None),
        (
            "texts = []\nfor o in llm.chat(ps):\n    texts.append(o.outputs[0].text)\nfor t in texts:\n    parse(t)\n",
            "vllm",
        ),
        ("[parse(o.outputs[0].text) for o in llm.generate(ps)]\n", "vllm"),
        ("parse(llm.generate(ps)[0].prompt)\n", None),
        ("e = sgl.Engine(model_path='m')\nparse(e.generate('p')['text'])\n", "sglang"),
        ("@sgl.function\ndef f(s):\n    s += sgl.gen('a')\nparse(f.run()['a'])\n", "sglang"),
        ("pipe = pipeline('text-generation')\nparse(pipe('p')[0]['generated_text'])\n", "transformers"),
        ("pipe = pipeline('summarization')\nparse(pipe('p')[0]['summary_text'])\n", None),
        ("def ask(p):\n    return llm.generate(p)[0].outputs[0].text, 3\ntext, n = ask('p')\nparse(text)\n", "vllm"),
        ("def ask(p):\n    return llm.generate(p)[0].outputs[0].text, p\ntext, n = ask('p')\nparse(n)\n", None),
        ("def f(t):\n    return parse(t)\nf(llm.generate('p')[0].outputs[0].text)\n", "vllm"),
        ("def f(t):\n    return t\nf(llm.generate('p'))\nparse(f(open('x').read()))\n", None),
        ("parse(open('f').read())\n", None),
    ],
)
def test_who_wrote_a_text(source: str, expected: str | None) -> None:
    assert written(source) == expected


def test_a_model_in_another_file() -> None:
    files = {
        "ask.py": "from vllm import LLM\nllm = LLM('m')\ndef ask(p):\n    return llm.generate(p)[0].outputs[0].text\n"
    }
    assert written("from ask import ask\nparse(ask('p'))\n", files) == "vllm"
