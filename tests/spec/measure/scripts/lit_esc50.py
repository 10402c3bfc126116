from argparse import ArgumentParser

import pytorch_lightning as pl
import torch
import torchmetrics
from pytorch_lightning.callbacks import ModelCheckpoint
from pytorch_lightning.loggers import WandbLogger
from torch import nn
from torch.utils.data import DataLoader
from transformers import ASTForAudioClassification

from esc50 import ESC50


class AudioClassifier(pl.LightningModule):
    def __init__(self, args):
        super().__init__()
        self.save_hyperparameters(args)
        self.args = args
        self.net = ASTForAudioClassification.from_pretrained(
            args.model, num_labels=50, ignore_mismatched_sizes=True
        )
        self.loss = nn.CrossEntropyLoss(label_smoothing=args.label_smoothing)
        self.acc = torchmetrics.Accuracy(task="multiclass", num_classes=50)

    def training_step(self, batch, idx):
        x, y = batch
        loss = self.loss(self.net(x).logits, y)
        self.log("train/loss", loss)
        return loss

    def validation_step(self, batch, idx):
        x, y = batch
        self.acc(self.net(x).logits, y)
        self.log("val/acc", self.acc, prog_bar=True)

    def configure_optimizers(self):
        opt = torch.optim.AdamW(self.parameters(), lr=self.args.lr, weight_decay=self.args.wd)
        sched = torch.optim.lr_scheduler.MultiStepLR(opt, milestones=[10, 16], gamma=0.5)
        return [opt], [sched]


def get_args():
    p = ArgumentParser()
    p.add_argument("--model", default="MIT/ast-finetuned-audioset-10-10-0.4593")
    p.add_argument("--root", default="data/ESC-50-master")
    p.add_argument("--fold", type=int, default=1, help="fold that is held out")
    p.add_argument("--batch_size", type=int, default=12)
    p.add_argument("--accumulate", type=int, default=4)
    p.add_argument("--epochs", type=int, default=20)
    p.add_argument("--lr", type=float, default=1e-5)
    p.add_argument("--wd", type=float, default=5e-7)
    p.add_argument("--label_smoothing", type=float, default=0.1)
    p.add_argument("--clip", type=float, default=1.0)
    p.add_argument("--precision", default="16-mixed")
    p.add_argument("--gpus", type=int, default=1)
    p.add_argument("--seed", type=int, default=55)
    p.add_argument("--ckpt_dir", default="checkpoints/esc50")
    return p.parse_args()


def main():
    args = get_args()
    pl.seed_everything(args.seed, workers=True)
    train = DataLoader(
        ESC50(args.root, args.fold, train=True), batch_size=args.batch_size, shuffle=True, num_workers=8
    )
    val = DataLoader(ESC50(args.root, args.fold, train=False), batch_size=args.batch_size, num_workers=8)
    trainer = pl.Trainer(
        accelerator="gpu",
        devices=args.gpus,
        max_epochs=args.epochs,
        precision=args.precision,
        accumulate_grad_batches=args.accumulate,
        gradient_clip_val=args.clip,
        log_every_n_steps=10,
        check_val_every_n_epoch=1,
        logger=WandbLogger(project="esc50"),
        callbacks=[ModelCheckpoint(args.ckpt_dir, monitor="val/acc", mode="max", every_n_epochs=5, save_top_k=-1)],
    )
    trainer.fit(AudioClassifier(args), train, val)


if __name__ == "__main__":
    main()
