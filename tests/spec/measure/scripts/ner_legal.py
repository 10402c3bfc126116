import json
from pathlib import Path

import evaluate
import numpy as np
from datasets import load_dataset
from transformers import (
    AutoModelForTokenClassification,
    AutoTokenizer,
    DataCollatorForTokenClassification,
    EarlyStoppingCallback,
    Trainer,
    TrainingArguments,
)

CONFIG = json.loads(Path("ner_legal.json").read_text())

dataset = load_dataset(CONFIG["dataset"])
labels = dataset["train"].features[CONFIG["label_column"]].feature.names
tokenizer = AutoTokenizer.from_pretrained(CONFIG["model_name"])
seqeval = evaluate.load("seqeval")


def tokenize_and_align(rows):
    """Only the first piece of a word keeps its label."""
    batch = tokenizer(rows["tokens"], is_split_into_words=True, truncation=True, max_length=CONFIG["max_length"])
    batch["labels"] = []
    for i, tags in enumerate(rows[CONFIG["label_column"]]):
        previous, ids = None, []
        for word in batch.word_ids(batch_index=i):
            ids.append(-100 if word is None or word == previous else tags[word])
            previous = word
        batch["labels"].append(ids)
    return batch


def compute_metrics(prediction):
    guesses = np.argmax(prediction.predictions, axis=-1)
    keep = prediction.label_ids != -100
    refs = [[labels[t] for t in row[k]] for row, k in zip(prediction.label_ids, keep)]
    hyps = [[labels[t] for t in row[k]] for row, k in zip(guesses, keep)]
    scores = seqeval.compute(predictions=hyps, references=refs)
    return {"precision": scores["overall_precision"], "recall": scores["overall_recall"], "f1": scores["overall_f1"]}


def main():
    tokenized = dataset.map(tokenize_and_align, batched=True, remove_columns=dataset["train"].column_names)
    model = AutoModelForTokenClassification.from_pretrained(
        CONFIG["model_name"],
        num_labels=len(labels),
        id2label=dict(enumerate(labels)),
        label2id={label: i for i, label in enumerate(labels)},
    )
    args = TrainingArguments(
        output_dir=CONFIG["output_dir"],
        num_train_epochs=CONFIG["epochs"],
        per_device_train_batch_size=CONFIG["train_batch_size"],
        per_device_eval_batch_size=CONFIG["eval_batch_size"],
        learning_rate=CONFIG["learning_rate"],
        weight_decay=CONFIG["weight_decay"],
        warmup_ratio=CONFIG["warmup_ratio"],
        lr_scheduler_type=CONFIG["scheduler"],
        optim="adamw_torch",
        fp16=CONFIG["fp16"],
        eval_strategy="steps",
        eval_steps=CONFIG["eval_steps"],
        save_steps=CONFIG["save_steps"],
        logging_steps=CONFIG["logging_steps"],
        report_to=CONFIG["report_to"],
        load_best_model_at_end=True,
        metric_for_best_model="f1",
        seed=CONFIG["seed"],
    )
    trainer = Trainer(
        model=model,
        args=args,
        train_dataset=tokenized["train"],
        eval_dataset=tokenized["validation"],
        data_collator=DataCollatorForTokenClassification(tokenizer),
        processing_class=tokenizer,
        compute_metrics=compute_metrics,
        callbacks=[EarlyStoppingCallback(early_stopping_patience=4)],
    )
    trainer.train()
    trainer.save_model()
    print(trainer.evaluate(tokenized["test"]))


if __name__ == "__main__":
    main()
