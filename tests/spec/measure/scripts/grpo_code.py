from dataclasses import dataclass, field

from datasets import load_dataset
from trl import GRPOConfig, GRPOTrainer, ModelConfig, TrlParser

from sandbox import run_tests


@dataclass
class ScriptArguments:
    dataset_name: str = field(default="open-r1/verifiable-coding-problems-python")
    timeout: float = field(default=6.0, metadata={"help": "seconds for one program"})


def passes(completions, tests, **kwargs):
    return [run_tests(c[0]["content"], t) for c, t in zip(completions, tests)]


if __name__ == "__main__":
    parser = TrlParser((ScriptArguments, GRPOConfig, ModelConfig))
    script_args, training_args, model_args = parser.parse_args_and_config(["--config", "grpo_code.yaml"])
    dataset = load_dataset(script_args.dataset_name, split="train")
    trainer = GRPOTrainer(
        model=model_args.model_name_or_path, reward_funcs=[passes], args=training_args, train_dataset=dataset
    )
    trainer.train()
    trainer.save_model(training_args.output_dir)
