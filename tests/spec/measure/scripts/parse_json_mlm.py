import os
from dataclasses import dataclass, field

from datasets import load_dataset
from transformers import (
    AutoModelForMaskedLM,
    AutoTokenizer,
    DataCollatorForLanguageModeling,
    HfArgumentParser,
    Trainer,
    TrainingArguments,
)


@dataclass
class ModelArguments:
    model_name: str = field(default="bert-base-multilingual-cased")


@dataclass
class DataArguments:
    train_file: str = field(default="corpus.txt")
    max_seq_length: int = field(default=256)
    mlm_probability: float = field(default=0.15)


if __name__ == "__main__":
    parser = HfArgumentParser((ModelArguments, DataArguments, TrainingArguments))
    here = os.path.dirname(os.path.abspath(__file__))
    model_args, data_args, training_args = parser.parse_json_file(os.path.join(here, "parse_json_mlm.json"))

    tokenizer = AutoTokenizer.from_pretrained(model_args.model_name)
    model = AutoModelForMaskedLM.from_pretrained(model_args.model_name)
    data = load_dataset("text", data_files=data_args.train_file, split="train").train_test_split(0.05)
    data = data.map(
        lambda rows: tokenizer(rows["text"], truncation=True, max_length=data_args.max_seq_length),
        batched=True,
        remove_columns=["text"],
    )
    trainer = Trainer(
        model=model,
        args=training_args,
        train_dataset=data["train"],
        eval_dataset=data["test"],
        data_collator=DataCollatorForLanguageModeling(tokenizer, mlm_probability=data_args.mlm_probability),
    )
    trainer.train()
    trainer.save_model()
