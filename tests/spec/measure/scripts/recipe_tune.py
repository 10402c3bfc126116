import importlib
import sys

import torch
from omegaconf import DictConfig, OmegaConf
from torch.utils.data import DataLoader


def instantiate(node: DictConfig, *args, **kwargs):
    options = {k: v for k, v in node.items() if k != "_component_"}
    module, _, name = node["_component_"].rpartition(".")
    return getattr(importlib.import_module(module), name)(*args, **options, **kwargs)


class Recipe:
    def __init__(self, cfg: DictConfig) -> None:
        self.cfg = cfg
        self.device = torch.device(cfg.device)
        torch.manual_seed(cfg.seed)

    def setup(self) -> None:
        cfg = self.cfg
        self.tokenizer = instantiate(cfg.tokenizer)
        self.model = instantiate(cfg.model).to(self.device, dtype=torch.bfloat16)
        dataset = instantiate(cfg.dataset, tokenizer=self.tokenizer)
        self.loader = DataLoader(dataset, batch_size=cfg.batch_size, shuffle=True)
        trainable = [p for p in self.model.parameters() if p.requires_grad]
        self.optimizer = instantiate(cfg.optimizer, trainable)
        self.updates = len(self.loader) // cfg.gradient_accumulation_steps
        self.scheduler = instantiate(
            cfg.lr_scheduler, self.optimizer, num_training_steps=cfg.epochs * self.updates
        )

    def train(self) -> None:
        cfg = self.cfg
        for epoch in range(cfg.epochs):
            for idx, batch in enumerate(self.loader):
                batch = {k: v.to(self.device) for k, v in batch.items()}
                loss = self.model(**batch).loss / cfg.gradient_accumulation_steps
                loss.backward()
                if (idx + 1) % cfg.gradient_accumulation_steps == 0:
                    torch.nn.utils.clip_grad_norm_(self.model.parameters(), max_norm=cfg.clip_grad_norm)
                    self.optimizer.step()
                    self.scheduler.step()
                    self.optimizer.zero_grad(set_to_none=True)
            self.model.save_pretrained(f"{cfg.output_dir}/epoch_{epoch}")


def main() -> None:
    cfg = OmegaConf.load("recipe_tune.yaml")
    cfg = OmegaConf.merge(cfg, OmegaConf.from_cli(sys.argv[1:]))
    recipe = Recipe(cfg)
    recipe.setup()
    recipe.train()


if __name__ == "__main__":
    main()
