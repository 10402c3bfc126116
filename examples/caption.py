"""Asks a language model to describe what the classifier got wrong."""

from vllm import LLM, SamplingParams


def describe(mistakes: list[str]) -> list[str]:
    engine = LLM(model="Qwen/Qwen2.5-1.5B-Instruct")
    sampling = SamplingParams(temperature=0.2)
    prompts = [f"Explain in two paragraphs why this image is hard to classify: {m}" for m in mistakes]
    return [result.outputs[0].text for result in engine.generate(prompts, sampling)]
