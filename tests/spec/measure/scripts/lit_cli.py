import torch
from datasets import load_dataset
from lightning.pytorch import LightningDataModule, LightningModule
from lightning.pytorch.cli import LightningCLI
from torch.utils.data import DataLoader
from transformers import AutoModelForSequenceClassification, AutoTokenizer, get_linear_schedule_with_warmup


class NewsData(LightningDataModule):
    def __init__(self, dataset: str = "ag_news", batch_size: int = 32, max_length: int = 128):
        super().__init__()
        self.save_hyperparameters()

    def setup(self, stage=None):
        tokenizer = AutoTokenizer.from_pretrained("microsoft/MiniLM-L12-H384-uncased")
        data = load_dataset(self.hparams.dataset)
        self.data = data.map(
            lambda row: tokenizer(
                row["text"], truncation=True, padding="max_length", max_length=self.hparams.max_length
            )
        ).with_format("torch", columns=["input_ids", "attention_mask", "label"])

    def train_dataloader(self):
        return DataLoader(self.data["train"], batch_size=self.hparams.batch_size, shuffle=True, num_workers=4)

    def val_dataloader(self):
        return DataLoader(self.data["test"], batch_size=256, num_workers=4)


class NewsClassifier(LightningModule):
    def __init__(
        self,
        model_name: str = "microsoft/MiniLM-L12-H384-uncased",
        lr: float = 6e-5,
        weight_decay: float = 0.01,
        warmup_steps: int = 600,
    ):
        super().__init__()
        self.save_hyperparameters()
        self.model = AutoModelForSequenceClassification.from_pretrained(model_name, num_labels=4)

    def training_step(self, batch, batch_idx):
        loss = self.model(batch["input_ids"], batch["attention_mask"], labels=batch["label"]).loss
        self.log("train_loss", loss)
        return loss

    def validation_step(self, batch, batch_idx):
        out = self.model(batch["input_ids"], batch["attention_mask"])
        self.log("val_acc", (out.logits.argmax(-1) == batch["label"]).float().mean())

    def configure_optimizers(self):
        optimizer = torch.optim.AdamW(
            self.parameters(), lr=self.hparams.lr, weight_decay=self.hparams.weight_decay
        )
        total = self.trainer.estimated_stepping_batches
        scheduler = get_linear_schedule_with_warmup(optimizer, self.hparams.warmup_steps, total)
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": scheduler, "interval": "step"}}


if __name__ == "__main__":
    LightningCLI(
        NewsClassifier,
        NewsData,
        seed_everything_default=77,
        trainer_defaults={
            "max_epochs": 4,
            "accelerator": "gpu",
            "devices": 1,
            "precision": "16-mixed",
            "gradient_clip_val": 1.0,
            "accumulate_grad_batches": 2,
            "val_check_interval": 500,
            "log_every_n_steps": 20,
            "default_root_dir": "runs/news",
        },
    )
