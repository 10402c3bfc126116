"""What is known of published language models by their hub ids: pad token, padding side, dropout. Data, no analysis.

Read in November 2026; what was not read in one of these places is None, and rules stay silent.

- Pad tokens: files of the hub as they are shown on huggingface.co, `tokenizer_config.json` of EleutherAI/gpt-j-6b
  (b71ae8b), pythia-160m and tiiuae/falcon-7b (0e1d70b), `special_tokens_map.json` of microsoft/phi-2 (3fee371),
  unchanged copies of those of DialoGPT-medium, gpt-neo-1.3B, Mistral-7B-v0.1, Mistral-7B-Instruct-v0.1 and v0.2,
  Meta-Llama-3-8B and Llama-3.1-70B-Instruct; reports of "Asking to pad": nod-ai/AMD-SHARK-ModelDev 938 (gpt2,
  distilgpt2), huggingface/trl 466 (GPT), lm-sys/FastChat 3266 (Llama 3), ayminovitch/fine-tune-codebase 2
  (CodeLlama-7b-hf), lyogavin/airllm 77 (Mixtral-8x7B-v0.1), ai-forever/MERA 9 (Mistral-7B-v0.1),
  huggingface/transformers 22312 (LLaMA), a training script with Llama-3.2-1B. The other half is the default of the
  tokenizer's class in transformers 4.57.1 and 5.23.0: GPT2Tokenizer, CodeGenTokenizer (Phi-2) and LlamaTokenizer have
  none; GPTNeoXTokenizer (Pythia) has none in version 4 and `<|padding|>` in version 5.
- Sides: `padding_side` is "right" unless a class (LlamaTokenizerFast, GemmaTokenizerFast: "left") or a model's file
  says otherwise (Llama 2: "right", BLOOM: "left"), and tokenizers as notebooks print them (GPT-2, GPT-NeoX, OPT,
  Qwen1.5).
- Dropout and rows: the defaults of `configuration_*.py` of transformers 4.57.1 (the files of single models were not
  read); sizes of tokenizers as they are printed (GPT-2 and DistilGPT-2 50257, uncased BERT and DistilBERT
  30522, Llama 2 32000) and the first id of an added token (GPT-Neo 50257, Mistral 32000).
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Literal

from dry_debug.program.version_range import number, parse
from dry_debug.records import dataclass

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
    pad_token_from: str | None = None  # the version of transformers from which on its tokenizer comes with one

    def has_pad_token(self, transformers: str | None) -> bool | None:
        """Whether its tokenizer comes with a pad token under `transformers` (a version or a condition on it)."""
        if self.pad_token_from is None or transformers is None:
            return self.pad_token
        allowed = parse(transformers)
        return False if allowed is not None and allowed.all_before(number(self.pad_token_from)) else self.pad_token


FAMILIES: tuple[Family, ...] = (
    Family("GPT-2", r"(openai-community/)?gpt2(-medium|-large|-xl)?", False, "right", True, True, False),
    Family("DistilGPT-2", r"(distilbert/)?distilgpt2", False, "right", True, True, False),
    Family("GPT", r"(openai-community/)?openai-gpt", False, "right", True, True),
    Family("DialoGPT", r"microsoft/dialogpt-(small|medium|large)", False, "right", True, True),
    Family("GPT-Neo", r"eleutherai/gpt-neo-.*", False, "right", True, False, False),
    Family("GPT-J", r"eleutherai/gpt-j-6b", False, "right", True, False, True),
    Family("GPT-NeoX", r"eleutherai/(gpt-neox-20b|pythia-.*)", None, "right", True, False, True, "5"),
    Family("Llama 2", r"meta-llama/llama-2-\d+b(-chat)?-hf", False, "right", True, False, False),
    Family("Code Llama", r"codellama/codellama-(7|13|34)b(-python|-instruct)?-hf", False, None, True, False),
    Family("Llama 3", r"meta-llama/(meta-)?llama-3(\.[12])?-\d+b(-instruct)?", False, "right", True, False),
    Family("Mistral", r"mistralai/mistral-7b-(v0\.1|instruct-v0\.[12])", False, None, True, False, False),
    Family("Mixtral", r"mistralai/mixtral-8x7b-(instruct-)?v0\.1", False, None, True, False),
    Family("Falcon", r"tiiuae/falcon-7b", False, "right", True, False),
    Family("Phi-2", r"microsoft/phi-2", False, "right", True, None, True),
    Family("OPT", r"facebook/opt-.*", True, "right", True, True, True),
    Family("BLOOM", r"bigscience/bloomz?(-.*)?", True, "left", True, False, True),
    Family("Qwen", r"qwen/qwen(1\.5|2|2\.5)-((coder|math)-)?[\d.]+b(-chat|-instruct)?", True, "right", True, False,
           True),
    Family("Gemma", r"google/gemma-.*", True, "left", True, False),
    Family("T5", r"((google-t5|google)/)?(flan-|m|long-|by)?t5-.*", True, "right", False, True, True),
    Family("BART", r"facebook/m?bart-.*", True, "right", False, True),
    Family("BERT", r"(google-bert/)?bert-(base|large)-uncased(-whole-word-masking.*)?", True, "right", False, True,
           False),
    Family("BERT cased", r"(google-bert/)?bert-(base|large)-(cased(-whole-word-masking.*)?|chinese|multilingual-cased)",
           True, "right", False, True),
    Family("RoBERTa", r"((facebookai)/)?(xlm-)?roberta-(base|large).*", True, "right", False, True),
    Family("DistilBERT", r"(distilbert/)?distilbert-base-uncased.*", True, "right", False, True, False),
    Family("DistilBERT cased", r"(distilbert/)?distilbert-base-cased.*", True, "right", False, True),
    Family("DistilRoBERTa", r"(distilbert/)?distilroberta-base.*", True, "right", False, True),
    Family("DeBERTa", r"microsoft/m?deberta-.*", True, "right", False, True, True),
    Family("ELECTRA", r"google/electra-.*", True, "right", False, True),
)  # fmt: skip
_PATTERNS = tuple((re.compile(family.ids), family) for family in FAMILIES)


@lru_cache(maxsize=512)
def family_of(model_id: str) -> Family | None:
    """The family of a hub id (`meta-llama/Llama-2-7b-hf`); None for local folders and models that are not listed."""
    lowered = model_id.lower()
    return next((family for pattern, family in _PATTERNS if pattern.fullmatch(lowered)), None)


# Models that were tuned on conversations in a template that their tokenizer holds. Read in: the chapter on chat
# templates of the transformers documentation (Mistral, Zephyr), transformers (`pipelines/text_generation.py`: Zephyr;
# the Llama tokenizer of 4.40.2: Llama 2), the example of `LLM.chat` of vLLM (Llama 3), `generate_tiny_models` and
# `test_data_utils.py` of TRL, which apply their templates (Llama 3.1 and 3.2, Qwen2.5, Gemma 1 and 2, Phi-3 and 3.5);
# TinyLlama by its use with `apply_chat_template` in public code.
_CHAT = re.compile(
    r"(meta-llama/)?(llama-2-\d+b-chat-hf|(meta-)?llama-3(\.[12])?-\d+b-instruct)"
    r"|(qwen/)?qwen2\.5-[\d.]+b-instruct"
    r"|(mistralai/)?mistral-7b-instruct-.*"
    r"|(google/)?gemma-(2-)?\d+b-it"
    r"|(microsoft/)?phi-3(\.5)?-mini-.*instruct"
    r"|(huggingfaceh4/)?zephyr-7b-.*"
    r"|(tinyllama/)?tinyllama-1\.1b-chat-v1\.0"
)


def is_chat_model(model_id: str) -> bool:
    """Whether a hub id, or a folder with the name of one, is that of a model that expects its chat template."""
    lowered = model_id.lower().rstrip("/\\")
    return _CHAT.fullmatch(lowered) is not None or _CHAT.fullmatch(re.split(r"[/\\]", lowered)[-1]) is not None


# Models whose published generation config names a length (`max_length`, `max_new_tokens`), as far as it is known from
# their files or from general knowledge; where that is not sure, they stand here too, and rules stay silent.
_OWN_LENGTH = re.compile(
    r".*(llama-?2|meta-llama-3-|vicuna|baichuan|chatglm|internlm|tinyllama|qwen-(1[._]8|7|14|72)b|openchat|hermes"
    r"|bart|pegasus|mbart|nllb|marian|opus-mt|m2m|blenderbot|whisper|blip|led-|prophetnet|led_|longformer).*"
)
# Families whose models come without one: those above that are listed, and the T5 models of Google.
_WITHOUT = frozenset(
    ("GPT-2", "DistilGPT-2", "GPT", "GPT-Neo", "GPT-J", "GPT-NeoX", "Mistral", "Mixtral", "Falcon", "Phi-2", "OPT",
     "BLOOM", "Qwen", "Gemma", "T5")
)  # fmt: skip


def length_of_its_own(model_id: str) -> bool | None:
    """Whether a published model comes with a length for what it generates; None where that is not known."""
    if _OWN_LENGTH.fullmatch(model_id.lower()):
        return True
    family = family_of(model_id)
    return False if family is not None and family.name in _WITHOUT else None


# Base models -> what their makers call the model that they tuned on conversations; "" where there is none of the same
# name. The tuned ids are those above; that base models have no template of their own: sgl-project/sglang 3385 (Llama
# 3.2), langchain-ai/langchain 29126 (Llama 3.2), and huggingface/transformers 33246, since when no tokenizer gets a
# template by default; of Qwen2.5 both kinds are listed by the makers, the base ones for completion and fine-tuning.
_BASE: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern, re.IGNORECASE), tuned)
    for pattern, tuned in (
        (r"(meta-llama/Llama-2-\d+b)-hf", r"\1-chat-hf"),
        (r"(meta-llama/(?:Meta-)?Llama-3(?:\.[12])?-\d+B)", r"\1-Instruct"),
        (r"(Qwen/Qwen2\.5-(?:Coder-|Math-)?[\d.]+B)", r"\1-Instruct"),
        (r"(mistralai/Mistral-7B)-v0\.1", r"\1-Instruct-v0.2"),
        (r"(mistralai/Mistral-7B)-v0\.3", r"\1-Instruct-v0.3"),
        (r"(google/gemma-(?:2-)?\d+b)", r"\1-it"),
        (r"(?:openai-community/)?gpt2(?:-medium|-large|-xl)?", ""),
        (r"(?:distilbert/)?distilgpt2", ""),
        (r"EleutherAI/(?:gpt-neo-.*|gpt-j-6b|gpt-neox-20b|pythia-[\d.]+[bm](?:-deduped)?)", ""),
        (r"facebook/opt-[\d.]+[bm]", ""),
        (r"bigscience/bloom(?:-.*)?", ""),
    )
)


@lru_cache(maxsize=512)
def chat_version(model_id: str) -> str | None:
    """The hub id of the chat model of a base model's makers, "" if there is none; None for any other model."""
    for pattern, tuned in _BASE:
        match = pattern.fullmatch(model_id)
        if match is not None:
            return match.expand(tuned)
    return None


_NAMED_BASE = re.compile(f"""["'](?:{"|".join(pattern.pattern for pattern, _ in _BASE)})["']""", re.IGNORECASE)


def names_base_model(source: str) -> bool:
    """Whether a text of a program holds the hub id of a base model, as a string of its own."""
    return _NAMED_BASE.search(source) is not None


# Models that are trained to answer with one JSON object in a form of their own and nothing else (their model cards).
_WRITES_JSON = re.compile(r"nuextract|olmocr|readerlm|xlam", re.IGNORECASE)


def writes_json(model_id: str) -> bool:
    """Whether a model writes JSON by its training, whatever it is asked."""
    return _WRITES_JSON.search(model_id) is not None
