import logging
import os
import sys
from dataclasses import dataclass, field
from typing import Optional

import numpy as np
import torch
from datasets import load_dataset
from torchvision.transforms import Compose, Normalize, RandomResizedCrop, ToTensor
from transformers import (
    AutoImageProcessor,
    AutoModelForImageClassification,
    HfArgumentParser,
    Trainer,
    TrainingArguments,
    set_seed,
)

logger = logging.getLogger(__name__)


@dataclass
class DataTrainingArguments:
    dataset_name: Optional[str] = field(default="beans", metadata={"help": "name of a dataset on the Hub"})
    train_val_split: Optional[float] = field(default=0.15)
    max_train_samples: Optional[int] = field(default=None)


@dataclass
class ModelArguments:
    model_name_or_path: str = field(default="google/vit-base-patch16-224-in21k")
    ignore_mismatched_sizes: bool = field(default=False)


def collate_fn(examples):
    return {
        "pixel_values": torch.stack([e["pixel_values"] for e in examples]),
        "labels": torch.tensor([e["labels"] for e in examples]),
    }


def main():
    parser = HfArgumentParser((ModelArguments, DataTrainingArguments, TrainingArguments))
    if len(sys.argv) == 2 and sys.argv[1].endswith(".json"):
        model_args, data_args, training_args = parser.parse_json_file(json_file=os.path.abspath(sys.argv[1]))
    else:
        model_args, data_args, training_args = parser.parse_args_into_dataclasses()
    set_seed(training_args.seed)

    dataset = load_dataset(data_args.dataset_name)
    processor = AutoImageProcessor.from_pretrained(model_args.model_name_or_path)
    tf = Compose([RandomResizedCrop(224), ToTensor(), Normalize(processor.image_mean, processor.image_std)])
    dataset = dataset.with_transform(
        lambda rows: {"pixel_values": [tf(i.convert("RGB")) for i in rows["image"]], "labels": rows["labels"]}
    )
    model = AutoModelForImageClassification.from_pretrained(
        model_args.model_name_or_path,
        num_labels=3,
        ignore_mismatched_sizes=model_args.ignore_mismatched_sizes,
    )
    trainer = Trainer(
        model=model,
        args=training_args,
        train_dataset=dataset["train"],
        eval_dataset=dataset["validation"],
        compute_metrics=lambda p: {"accuracy": float(np.mean(np.argmax(p.predictions, axis=1) == p.label_ids))},
        data_collator=collate_fn,
        processing_class=processor,
    )
    trainer.train()
    trainer.save_model()


if __name__ == "__main__":
    main()
