import argparse

import torch
import yaml
from torch.utils.data import DataLoader

from data import Corpus
from net import build

parser = argparse.ArgumentParser()
parser.add_argument("--config", default="yaml_config.yaml")
options = parser.parse_args()
with open(options.config) as file:
    cfg = yaml.safe_load(file)

torch.manual_seed(cfg["seed"])
loader = DataLoader(Corpus(cfg["data"]["path"]), batch_size=cfg["train"]["batch_size"], shuffle=True)
model = build(cfg["model"])
optimizer = torch.optim.SGD(model.parameters(), lr=cfg["train"]["lr"], momentum=0.9, weight_decay=cfg["train"]["weight_decay"])
for epoch in range(cfg["train"]["epochs"]):
    for x, y in loader:
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(model(x), y).backward()
        optimizer.step()
    torch.save(model.state_dict(), f"{cfg['output_dir']}/epoch{epoch}.pt")
