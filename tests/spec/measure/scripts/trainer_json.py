import json

from datasets import load_dataset
from transformers import AutoModelForTokenClassification, AutoTokenizer, DataCollatorForTokenClassification, Trainer, TrainingArguments

MODEL = "microsoft/deberta-v3-base"

with open("trainer_json.json") as file:
    args = TrainingArguments(**json.load(file))

raw = load_dataset("conll2003")
labels = raw["train"].features["ner_tags"].feature.names
tokenizer = AutoTokenizer.from_pretrained(MODEL, add_prefix_space=True)


def encode(rows):
    out = tokenizer(rows["tokens"], is_split_into_words=True, truncation=True, max_length=256)
    out["labels"] = [[t[w] if w is not None else -100 for w in out.word_ids(i)] for i, t in enumerate(rows["ner_tags"])]
    return out


data = raw.map(encode, batched=True)
model = AutoModelForTokenClassification.from_pretrained(MODEL, num_labels=len(labels))
trainer = Trainer(
    model=model,
    args=args,
    train_dataset=data["train"],
    eval_dataset=data["validation"],
    data_collator=DataCollatorForTokenClassification(tokenizer),
    processing_class=tokenizer,
)
trainer.train()
trainer.save_model()
