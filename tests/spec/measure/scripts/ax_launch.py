"""Starts the fine-tuning on the rented machine and copies the adapter back."""

import os
import subprocess
from pathlib import Path

CONFIG = Path(__file__).with_name("ax_gemma.yml")


def main() -> None:
    env = {**os.environ, "CUDA_VISIBLE_DEVICES": "0", "TOKENIZERS_PARALLELISM": "false"}
    subprocess.run(["accelerate", "launch", "-m", "axolotl.cli.train", "ax_gemma.yml"], check=True, env=env)
    subprocess.run(["rsync", "-a", "outputs/gemma-tickets/", "nas:/models/gemma-tickets/"], check=True)


if __name__ == "__main__":
    main()
