import hydra
import torch
from omegaconf import DictConfig
from torch import nn
from torch.utils.data import DataLoader

from data import Customers


@hydra.main(version_base=None, config_path="conf", config_name="churn")
def main(cfg: DictConfig) -> None:
    torch.manual_seed(cfg.seed)
    train = DataLoader(Customers("train"), batch_size=cfg.data.batch_size, shuffle=True)
    model = nn.Sequential(nn.Linear(cfg.data.features, cfg.model.hidden), nn.ReLU(), nn.Linear(cfg.model.hidden, 1))
    optimizer = torch.optim.Adam(model.parameters(), lr=cfg.optimizer.lr)
    loss_fn = nn.BCEWithLogitsLoss()
    for epoch in range(cfg.trainer.epochs):
        model.train()
        for x, y in train:
            optimizer.zero_grad()
            loss = loss_fn(model(x).squeeze(1), y.float())
            loss.backward()
            optimizer.step()
        print(f"epoch {epoch} loss {loss.item():.4f}")
    torch.save(model.state_dict(), f"{cfg.trainer.out}/churn.pt")


if __name__ == "__main__":
    main()
