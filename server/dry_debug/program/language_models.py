"""What is known of published language models by their hub ids: pad token, padding side, dropout. Data, no analysis.

Sources, read in November 2026: the tokenizer files of the hub (`tokenizer_config.json`, `special_tokens_map.json`) as
they are printed in public notebooks and issues (`Qwen2TokenizerFast(name_or_path='Qwen/Qwen1.5-1.8B-Chat', ...,
padding_side='right', ... 'pad_token': '<|endoftext|>')`, `GPTNeoXTokenizerFast(name_or_path='EleutherAI/gpt-neox-20b',
..., padding_side='right'`, no pad token; Mistral's and Phi-3's print 'left'), the tokenizer classes of transformers
(`padding_side` is "right" unless a class or a model's file says otherwise), and the dropout and `vocab_size` defaults
of its configuration classes. What could not be told is None, and rules stay silent.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

Side = Literal["left", "right"]


@dataclass(frozen=True, slots=True)
class Family:
    """Facts about the models of one family; None where they differ or are not known."""

    name: str  # as people say it
    ids: str  # regular expression over the whole hub id in lower case
    pad_token: bool | None  # whether its tokenizer comes with one
    side: Side | None  # where its tokenizer pads by default
    decoder_only: bool
    dropout: bool | None  # whether a layer drops something in train mode
    spare: bool | None = None  # whether its embedding has more rows than its tokenizer has tokens


FAMILIES: tuple[Family, ...] = (
    Family("GPT-2", r"(openai-community/)?gpt2(-medium|-large|-xl)?", False, "right", True, True, False),
    Family("DistilGPT-2", r"(distilbert/)?distilgpt2", False, "right", True, True, False),
    Family("GPT", r"(openai-community/)?openai-gpt", False, "right", True, True, False),
    Family("DialoGPT", r"microsoft/dialogpt-(small|medium|large)", False, "right", True, True, False),
    Family("GPT-Neo", r"eleutherai/gpt-neo-.*", False, "right", True, False, False),
    Family("GPT-J", r"eleutherai/gpt-j-6b", False, "right", True, False, True),
    Family("GPT-NeoX", r"eleutherai/(gpt-neox-20b|pythia-.*)", False, "right", True, False, True),
    Family("Cerebras-GPT", r"cerebras/cerebras-gpt-.*", False, "right", True, False),
    Family("LLaMA", r"huggyllama/llama-\d+b", False, None, True, False, False),
    Family("Llama 2", r"meta-llama/llama-2-\d+b(-chat)?-hf", False, "right", True, False, False),
    Family("Code Llama", r"(codellama|meta-llama)/codellama-\d+b(-python|-instruct)?-hf", False, None, True, False),
    Family("Llama 3", r"meta-llama/(meta-)?llama-3(\.[12])?-\d+b(-instruct)?", False, "right", True, False, False),
    Family("Mistral", r"mistralai/mistral-7b-(instruct-)?v0\.[123]", False, None, True, False, False),
    Family("Mixtral", r"mistralai/mixtral-8x(7|22)b-(instruct-)?v0\.1", False, None, True, False, False),
    Family("Falcon", r"tiiuae/falcon-(7b|40b)(-instruct)?", False, "right", True, False),
    Family("Phi", r"microsoft/phi-(1|1_5|2)", False, "right", True, None, True),
    Family("CodeGen", r"salesforce/codegen-\d+[mb]-(mono|multi|nl)", False, "right", True, False),
    Family("StarCoder", r"bigcode/starcoder(base)?(-[137]b)?", False, "right", True, None),
    Family("OPT", r"facebook/opt-.*", True, "right", True, True, True),
    Family("BLOOM", r"bigscience/bloomz?(-.*)?", True, "left", True, False, True),
    Family("Qwen", r"qwen/qwen(1\.5|2|2\.5)-((coder|math)-)?[\d.]+b(-chat|-instruct)?", True, "right", True, False,
           True),
    Family("TinyLlama", r"tinyllama/tinyllama-1\.1b-.*", True, "right", True, False),
    Family("Gemma", r"google/gemma-.*", True, "left", True, False),
    Family("T5", r"((google-t5|google)/)?(flan-|m|long-|by)?t5-.*", True, "right", False, True, True),
    Family("BART", r"facebook/m?bart-.*", True, "right", False, True),
    Family("BERT", r"(google-bert/)?bert-(base|large)-.*", True, "right", False, True, False),
    Family("RoBERTa", r"((facebookai)/)?(xlm-)?roberta-(base|large).*", True, "right", False, True, False),
    Family("DistilBERT", r"(distilbert/)?distil(bert|roberta)-base.*", True, "right", False, True, False),
    Family("DeBERTa", r"microsoft/m?deberta-.*", True, "right", False, True, True),
    Family("ELECTRA", r"google/electra-.*", True, "right", False, True, False),
)  # fmt: skip
_PATTERNS = tuple((re.compile(family.ids), family) for family in FAMILIES)


@lru_cache(maxsize=512)
def family_of(model_id: str) -> Family | None:
    """The family of a hub id (`meta-llama/Llama-2-7b-hf`); None for local folders and models that are not listed."""
    lowered = model_id.lower()
    return next((family for pattern, family in _PATTERNS if pattern.fullmatch(lowered)), None)


# Models that were tuned on conversations in a template that their tokenizer holds.
_CHAT = re.compile(
    r"meta-llama/(llama-2-\d+b-chat-hf|(meta-)?llama-3(\.\d)?-\d+b-instruct)"
    r"|qwen/qwen[\d.]*-(math-|coder-)?[\d.]+b-(chat|instruct)"
    r"|mistralai/(mistral-7b|mixtral-8x(7|22)b|mistral-nemo|mistral-small)-instruct-.*"
    r"|google/gemma-[\d.]*-?\d+b-it"
    r"|microsoft/phi-3(\.5)?-(mini|small|medium)-.*instruct"
    r"|huggingfaceh4/zephyr-7b-.*|tinyllama/tinyllama-1\.1b-chat-.*|huggingfacetb/smollm2?-.*-instruct"
    r"|deepseek-ai/deepseek-(llm-)?.*-chat|01-ai/yi-.*-chat"
)


def is_chat_model(model_id: str) -> bool:
    """Whether a hub id is that of a model that expects its chat template."""
    return _CHAT.fullmatch(model_id.lower()) is not None
