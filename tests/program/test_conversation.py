"""Where a program talks with a language model, and which models were taught to answer."""

import pytest
from dry_debug.program.conversation import talks
from dry_debug.program.language_models import chat_version, is_chat_model

from tests.program.model import program

PIPE = 'from transformers import pipeline\nbot = pipeline("text-generation", model="some/model")\n'
MODEL = """
from transformers import AutoModelForCausalLM, AutoTokenizer
tok = AutoTokenizer.from_pretrained("some/model")
net = AutoModelForCausalLM.from_pretrained("some/model")
"""


def signs(source: str) -> list[tuple[str, str]]:
    return [(talk.model_id, talk.sign) for talk in talks(program(source))]


@pytest.mark.parametrize(
    ("source", "sign"),
    [
        (PIPE + 'bot([{"role": "user", "content": text}])', "messages"),
        (PIPE + 'bot(f"User: {input()}")', ""),  # no words: what it asks for nobody knows
        (PIPE + 'said = input("Ask me: ")\nbot("Q: " + said.strip())', "typed"),
        (PIPE + 'def ask():\n    return input("You: ")\nbot(ask())', "typed"),
        (PIPE + 'bot(open(input("path of the text: ")).read())', ""),
        (PIPE + 'bot("You are a friendly, patient assistant. " + question)', "role"),
        (PIPE + 'bot("You are what you eat")', ""),
        (MODEL + "net.generate(tok.apply_chat_template(turns, return_tensors='pt'))", "template"),
        (MODEL + "text = tok.apply_chat_template(turns, tokenize=False)\nnet.generate(**tok(text))", "template"),
        (MODEL + "net.generate(**tok('Once upon a time'))", ""),
        ("from vllm import LLM\nllm = LLM('some/model')\nllm.chat(turns)", "messages"),
        ("from vllm import LLM\nllm = LLM(model='some/model')\nllm.generate(prompts)", ""),
    ],
)
def test_signs_of_a_conversation(source: str, sign: str) -> None:
    assert signs(source) == ([("some/model", sign)] if sign else [])


def test_a_base_model_and_the_chat_model_of_its_family() -> None:
    for base, tuned in (
        ("meta-llama/Llama-2-7b-hf", "meta-llama/Llama-2-7b-chat-hf"),
        ("meta-llama/Meta-Llama-3-8B", "meta-llama/Meta-Llama-3-8B-Instruct"),
        ("Qwen/Qwen2.5-0.5B", "Qwen/Qwen2.5-0.5B-Instruct"),
        ("google/gemma-2-9b", "google/gemma-2-9b-it"),
        ("mistralai/Mistral-7B-v0.3", "mistralai/Mistral-7B-Instruct-v0.3"),
    ):
        assert chat_version(base) == tuned
        assert is_chat_model(tuned)
        assert chat_version(tuned) is None
    assert chat_version("gpt2") == ""
    for other in ("./gpt2", "my/Llama-2-7b-hf", "HuggingFaceH4/zephyr-7b-beta", "microsoft/DialoGPT-medium"):
        assert chat_version(other) is None
