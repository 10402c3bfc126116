"""Preference tuning of the support assistant. All settings are in dpo_support.yaml."""
import logging
import os

import torch
from datasets import load_dataset
from transformers import AutoModelForCausalLM, AutoTokenizer, HfArgumentParser, set_seed
from trl import DPOConfig, DPOTrainer, ModelConfig, ScriptArguments, get_peft_config

logging.basicConfig(level=logging.INFO)
logger = logging.getLogger("dpo")


def clean(row):
    """Agents paste their signature under every answer: it must not decide who wins."""
    for key in ("chosen", "rejected"):
        last = row[key][-1]
        last["content"] = last["content"].split("\n-- \n")[0].rstrip()
    return row


def usable(row):
    return row["chosen"][-1]["content"] != row["rejected"][-1]["content"]


def main():
    parser = HfArgumentParser((ScriptArguments, DPOConfig, ModelConfig))
    script_args, training_args, model_args = parser.parse_yaml_file(os.path.abspath("dpo_support.yaml"))
    set_seed(training_args.seed)

    model = AutoModelForCausalLM.from_pretrained(
        model_args.model_name_or_path,
        attn_implementation=model_args.attn_implementation,
        dtype=torch.bfloat16,
    )
    tokenizer = AutoTokenizer.from_pretrained(model_args.model_name_or_path)
    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.eos_token

    dataset = load_dataset(script_args.dataset_name)
    before = len(dataset[script_args.dataset_train_split])
    dataset = dataset.map(clean).filter(usable)
    logger.info("%d of %d pairs left", len(dataset[script_args.dataset_train_split]), before)

    trainer = DPOTrainer(
        model,
        args=training_args,
        train_dataset=dataset[script_args.dataset_train_split],
        eval_dataset=dataset[script_args.dataset_test_split],
        processing_class=tokenizer,
        peft_config=get_peft_config(model_args),
    )
    trainer.train()
    metrics = trainer.evaluate()
    trainer.log_metrics("eval", metrics)
    trainer.save_metrics("eval", metrics)
    trainer.save_model(training_args.output_dir)


if __name__ == "__main__":
    main()
