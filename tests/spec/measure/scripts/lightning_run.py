import lightning as L
import torch
from lightning.pytorch.callbacks import ModelCheckpoint
from torch.utils.data import DataLoader

from data import train_set, val_set
from net import Net


class Classifier(L.LightningModule):
    def __init__(self, lr=3e-4):
        super().__init__()
        self.lr = lr
        self.net = Net()

    def training_step(self, batch, _):
        x, y = batch
        return torch.nn.functional.cross_entropy(self.net(x), y)

    def validation_step(self, batch, _):
        x, y = batch
        self.log("val_loss", torch.nn.functional.cross_entropy(self.net(x), y))

    def configure_optimizers(self):
        return torch.optim.AdamW(self.parameters(), lr=self.lr, weight_decay=0.05)


L.seed_everything(1234)
train_loader = DataLoader(train_set, batch_size=128, shuffle=True)
val_loader = DataLoader(val_set, batch_size=128)
trainer = L.Trainer(
    max_epochs=20,
    devices=4,
    strategy="ddp",
    precision="bf16-mixed",
    accumulate_grad_batches=2,
    gradient_clip_val=0.5,
    log_every_n_steps=50,
    callbacks=[ModelCheckpoint(dirpath="lightning_out", every_n_epochs=5)],
)
trainer.fit(Classifier(), train_loader, val_loader)
