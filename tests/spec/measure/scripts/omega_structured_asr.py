from dataclasses import dataclass, field

import torch
import torchaudio
from accelerate import Accelerator
from omegaconf import OmegaConf
from torch.utils.data import DataLoader

from conformer_net import Conformer
from speech_batches import pad_speech


@dataclass
class ModelConf:
    dim: int = 256
    layers: int = 12


@dataclass
class OptimConf:
    lr: float = 1e-3
    weight_decay: float = 1e-6
    betas: tuple[float, float] = (0.9, 0.98)
    warmup_steps: int = 10000
    grad_clip: float = 5.0


@dataclass
class TrainConf:
    data_root: str = "/corpora/LibriSpeech"
    subset: str = "train-clean-360"
    batch_size: int = 32
    grad_accum: int = 2
    max_steps: int = 150000
    eval_every: int = 5000
    save_every: int = 5000
    log_every: int = 100
    seed: int = 777
    precision: str = "fp16"
    exp_dir: str = "exp/conformer"
    model: ModelConf = field(default_factory=ModelConf)
    optim: OptimConf = field(default_factory=OptimConf)


def noam(step, warmup):
    return min((step + 1) ** -0.5, (step + 1) * warmup**-1.5) * warmup**0.5


def main():
    cfg: TrainConf = OmegaConf.merge(OmegaConf.structured(TrainConf), OmegaConf.from_cli())
    torch.manual_seed(cfg.seed)
    accelerator = Accelerator(
        mixed_precision=cfg.precision,
        gradient_accumulation_steps=cfg.grad_accum,
        log_with="wandb",
        project_dir=cfg.exp_dir,
    )
    accelerator.init_trackers("conformer")
    data = torchaudio.datasets.LIBRISPEECH(cfg.data_root, url=cfg.subset)
    loader = DataLoader(data, batch_size=cfg.batch_size, shuffle=True, collate_fn=pad_speech, num_workers=8)
    model = Conformer(cfg.model.dim, cfg.model.layers)
    optimizer = torch.optim.AdamW(
        model.parameters(), lr=cfg.optim.lr, betas=cfg.optim.betas, weight_decay=cfg.optim.weight_decay
    )
    scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda s: noam(s, cfg.optim.warmup_steps))
    model, optimizer, loader, scheduler = accelerator.prepare(model, optimizer, loader, scheduler)

    step = 0
    while step < cfg.max_steps:
        for batch in loader:
            with accelerator.accumulate(model):
                loss = model(**batch)
                accelerator.backward(loss)
                if accelerator.sync_gradients:
                    accelerator.clip_grad_norm_(model.parameters(), cfg.optim.grad_clip)
                optimizer.step()
                scheduler.step()
                optimizer.zero_grad()
            if not accelerator.sync_gradients:
                continue
            step += 1
            if step % cfg.log_every == 0:
                accelerator.log({"loss": loss.item(), "lr": scheduler.get_last_lr()[0]}, step=step)
            if step % cfg.eval_every == 0:
                model.eval()
                accelerator.log({"wer": accelerator.unwrap_model(model).word_errors()}, step=step)
                model.train()
            if step % cfg.save_every == 0:
                accelerator.save_state(f"{cfg.exp_dir}/step_{step}")
            if step >= cfg.max_steps:
                break
    accelerator.end_training()


if __name__ == "__main__":
    main()
