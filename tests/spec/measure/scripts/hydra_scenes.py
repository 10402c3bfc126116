import hydra
import torch
import wandb
from datasets import load_dataset
from omegaconf import DictConfig, OmegaConf
from torch.utils.data import DataLoader
from transformers import SegformerForSemanticSegmentation, get_scheduler, set_seed

from scenes_data import SceneTransform, collate, mean_iou


def forever(loader):
    while True:
        yield from loader


@hydra.main(version_base="1.3", config_path="conf_scenes", config_name="config")
def main(cfg: DictConfig):
    set_seed(cfg.seed)
    wandb.init(project=cfg.wandb.project, config=OmegaConf.to_container(cfg))
    data = load_dataset(cfg.data.name, trust_remote_code=True)
    train_set = data["train"].with_transform(SceneTransform(cfg.data.crop, train=True))
    val_set = data["validation"].with_transform(SceneTransform(cfg.data.crop, train=False))
    train_loader = DataLoader(
        train_set, batch_size=cfg.data.batch_size, shuffle=True, num_workers=cfg.data.num_workers, collate_fn=collate
    )
    val_loader = DataLoader(val_set, batch_size=cfg.data.val_batch_size, num_workers=2, collate_fn=collate)

    model = SegformerForSemanticSegmentation.from_pretrained(cfg.model.name, num_labels=cfg.model.num_labels)
    model.to("cuda")
    optimizer = torch.optim.AdamW(model.parameters(), lr=cfg.optim.lr, weight_decay=cfg.optim.weight_decay)
    scheduler = get_scheduler(
        cfg.schedule.name,
        optimizer,
        num_warmup_steps=cfg.schedule.warmup_steps,
        num_training_steps=cfg.schedule.max_steps,
    )
    scaler = torch.amp.GradScaler("cuda", enabled=cfg.amp)

    batches = forever(train_loader)
    for step in range(1, cfg.schedule.max_steps + 1):
        batch = {k: v.to("cuda", non_blocking=True) for k, v in next(batches).items()}
        with torch.autocast("cuda", dtype=torch.float16, enabled=cfg.amp):
            loss = model(**batch).loss
        scaler.scale(loss).backward()
        scaler.unscale_(optimizer)
        torch.nn.utils.clip_grad_norm_(model.parameters(), cfg.optim.clip)
        scaler.step(optimizer)
        scaler.update()
        optimizer.zero_grad(set_to_none=True)
        scheduler.step()
        if step % cfg.log_every == 0:
            wandb.log({"loss": loss.item(), "lr": scheduler.get_last_lr()[0]}, step=step)
        if step % cfg.eval_every == 0:
            model.eval()
            wandb.log({"miou": mean_iou(model, val_loader)}, step=step)
            model.train()
        if step % cfg.save_every == 0:
            model.save_pretrained(f"{cfg.output_dir}/step-{step}")


if __name__ == "__main__":
    main()
