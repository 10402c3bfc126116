from dataclasses import dataclass, field

from datasets import load_dataset
from transformers import AutoModelForSeq2SeqLM, AutoTokenizer, HfArgumentParser, Seq2SeqTrainer, Seq2SeqTrainingArguments


@dataclass
class ModelArguments:
    model_name_or_path: str = field(default="google/flan-t5-base", metadata={"help": "model id"})
    max_source_length: int = field(default=512)


@dataclass
class DataArguments:
    dataset_name: str = field(default="samsum")


def main():
    parser = HfArgumentParser((ModelArguments, DataArguments, Seq2SeqTrainingArguments))
    model_args, data_args, training_args = parser.parse_args_into_dataclasses()
    tokenizer = AutoTokenizer.from_pretrained(model_args.model_name_or_path)
    model = AutoModelForSeq2SeqLM.from_pretrained(model_args.model_name_or_path)
    data = load_dataset(data_args.dataset_name)
    data = data.map(lambda row: tokenizer(row["dialogue"], max_length=model_args.max_source_length, truncation=True))
    trainer = Seq2SeqTrainer(model=model, args=training_args, train_dataset=data["train"], eval_dataset=data["validation"])
    trainer.train()


if __name__ == "__main__":
    main()
