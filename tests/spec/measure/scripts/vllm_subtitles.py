"""Translate subtitles line by line, with the preceding lines as context (settings: subtitles.json)."""
import json
import re
from pathlib import Path

from vllm import LLM, SamplingParams

HERE = Path(__file__).parent
TAGS = re.compile(r"</?[ibu]>|\{\\an\d\}")

PROMPT = """Translate the last subtitle into {language}. The lines above it are only context.
Keep names as they are. Give the translation alone, at most two lines of 42 characters.

Context:
{context}

Subtitle:
{line}"""


def load_config(path=HERE / "subtitles.json"):
    with open(path, encoding="utf-8") as f:
        return json.load(f)


def conversations(cues, config):
    window = config["context_lines"]
    for i, cue in enumerate(cues):
        context = "\n".join(TAGS.sub("", c["text"]) for c in cues[max(0, i - window) : i]) or "(start of the episode)"
        content = PROMPT.format(language=config["target_language"], context=context, line=TAGS.sub("", cue["text"]))
        yield [{"role": "user", "content": content}]


def too_long(text):
    lines = text.splitlines()
    return len(lines) > 2 or any(len(line) > 42 for line in lines)


def main():
    config = load_config()
    with open(config["input"], encoding="utf-8") as f:
        cues = [json.loads(line) for line in f]

    engine = config["engine"]
    llm = LLM(
        model=engine["model"],
        dtype=engine["dtype"],
        tensor_parallel_size=engine["tensor_parallel_size"],
        max_model_len=engine["max_model_len"],
        gpu_memory_utilization=engine["gpu_memory_utilization"],
        seed=engine["seed"],
    )
    sampling = config["sampling"]
    params = SamplingParams(
        temperature=sampling["temperature"],
        top_p=sampling["top_p"],
        max_tokens=sampling["max_tokens"],
    )
    outputs = llm.chat(list(conversations(cues, config)), params)

    flagged = 0
    with open(config["output"], "w", encoding="utf-8") as f:
        for cue, output in zip(cues, outputs):
            text = output.outputs[0].text.strip()
            check = too_long(text)
            flagged += check
            row = {"start": cue["start"], "end": cue["end"], "text": text, "check": check}
            f.write(json.dumps(row, ensure_ascii=False) + "\n")
    print(f"{len(cues)} subtitles, {flagged} to be checked")


if __name__ == "__main__":
    main()
