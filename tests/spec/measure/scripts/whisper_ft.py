from dataclasses import dataclass
from typing import Any

import evaluate
from datasets import Audio, load_dataset
from transformers import (
    Seq2SeqTrainer,
    Seq2SeqTrainingArguments,
    WhisperForConditionalGeneration,
    WhisperProcessor,
)

BASE = "openai/whisper-small"
processor = WhisperProcessor.from_pretrained(BASE, language="German", task="transcribe")
model = WhisperForConditionalGeneration.from_pretrained(BASE)
model.config.forced_decoder_ids = None

voices = load_dataset("mozilla-foundation/common_voice_17_0", "de", trust_remote_code=True)
voices = voices.cast_column("audio", Audio(sampling_rate=16_000))


def prepare(row):
    audio = row["audio"]
    row["input_features"] = processor.feature_extractor(audio["array"], sampling_rate=16_000).input_features[0]
    row["labels"] = processor.tokenizer(row["sentence"]).input_ids
    return row


voices = voices.map(prepare, num_proc=4)


@dataclass
class Collator:
    processor: Any

    def __call__(self, rows):
        batch = self.processor.feature_extractor.pad([{"input_features": r["input_features"]} for r in rows], return_tensors="pt")
        labels = self.processor.tokenizer.pad([{"input_ids": r["labels"]} for r in rows], return_tensors="pt")
        batch["labels"] = labels["input_ids"].masked_fill(labels.attention_mask.ne(1), -100)
        return batch


wer = evaluate.load("wer")


def metrics(result):
    result.label_ids[result.label_ids == -100] = processor.tokenizer.pad_token_id
    said = processor.batch_decode(result.predictions, skip_special_tokens=True)
    meant = processor.batch_decode(result.label_ids, skip_special_tokens=True)
    return {"wer": wer.compute(predictions=said, references=meant)}


args = Seq2SeqTrainingArguments(
    output_dir="./whisper-small-de",
    per_device_train_batch_size=16,
    gradient_accumulation_steps=1,
    learning_rate=1e-5,
    warmup_steps=500,
    max_steps=5000,
    gradient_checkpointing=True,
    fp16=True,
    eval_strategy="steps",
    per_device_eval_batch_size=8,
    predict_with_generate=True,
    save_steps=1000,
    eval_steps=1000,
    logging_steps=25,
    report_to=["tensorboard"],
    metric_for_best_model="wer",
    greater_is_better=False,
)
trainer = Seq2SeqTrainer(
    args=args,
    model=model,
    train_dataset=voices["train"],
    eval_dataset=voices["test"],
    data_collator=Collator(processor),
    compute_metrics=metrics,
    processing_class=processor.feature_extractor,
)
trainer.train()
