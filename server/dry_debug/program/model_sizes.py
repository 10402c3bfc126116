"""How many parameters published models have, by their hub ids. Data, no analysis.

Counts in millions, all layers and embeddings, shared ones once, rounded down in the last digit. They follow from the
dimensions in each model's `config.json`; `tests/program/test_model_sizes.py` computes a dozen of them again. Where a
name states a size and the family is known, but the model is not listed, nine tenths of that size is the answer: names
round up by less. Names that state active experts (`A3B`) or effective sizes (`E4B`) are answered only where they are
listed.
"""

from __future__ import annotations

import re
from functools import lru_cache

# Regular expression over the id without its owner, in lower case <- millions of parameters.
_LISTED: dict[str, float] = {
    r"(meta-)?llama-2-7b(-chat)?|llama-7b|vicuna-7b-v1\.[135]|codellama-7b(-\w+)?": 6738,
    r"llama-2-13b(-chat)?|llama-13b|vicuna-13b-v1\.[135]|codellama-13b(-\w+)?": 13015,
    r"codellama-34b(-\w+)?": 33743,
    r"llama-2-70b(-chat)?": 68976,
    r"(meta-)?llama-3(\.1)?-8b(-instruct)?": 8030,
    r"(meta-)?llama-3(\.[13])?-70b(-instruct)?": 70553,
    r"(meta-)?llama-3\.1-405b(-instruct)?": 405853,
    r"llama-3\.2-1b(-instruct)?": 1235,
    r"llama-3\.2-3b(-instruct)?": 3212,
    r"mistral-7b(-instruct)?-v0\.[123]|zephyr-7b-(alpha|beta)|openhermes-2\.5-mistral-7b": 7241,
    r"mistral-nemo-(base|instruct)-2407": 12247,
    r"mixtral-8x7b(-instruct)?-v0\.1": 46702,
    r"mixtral-8x22b(-instruct)?-v0\.[13]": 140620,
    r"qwen2\.5(-coder)?-0\.5b(-instruct)?|qwen2-0\.5b(-instruct)?": 494,
    r"qwen2(\.5)?(-coder|-math)?-1\.5b(-instruct)?": 1543,
    r"qwen2\.5(-coder)?-3b(-instruct)?": 3085,
    r"qwen2(\.5)?(-coder|-math)?-7b(-instruct)?": 7615,
    r"qwen2\.5(-coder)?-14b(-instruct)?": 14770,
    r"qwen2\.5(-coder)?-32b(-instruct)?|qwq-32b(-preview)?": 32763,
    r"qwen2(\.5)?(-math)?-72b(-instruct)?": 72706,
    r"qwen3-8b(-base)?": 8190,
    r"qwen3-14b(-base)?": 14768,
    r"qwen3-32b": 32762,
    r"qwen3-30b-a3b(-base|-instruct-2507|-thinking-2507)?": 30532,
    r"qwen3-235b-a22b(-instruct-2507|-thinking-2507)?": 235093,
    r"gemma-2b(-it)?": 2506,
    r"gemma-7b(-it)?": 8537,
    r"gemma-2-2b(-it)?": 2614,
    r"gemma-2-9b(-it)?": 9241,
    r"gemma-2-27b(-it)?": 27227,
    r"phi-2": 2779,
    r"phi-3(\.5)?-mini(-\d+k)?-instruct": 3821,
    r"phi-3-medium-\d+k-instruct": 13960,
    r"phi-4": 14659,
    r"falcon-7b(-instruct)?": 7217,
    r"falcon-40b(-instruct)?": 41303,
    r"falcon-180b(-chat)?": 179522,
    r"gpt2": 124,
    r"gpt2-medium": 354,
    r"gpt2-large": 774,
    r"gpt2-xl": 1557,
    r"gpt-j-6b": 6050,
    r"gpt-neox-20b": 20554,
    r"opt-6\.7b": 6658,
    r"opt-13b": 12853,
    r"opt-30b": 29974,
    r"opt-66b": 65719,
    r"bloomz?-7b1": 7069,
    r"bloomz?": 176247,
    r"flan-t5-xl|t5-3b|t0_3b": 2849,
    r"flan-t5-xxl|t5-11b": 11135,
    r"deepseek-v3(-base|-0324)?|deepseek-r1(-0528)?": 671026,
}
_PATTERNS = tuple((re.compile(pattern), millions) for pattern, millions in _LISTED.items())
# Families whose names state the number of all parameters ("-7B", "-560m").
_STATED = re.compile(
    r"^(?:(?:meta-)?llama|codellama|open_llama|tinyllama|vicuna|mistral|zephyr|qwen|qwq|gemma|phi|falcon|gpt-neo|gpt-j|"
    r"opt|bloom|pythia|mpt|olmo|yi|deepseek-(?:llm|coder|math|r1-distill)|starcoder|smollm|stablelm|internlm|baichuan|"
    r"codegemma|granite|wizardlm|wizardcoder|alpaca|guanaco|xglm|galactica|cerebras-gpt|redpajama|nous-hermes)"
)
_NOT_ALL = re.compile(r"\d+x\d|-a\d+(?:\.\d+)?b|-e\d+b|moe|1b-7b")
_SIZE = re.compile(r"(?<![\w.])(\d+(?:\.\d+)?)-?([bm])(?![a-z0-9])")
_PACKED = re.compile(
    r"(?:[-_](?:hf|gptq|awq|gguf|ggml|bnb|\d-?bit|int[48]|fp8(?:-dynamic)?|w[48]a\d+|unsloth|quantized|g\d+))+\Z"
)
_SMALL = re.compile(r"gptq|awq|gguf|ggml|bnb|[2348]-?bit|int[48]|w[48]a\d|quanti[sz]ed|nf4|mxfp4|exl2|hqq|1bit")


@lru_cache(maxsize=512)
def parameters(model_id: str) -> float | None:
    """The least number of parameters, in millions, of a hub id; None for folders and models that are not known."""
    if model_id.startswith((".", "/", "~")) or model_id.count("/") > 1:
        return None
    name = _PACKED.sub("", model_id.lower().rpartition("/")[2])
    for pattern, millions in _PATTERNS:
        if pattern.fullmatch(name):
            return millions
    size = _SIZE.search(name) if _STATED.match(name) and not _NOT_ALL.search(name) else None
    if size is None:
        return None
    return 0.9 * float(size[1]) * (1000 if size[2] == "b" else 1)


def packed_bytes(model_id: str) -> float | None:
    """The bytes of one parameter at least, where the id says that its weights are quantized; else None."""
    name = model_id.lower()
    if "fp8" in name:
        return 1.0
    return 0.25 if _SMALL.search(name) else None
