import lightning as L
import segmentation_models_pytorch as smp
import torch
from lightning.pytorch.callbacks import LearningRateMonitor, ModelCheckpoint
from lightning.pytorch.loggers import TensorBoardLogger
from omegaconf import OmegaConf
from torch.utils.data import DataLoader
from torchmetrics.classification import MulticlassJaccardIndex

from landcover_tiles import LandCoverTiles


class LandCoverData(L.LightningDataModule):
    def __init__(self, cfg):
        super().__init__()
        self.cfg = cfg

    def setup(self, stage=None):
        self.train_set = LandCoverTiles(self.cfg.root, "train", size=self.cfg.tile_size, augment=True)
        self.val_set = LandCoverTiles(self.cfg.root, "val", size=self.cfg.tile_size)

    def train_dataloader(self):
        return DataLoader(
            self.train_set,
            batch_size=self.cfg.batch_size,
            shuffle=True,
            num_workers=self.cfg.num_workers,
            drop_last=True,
        )

    def val_dataloader(self):
        return DataLoader(self.val_set, batch_size=self.cfg.batch_size, num_workers=self.cfg.num_workers)


class LandCoverModel(L.LightningModule):
    def __init__(self, cfg):
        super().__init__()
        self.cfg = cfg
        self.net = smp.DeepLabV3Plus(cfg.model.encoder, encoder_weights="imagenet", classes=cfg.model.num_classes)
        self.loss = smp.losses.DiceLoss(mode="multiclass")
        self.iou = MulticlassJaccardIndex(num_classes=cfg.model.num_classes)

    def training_step(self, batch, batch_idx):
        image, mask = batch
        loss = self.loss(self.net(image), mask)
        self.log("train/loss", loss)
        return loss

    def validation_step(self, batch, batch_idx):
        image, mask = batch
        self.iou(self.net(image).argmax(1), mask)
        self.log("val/iou", self.iou, on_epoch=True, prog_bar=True)

    def configure_optimizers(self):
        optimizer = torch.optim.AdamW(
            self.parameters(), lr=self.cfg.optim.lr, weight_decay=self.cfg.optim.weight_decay
        )
        scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(
            optimizer, T_max=self.cfg.trainer.max_epochs, eta_min=self.cfg.optim.eta_min
        )
        return [optimizer], [scheduler]


def main():
    cfg = OmegaConf.load("lit_landcover.yaml")
    L.seed_everything(cfg.seed, workers=True)
    trainer = L.Trainer(
        **cfg.trainer,
        logger=TensorBoardLogger("tb_logs", name="landcover"),
        callbacks=[ModelCheckpoint(**cfg.checkpoint), LearningRateMonitor()],
    )
    trainer.fit(LandCoverModel(cfg), datamodule=LandCoverData(cfg.data))


if __name__ == "__main__":
    main()
