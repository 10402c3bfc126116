import argparse

import lightning.pytorch as pl
import segmentation_models_pytorch as smp
import torch
import yaml
from lightning.pytorch.callbacks import ModelCheckpoint
from lightning.pytorch.loggers import MLFlowLogger
from torch.utils.data import DataLoader

from nyu import NYUDepth, silog_loss


class DepthModel(pl.LightningModule):
    def __init__(self, encoder, lr, weight_decay):
        super().__init__()
        self.save_hyperparameters()
        self.net = smp.UnetPlusPlus(encoder_name=encoder, encoder_weights="imagenet", classes=1)

    def training_step(self, batch, batch_idx):
        image, depth = batch
        loss = silog_loss(self.net(image), depth)
        self.log("train_loss", loss)
        return loss

    def validation_step(self, batch, batch_idx):
        image, depth = batch
        self.log("val_loss", silog_loss(self.net(image), depth), prog_bar=True)

    def configure_optimizers(self):
        optimizer = torch.optim.AdamW(
            self.parameters(), lr=self.hparams.lr, weight_decay=self.hparams.weight_decay
        )
        scheduler = torch.optim.lr_scheduler.OneCycleLR(
            optimizer, max_lr=self.hparams.lr, total_steps=self.trainer.estimated_stepping_batches
        )
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": scheduler, "interval": "step"}}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--config", default="depth.yaml")
    config = yaml.safe_load(open(parser.parse_args().config))

    pl.seed_everything(config["seed_everything"])
    data = config["data"]
    train_loader = DataLoader(
        NYUDepth(data["dir"], "train"), batch_size=data["batch_size"], shuffle=True, num_workers=data["num_workers"]
    )
    val_loader = DataLoader(
        NYUDepth(data["dir"], "val"), batch_size=data["batch_size"], num_workers=data["num_workers"]
    )
    trainer = pl.Trainer(
        **config["trainer"],
        logger=MLFlowLogger(experiment_name="depth"),
        callbacks=[ModelCheckpoint(**config["checkpoint"])],
    )
    trainer.fit(DepthModel(**config["model"]), train_loader, val_loader)


if __name__ == "__main__":
    main()
