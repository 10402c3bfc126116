from datasets import load_dataset
from setfit import SetFitModel, Trainer, TrainingArguments, sample_dataset

dataset = load_dataset("banking77")
train = sample_dataset(dataset["train"], label_column="label", num_samples=8, seed=40)
model = SetFitModel.from_pretrained("sentence-transformers/paraphrase-mpnet-base-v2")

args = TrainingArguments(
    output_dir="setfit-intents",
    batch_size=32,
    num_epochs=1,
    body_learning_rate=2e-5,
    head_learning_rate=1e-2,
    warmup_proportion=0.1,
    max_length=128,
    use_amp=True,
    eval_strategy="epoch",
    save_strategy="epoch",
    seed=40,
)
trainer = Trainer(model=model, args=args, train_dataset=train, eval_dataset=dataset["test"], metric="accuracy")
trainer.train()
