from dataclasses import dataclass
from typing import Any

import evaluate
from datasets import Audio, load_dataset
from transformers import (
    Seq2SeqTrainer,
    Seq2SeqTrainingArguments,
    WhisperForConditionalGeneration,
    WhisperProcessor,
    set_seed,
)

SEED = 1404
CHECKPOINT = "openai/whisper-small"

set_seed(SEED)
processor = WhisperProcessor.from_pretrained(CHECKPOINT, language="welsh", task="transcribe")
model = WhisperForConditionalGeneration.from_pretrained(CHECKPOINT)
model.generation_config.language = "welsh"
model.generation_config.task = "transcribe"
model.generation_config.forced_decoder_ids = None

voices = load_dataset("techiaith/commonvoice_18_0_cy")
voices = voices.cast_column("audio", Audio(sampling_rate=16_000))


def prepare(row):
    audio = row["audio"]
    row["input_features"] = processor.feature_extractor(
        audio["array"], sampling_rate=audio["sampling_rate"]
    ).input_features[0]
    row["labels"] = processor.tokenizer(row["sentence"]).input_ids
    return row


voices = voices.map(prepare, remove_columns=voices["train"].column_names, num_proc=8)


@dataclass
class SpeechCollator:
    processor: Any
    start_token: int

    def __call__(self, rows):
        batch = self.processor.feature_extractor.pad(
            [{"input_features": r["input_features"]} for r in rows], return_tensors="pt"
        )
        labels = self.processor.tokenizer.pad([{"input_ids": r["labels"]} for r in rows], return_tensors="pt")
        ids = labels["input_ids"].masked_fill(labels.attention_mask.ne(1), -100)
        if (ids[:, 0] == self.start_token).all():
            ids = ids[:, 1:]
        batch["labels"] = ids
        return batch


wer = evaluate.load("wer")


def compute_metrics(pred):
    pred.label_ids[pred.label_ids == -100] = processor.tokenizer.pad_token_id
    hyps = processor.batch_decode(pred.predictions, skip_special_tokens=True)
    refs = processor.batch_decode(pred.label_ids, skip_special_tokens=True)
    return {"wer": 100 * wer.compute(predictions=hyps, references=refs)}


args = Seq2SeqTrainingArguments(
    output_dir="whisper-small-cy",
    per_device_train_batch_size=24,
    per_device_eval_batch_size=12,
    gradient_accumulation_steps=2,
    learning_rate=1e-5,
    lr_scheduler_type="linear",
    warmup_steps=450,
    max_steps=6000,
    weight_decay=0.0,
    max_grad_norm=1.0,
    optim="adamw_torch",
    fp16=True,
    gradient_checkpointing=True,
    predict_with_generate=True,
    eval_strategy="steps",
    eval_steps=750,
    save_steps=1500,
    logging_steps=25,
    report_to=["tensorboard"],
    load_best_model_at_end=True,
    metric_for_best_model="wer",
    greater_is_better=False,
    seed=SEED,
)

trainer = Seq2SeqTrainer(
    model=model,
    args=args,
    train_dataset=voices["train"],
    eval_dataset=voices["test"],
    data_collator=SpeechCollator(processor, model.config.decoder_start_token_id),
    compute_metrics=compute_metrics,
    processing_class=processor.feature_extractor,
)
trainer.train()
trainer.save_model()
processor.save_pretrained(args.output_dir)
