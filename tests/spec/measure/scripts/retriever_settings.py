import os
from pathlib import Path

import yaml

HERE = Path(__file__).parent


def load_settings(path=HERE / "retriever.yaml"):
    with open(path) as file:
        return yaml.safe_load(file)


settings = load_settings()
