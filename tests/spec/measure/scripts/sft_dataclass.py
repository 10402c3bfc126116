from dataclasses import dataclass, field

import torch
from datasets import load_dataset
from peft import LoraConfig
from transformers import AutoModelForCausalLM, AutoTokenizer, HfArgumentParser
from trl import SFTConfig, SFTTrainer


@dataclass
class ScriptArguments:
    model_name: str = field(default="Qwen/Qwen2.5-1.5B-Instruct", metadata={"help": "hub id"})
    dataset_name: str = field(default="HuggingFaceH4/no_robots")
    lr: float = field(default=2e-4)
    lora_r: int = field(default=32)
    lora_alpha: int = field(default=64)
    lora_dropout: float = field(default=0.1)
    max_seq_length: int = field(default=1024)
    epochs: int = field(default=2)
    out: str = field(default="ckpt/no-robots")


def main():
    (script,) = HfArgumentParser(ScriptArguments).parse_args_into_dataclasses()
    model = AutoModelForCausalLM.from_pretrained(script.model_name, torch_dtype=torch.bfloat16)
    tokenizer = AutoTokenizer.from_pretrained(script.model_name)
    data = load_dataset(script.dataset_name)
    lora = LoraConfig(
        r=script.lora_r,
        lora_alpha=script.lora_alpha,
        lora_dropout=script.lora_dropout,
        target_modules=["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"],
        bias="none",
        task_type="CAUSAL_LM",
    )
    config = SFTConfig(
        output_dir=script.out,
        num_train_epochs=script.epochs,
        per_device_train_batch_size=4,
        gradient_accumulation_steps=4,
        learning_rate=script.lr,
        lr_scheduler_type="cosine",
        warmup_ratio=0.05,
        max_length=script.max_seq_length,
        bf16=True,
        gradient_checkpointing=True,
        logging_steps=25,
        eval_strategy="steps",
        eval_steps=250,
        save_strategy="steps",
        save_steps=500,
        report_to="wandb",
        seed=3407,
    )
    trainer = SFTTrainer(
        model=model,
        args=config,
        train_dataset=data["train"],
        eval_dataset=data["test"],
        processing_class=tokenizer,
        peft_config=lora,
    )
    trainer.train()
    trainer.save_model(script.out)


if __name__ == "__main__":
    main()
