"""Fine-tune torchvision classifiers. Settings live in the Config class."""
import os
import time

import torch
import torch.nn as nn
import torchvision.models as models
from torch.utils.data import DataLoader
from torch.utils.tensorboard import SummaryWriter
from torchvision import datasets, transforms


class Config:
    # data
    data_dir = "data/flowers17"
    image_size = 224
    num_classes = 17
    # training
    model_name = "resnet50"
    num_epochs = 25
    batch_size = 32
    learning_rate = 1e-3
    momentum = 0.9
    weight_decay = 1e-4
    lr_step = 7
    lr_gamma = 0.1
    early_stop_patience = 6
    # misc
    seed = 42
    log_dir = "runs/flowers17"
    checkpoint_dir = "checkpoints/flowers17"
    save_every = 5
    device = "cuda:0" if torch.cuda.is_available() else "cpu"


class Trainer:
    def __init__(self, config):
        self.config = config
        torch.manual_seed(config.seed)
        self.device = torch.device(config.device)
        self.writer = SummaryWriter(config.log_dir)
        self.model = self._build_model().to(self.device)
        self.criterion = nn.CrossEntropyLoss()
        self.optimizer = torch.optim.SGD(
            self.model.parameters(),
            lr=config.learning_rate,
            momentum=config.momentum,
            weight_decay=config.weight_decay,
        )
        self.scheduler = torch.optim.lr_scheduler.StepLR(
            self.optimizer, step_size=config.lr_step, gamma=config.lr_gamma
        )
        self.loaders = self._build_loaders()
        self.best_acc = 0.0

    def _build_model(self):
        model = models.resnet50(weights=models.ResNet50_Weights.IMAGENET1K_V2)
        model.fc = nn.Linear(model.fc.in_features, self.config.num_classes)
        return model

    def _build_loaders(self):
        tf = {
            "train": transforms.Compose([transforms.RandomResizedCrop(self.config.image_size), transforms.ToTensor()]),
            "val": transforms.Compose([transforms.Resize(256), transforms.CenterCrop(224), transforms.ToTensor()]),
        }
        return {
            split: DataLoader(
                datasets.ImageFolder(os.path.join(self.config.data_dir, split), tf[split]),
                batch_size=self.config.batch_size,
                shuffle=split == "train",
                num_workers=4,
            )
            for split in ("train", "val")
        }

    def _run(self, split):
        training = split == "train"
        self.model.train(training)
        loss_sum = hits = seen = 0
        with torch.set_grad_enabled(training):
            for images, labels in self.loaders[split]:
                images, labels = images.to(self.device), labels.to(self.device)
                logits = self.model(images)
                loss = self.criterion(logits, labels)
                if training:
                    self.optimizer.zero_grad()
                    loss.backward()
                    self.optimizer.step()
                loss_sum += loss.item() * len(labels)
                hits += (logits.argmax(1) == labels).sum().item()
                seen += len(labels)
        return loss_sum / seen, hits / seen

    def train(self):
        bad = 0
        for epoch in range(self.config.num_epochs):
            start = time.time()
            train_loss, _ = self._run("train")
            val_loss, val_acc = self._run("val")
            self.scheduler.step()
            self.writer.add_scalar("loss/train", train_loss, epoch)
            self.writer.add_scalar("acc/val", val_acc, epoch)
            print(f"{epoch}: {train_loss:.3f} {val_loss:.3f} {val_acc:.3f} ({time.time() - start:.0f}s)")
            if (epoch + 1) % self.config.save_every == 0:
                self.save(f"epoch{epoch + 1}.pt")
            if val_acc > self.best_acc:
                self.best_acc, bad = val_acc, 0
                self.save("best.pt")
            else:
                bad += 1
                if bad >= self.config.early_stop_patience:
                    break

    def save(self, name):
        os.makedirs(self.config.checkpoint_dir, exist_ok=True)
        torch.save(self.model.state_dict(), os.path.join(self.config.checkpoint_dir, name))


if __name__ == "__main__":
    Trainer(Config()).train()
