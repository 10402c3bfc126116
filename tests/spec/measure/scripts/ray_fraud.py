import os
import tempfile

import ray.train
import torch
from ray.train import Checkpoint, CheckpointConfig, RunConfig, ScalingConfig
from ray.train.torch import TorchTrainer, prepare_data_loader, prepare_model
from torch.utils.data import DataLoader

from fraud import Payments, Wide


def train_loop(config):
    model = prepare_model(Wide(config["hidden"]))
    loader = prepare_data_loader(DataLoader(Payments("train"), batch_size=config["batch_size"], shuffle=True))
    optimizer = torch.optim.AdamW(model.parameters(), lr=config["lr"], weight_decay=config["wd"])
    scheduler = torch.optim.lr_scheduler.ExponentialLR(optimizer, gamma=config["gamma"])
    for epoch in range(config["epochs"]):
        for features, label in loader:
            loss = torch.nn.functional.binary_cross_entropy_with_logits(model(features), label)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        scheduler.step()
        with tempfile.TemporaryDirectory() as folder:
            torch.save(model.state_dict(), os.path.join(folder, "model.pt"))
            ray.train.report({"loss": loss.item()}, checkpoint=Checkpoint.from_directory(folder))


trainer = TorchTrainer(
    train_loop,
    train_loop_config={"lr": 4e-4, "wd": 1e-5, "batch_size": 2048, "epochs": 15, "gamma": 0.9, "hidden": 512},
    scaling_config=ScalingConfig(num_workers=4, use_gpu=True),
    run_config=RunConfig(name="fraud", storage_path="/mnt/ray", checkpoint_config=CheckpointConfig(num_to_keep=2)),
)
trainer.fit()
