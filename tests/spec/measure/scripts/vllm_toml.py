import json
import tomllib
from pathlib import Path

import click
from vllm import LLM, SamplingParams


@click.command()
@click.option("--config", type=click.Path(exists=True, path_type=Path), default="answers.toml", show_default=True)
@click.option("--limit", type=int, default=None)
def draft(config: Path, limit: int | None) -> None:
    """Drafts answers for open questions."""
    with open(config, "rb") as file:
        settings = tomllib.load(file)
    llm = LLM(**settings["engine"])
    params = SamplingParams(**settings["sampling"])
    files = settings["files"]
    rows = [json.loads(line) for line in Path(files["questions"]).read_text().splitlines()][:limit]
    chats = [[{"role": "user", "content": row["question"]}] for row in rows]
    with open(files["answers"], "w") as out:
        for row, answer in zip(rows, llm.chat(chats, params)):
            out.write(json.dumps({**row, "draft": answer.outputs[0].text}) + "\n")


if __name__ == "__main__":
    draft()
