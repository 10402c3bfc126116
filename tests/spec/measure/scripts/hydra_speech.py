import hydra
import torch
from datasets import load_dataset
from hydra.utils import instantiate
from omegaconf import DictConfig
from transformers import AutoModelForCTC, AutoProcessor, Trainer, TrainingArguments

from ctc_collator import CTCCollator


@hydra.main(version_base=None, config_path="conf_speech", config_name="config")
def main(cfg: DictConfig) -> None:
    torch.manual_seed(cfg.seed)
    processor = AutoProcessor.from_pretrained(cfg.model.name)
    model = AutoModelForCTC.from_pretrained(
        cfg.model.name, ctc_loss_reduction="mean", vocab_size=len(processor.tokenizer)
    )
    model.freeze_feature_encoder()
    data = load_dataset(cfg.data.name, cfg.data.language)
    args = TrainingArguments(
        output_dir=cfg.output_dir,
        learning_rate=cfg.trainer.lr,
        per_device_train_batch_size=cfg.trainer.batch_size,
        gradient_accumulation_steps=cfg.trainer.accumulate,
        max_steps=cfg.trainer.max_steps,
        warmup_steps=cfg.trainer.warmup_steps,
        fp16=cfg.trainer.fp16,
        eval_strategy="steps",
        eval_steps=cfg.trainer.eval_steps,
        save_steps=cfg.trainer.save_steps,
        logging_steps=cfg.trainer.logging_steps,
        group_by_length=True,
        report_to=cfg.logger,
        seed=cfg.seed,
    )
    trainer = Trainer(
        model=model,
        args=args,
        data_collator=CTCCollator(processor),
        train_dataset=data["train"],
        eval_dataset=data["validation"],
        processing_class=processor.feature_extractor,
    )
    trainer.train()


if __name__ == "__main__":
    main()
