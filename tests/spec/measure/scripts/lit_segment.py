import lightning as L
import segmentation_models_pytorch as smp
import torch
from lightning.pytorch.callbacks import EarlyStopping, LearningRateMonitor, ModelCheckpoint
from lightning.pytorch.loggers import WandbLogger
from torch.utils.data import DataLoader

from lesions import LesionDataset


class LesionData(L.LightningDataModule):
    def __init__(self, root: str = "data/isic", batch_size: int = 16, num_workers: int = 8):
        super().__init__()
        self.save_hyperparameters()

    def setup(self, stage=None):
        self.train_set = LesionDataset(self.hparams.root, "train")
        self.val_set = LesionDataset(self.hparams.root, "val")

    def train_dataloader(self):
        return DataLoader(
            self.train_set, batch_size=self.hparams.batch_size, shuffle=True, num_workers=self.hparams.num_workers
        )

    def val_dataloader(self):
        return DataLoader(self.val_set, batch_size=self.hparams.batch_size, num_workers=self.hparams.num_workers)


class LitSegmenter(L.LightningModule):
    def __init__(self, encoder: str = "resnet34", lr: float = 1e-3, weight_decay: float = 1e-4, t_max: int = 60):
        super().__init__()
        self.save_hyperparameters()
        self.net = smp.Unet(encoder_name=encoder, encoder_weights="imagenet", classes=1)
        self.loss = smp.losses.DiceLoss("binary")

    def forward(self, x):
        return self.net(x)

    def training_step(self, batch, batch_idx):
        images, masks = batch
        loss = self.loss(self(images), masks)
        self.log("train/loss", loss, prog_bar=True)
        return loss

    def validation_step(self, batch, batch_idx):
        images, masks = batch
        self.log("val/dice", 1 - self.loss(self(images), masks), prog_bar=True)

    def configure_optimizers(self):
        optimizer = torch.optim.AdamW(
            self.parameters(), lr=self.hparams.lr, weight_decay=self.hparams.weight_decay
        )
        scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=self.hparams.t_max)
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": scheduler, "interval": "epoch"}}


def main():
    L.seed_everything(123, workers=True)
    data = LesionData()
    model = LitSegmenter()
    trainer = L.Trainer(
        max_epochs=60,
        accelerator="gpu",
        devices=1,
        precision="16-mixed",
        gradient_clip_val=0.5,
        accumulate_grad_batches=2,
        check_val_every_n_epoch=2,
        log_every_n_steps=20,
        logger=WandbLogger(project="lesions", save_dir="wandb_logs"),
        callbacks=[
            ModelCheckpoint(dirpath="checkpoints/lesions", monitor="val/dice", mode="max", save_top_k=2),
            EarlyStopping(monitor="val/dice", mode="max", patience=10),
            LearningRateMonitor(),
        ],
    )
    trainer.fit(model, datamodule=data)


if __name__ == "__main__":
    main()
