import sys
from dataclasses import dataclass, field
from typing import Optional

from datasets import load_dataset
from transformers import (
    AutoModelForSeq2SeqLM,
    AutoTokenizer,
    DataCollatorForSeq2Seq,
    HfArgumentParser,
    Seq2SeqTrainer,
    Seq2SeqTrainingArguments,
    set_seed,
)


@dataclass
class ModelArguments:
    model_name_or_path: str = field(default="google/flan-t5-base", metadata={"help": "checkpoint to start from"})
    cache_dir: Optional[str] = field(default=None)


@dataclass
class DataArguments:
    dataset_name: str = field(default="knkarthick/samsum", metadata={"help": "name of the dataset on the Hub"})
    max_source_length: int = field(default=512, metadata={"help": "input tokens"})
    max_target_length: int = field(default=96, metadata={"help": "tokens of a summary"})


@dataclass
class SummaryTrainingArguments(Seq2SeqTrainingArguments):
    output_dir: str = "out/samsum-flan"
    learning_rate: float = 1e-4
    num_train_epochs: float = 5
    per_device_train_batch_size: int = 8
    per_device_eval_batch_size: int = 16
    lr_scheduler_type: str = "constant"
    bf16: bool = True
    eval_strategy: str = "epoch"
    save_strategy: str = "epoch"
    save_total_limit: int = 2
    logging_steps: int = 50
    predict_with_generate: bool = True
    report_to: str = "none"
    seed: int = 11


def main():
    parser = HfArgumentParser((ModelArguments, DataArguments, SummaryTrainingArguments))
    if len(sys.argv) == 2 and sys.argv[1].endswith(".json"):
        model_args, data_args, training_args = parser.parse_json_file(json_file=sys.argv[1])
    else:
        model_args, data_args, training_args = parser.parse_args_into_dataclasses()
    set_seed(training_args.seed)

    tokenizer = AutoTokenizer.from_pretrained(model_args.model_name_or_path, cache_dir=model_args.cache_dir)
    model = AutoModelForSeq2SeqLM.from_pretrained(model_args.model_name_or_path, cache_dir=model_args.cache_dir)
    raw = load_dataset(data_args.dataset_name)

    def encode(rows):
        inputs = tokenizer(
            ["summarize: " + d for d in rows["dialogue"]], max_length=data_args.max_source_length, truncation=True
        )
        targets = tokenizer(text_target=rows["summary"], max_length=data_args.max_target_length, truncation=True)
        inputs["labels"] = targets["input_ids"]
        return inputs

    data = raw.map(encode, batched=True, remove_columns=raw["train"].column_names)
    trainer = Seq2SeqTrainer(
        model=model,
        args=training_args,
        train_dataset=data["train"],
        eval_dataset=data["validation"],
        data_collator=DataCollatorForSeq2Seq(tokenizer, model=model),
        processing_class=tokenizer,
    )
    trainer.train()
    trainer.save_model()


if __name__ == "__main__":
    main()
