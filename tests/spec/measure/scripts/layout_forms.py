"""Labels the fields of scanned forms with LayoutLMv3."""
from dataclasses import dataclass, field

import evaluate
import numpy as np
from datasets import load_dataset
from transformers import (
    AutoModelForTokenClassification,
    AutoProcessor,
    HfArgumentParser,
    Trainer,
    TrainingArguments,
    default_data_collator,
    set_seed,
)


@dataclass
class ModelArguments:
    model_name_or_path: str = field(default="microsoft/layoutlmv3-base")


@dataclass
class DataArguments:
    dataset_name: str = field(default="nielsr/funsd-layoutlmv3")
    max_seq_length: int = field(default=448, metadata={"help": "Words beyond it are lost."})
    num_proc: int = field(default=8)


@dataclass
class FormTrainingArguments(TrainingArguments):
    output_dir: str = field(default="models/form-fields")
    max_steps: int = field(default=2600)
    per_device_train_batch_size: int = field(default=6)
    per_device_eval_batch_size: int = field(default=12)
    gradient_accumulation_steps: int = field(default=4)
    learning_rate: float = field(default=2.4e-5)
    lr_scheduler_type: str = field(default="polynomial")
    warmup_steps: int = field(default=180)
    weight_decay: float = field(default=0.015)
    max_grad_norm: float = field(default=1.5)
    optim: str = field(default="adafactor")
    fp16: bool = field(default=True)
    eval_strategy: str = field(default="steps")
    eval_steps: int = field(default=130)
    save_strategy: str = field(default="steps")
    save_steps: int = field(default=260)
    load_best_model_at_end: bool = field(default=True)
    metric_for_best_model: str = field(default="f1")
    logging_steps: int = field(default=13)
    report_to: str = field(default="comet_ml")
    seed: int = field(default=1040)


def main():
    parser = HfArgumentParser((ModelArguments, DataArguments, FormTrainingArguments))
    model_args, data_args, training_args = parser.parse_args_into_dataclasses()
    set_seed(training_args.seed)

    dataset = load_dataset(data_args.dataset_name)
    names = dataset["train"].features["ner_tags"].feature.names
    processor = AutoProcessor.from_pretrained(model_args.model_name_or_path, apply_ocr=False)
    model = AutoModelForTokenClassification.from_pretrained(
        model_args.model_name_or_path,
        num_labels=len(names),
        id2label=dict(enumerate(names)),
        label2id={name: i for i, name in enumerate(names)},
    )

    def encode(rows):
        return processor(
            rows["image"],
            rows["tokens"],
            boxes=rows["bboxes"],
            word_labels=rows["ner_tags"],
            truncation=True,
            padding="max_length",
            max_length=data_args.max_seq_length,
        )

    dataset = dataset.map(
        encode, batched=True, num_proc=data_args.num_proc, remove_columns=dataset["train"].column_names
    )
    seqeval = evaluate.load("seqeval")

    def compute_metrics(prediction):
        guesses = np.argmax(prediction.predictions, axis=2)
        keep = prediction.label_ids != -100
        guessed = [[names[g] for g in row[k]] for row, k in zip(guesses, keep)]
        truth = [[names[t] for t in row[k]] for row, k in zip(prediction.label_ids, keep)]
        scores = seqeval.compute(predictions=guessed, references=truth)
        return {"f1": scores["overall_f1"], "precision": scores["overall_precision"], "recall": scores["overall_recall"]}

    trainer = Trainer(
        model=model,
        args=training_args,
        train_dataset=dataset["train"],
        eval_dataset=dataset["test"],
        data_collator=default_data_collator,
        processing_class=processor,
        compute_metrics=compute_metrics,
    )
    trainer.train()
    trainer.save_model()


if __name__ == "__main__":
    main()
