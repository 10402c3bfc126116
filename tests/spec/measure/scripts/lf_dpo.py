import yaml
from llamafactory.train.tuner import run_exp


def load(path: str) -> dict:
    with open(path, encoding="utf-8") as handle:
        return yaml.safe_load(handle)


if __name__ == "__main__":
    run_exp(args=load("lf_dpo.yaml"))
