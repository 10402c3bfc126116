import hydra
import lightning as L
import timm
import torch
from lightning.pytorch.callbacks import ModelCheckpoint
from lightning.pytorch.loggers import CSVLogger
from omegaconf import DictConfig
from torch.utils.data import DataLoader
from torchvision import transforms
from torchvision.datasets import OxfordIIITPet


class PetModel(L.LightningModule):
    def __init__(self, cfg: DictConfig):
        super().__init__()
        self.cfg = cfg
        self.net = timm.create_model(cfg.model.arch, pretrained=cfg.model.pretrained, num_classes=37)

    def training_step(self, batch, _):
        x, y = batch
        loss = torch.nn.functional.cross_entropy(self.net(x), y, label_smoothing=self.cfg.model.label_smoothing)
        self.log("train/loss", loss)
        return loss

    def validation_step(self, batch, _):
        x, y = batch
        self.log("val/acc", (self.net(x).argmax(1) == y).float().mean())

    def configure_optimizers(self):
        opt = torch.optim.Adam(self.parameters(), lr=self.cfg.optim.lr, weight_decay=self.cfg.optim.weight_decay)
        sched = torch.optim.lr_scheduler.OneCycleLR(
            opt, max_lr=self.cfg.optim.lr, total_steps=self.trainer.estimated_stepping_batches
        )
        return {"optimizer": opt, "lr_scheduler": {"scheduler": sched, "interval": "step"}}


@hydra.main(version_base="1.3", config_path="conf_pets", config_name="train")
def main(cfg: DictConfig):
    L.seed_everything(cfg.seed, workers=True)
    tf = transforms.Compose([transforms.Resize((224, 224)), transforms.ToTensor()])
    train = OxfordIIITPet(cfg.data.root, split="trainval", transform=tf, download=True)
    test = OxfordIIITPet(cfg.data.root, split="test", transform=tf, download=True)
    trainer = L.Trainer(
        max_epochs=cfg.trainer.max_epochs,
        precision=cfg.trainer.precision,
        devices=cfg.trainer.devices,
        accelerator="gpu",
        gradient_clip_val=cfg.trainer.gradient_clip_val,
        log_every_n_steps=cfg.trainer.log_every_n_steps,
        logger=CSVLogger(cfg.paths.logs),
        callbacks=[ModelCheckpoint(dirpath=cfg.paths.checkpoints, monitor="val/acc", mode="max", every_n_epochs=2)],
    )
    trainer.fit(
        PetModel(cfg),
        DataLoader(train, batch_size=cfg.data.batch_size, shuffle=True, num_workers=cfg.data.num_workers),
        DataLoader(test, batch_size=cfg.data.batch_size, num_workers=cfg.data.num_workers),
    )


if __name__ == "__main__":
    main()
