from dataclasses import dataclass

import evaluate
import torch
from datasets import load_dataset
from transformers import (
    Seq2SeqTrainer,
    Seq2SeqTrainingArguments,
    TrOCRProcessor,
    VisionEncoderDecoderModel,
    default_data_collator,
)


@dataclass(frozen=True)
class TrainingConfig:
    MODEL_NAME: str = "microsoft/trocr-base-handwritten"
    DATASET: str = "Teklia/IAM-line"
    BATCH_SIZE: int = 24
    EVAL_BATCH_SIZE: int = 48
    EPOCHS: int = 12
    LEARNING_RATE: float = 5e-5
    WEIGHT_DECAY: float = 0.05
    MAX_LENGTH: int = 64
    SEED: int = 8
    OUTPUT_DIR: str = "trocr_iam"


config = TrainingConfig()
processor = TrOCRProcessor.from_pretrained(config.MODEL_NAME)
cer_metric = evaluate.load("cer")


def encode(rows):
    images = [image.convert("RGB") for image in rows["image"]]
    pixels = processor(images, return_tensors="pt").pixel_values
    labels = processor.tokenizer(
        rows["text"], padding="max_length", max_length=config.MAX_LENGTH, truncation=True
    ).input_ids
    labels = [[t if t != processor.tokenizer.pad_token_id else -100 for t in row] for row in labels]
    return {"pixel_values": pixels, "labels": torch.tensor(labels)}


def compute_cer(pred):
    labels = pred.label_ids
    labels[labels == -100] = processor.tokenizer.pad_token_id
    texts = processor.batch_decode(pred.predictions, skip_special_tokens=True)
    refs = processor.batch_decode(labels, skip_special_tokens=True)
    return {"cer": cer_metric.compute(predictions=texts, references=refs)}


data = load_dataset(config.DATASET).with_transform(encode)
model = VisionEncoderDecoderModel.from_pretrained(config.MODEL_NAME)
model.config.decoder_start_token_id = processor.tokenizer.cls_token_id
model.config.pad_token_id = processor.tokenizer.pad_token_id
model.generation_config.num_beams = 4

training_args = Seq2SeqTrainingArguments(
    output_dir=config.OUTPUT_DIR,
    predict_with_generate=True,
    eval_strategy="epoch",
    save_strategy="epoch",
    per_device_train_batch_size=config.BATCH_SIZE,
    per_device_eval_batch_size=config.EVAL_BATCH_SIZE,
    num_train_epochs=config.EPOCHS,
    learning_rate=config.LEARNING_RATE,
    weight_decay=config.WEIGHT_DECAY,
    lr_scheduler_type="linear",
    warmup_steps=400,
    optim="adamw_torch",
    fp16=True,
    logging_steps=100,
    report_to="tensorboard",
    remove_unused_columns=False,
    save_total_limit=3,
    seed=config.SEED,
)

trainer = Seq2SeqTrainer(
    model=model,
    args=training_args,
    train_dataset=data["train"],
    eval_dataset=data["validation"],
    data_collator=default_data_collator,
    processing_class=processor.image_processor,
    compute_metrics=compute_cer,
)
trainer.train()
