import argparse
import time
from pathlib import Path

import lightning as L
import torch
import torch.nn.functional as F
from lightning.fabric.loggers import TensorBoardLogger
from torch.utils.data import DataLoader, Dataset
from transformers import GPT2Config, GPT2LMHeadModel, PreTrainedTokenizerFast


class Poems(Dataset):
    """Overlapping windows over one long sequence of tokens."""

    def __init__(self, path, tokenizer, block_size):
        self.ids = torch.tensor(tokenizer(Path(path).read_text(encoding="utf-8"))["input_ids"])
        self.block_size = block_size

    def __len__(self):
        return (len(self.ids) - 1) // self.block_size

    def __getitem__(self, i):
        start = i * self.block_size
        return self.ids[start : start + self.block_size]


def get_args():
    p = argparse.ArgumentParser()
    p.add_argument("--train-file", default="data/poems/train.txt")
    p.add_argument("--val-file", default="data/poems/val.txt")
    p.add_argument("--tokenizer", default="data/poems/tokenizer.json")
    p.add_argument("--out-dir", type=Path, default=Path("out/poems"))
    p.add_argument("--block-size", type=int, default=384)
    p.add_argument("--micro-batch-size", type=int, default=20)
    p.add_argument("--accumulate", type=int, default=6)
    p.add_argument("--max-steps", type=int, default=15_000, help="optimizer steps")
    p.add_argument("--lr", type=float, default=7e-4)
    p.add_argument("--weight-decay", type=float, default=0.08)
    p.add_argument("--clip", type=float, default=0.8)
    p.add_argument("--eval-interval", type=int, default=250)
    p.add_argument("--save-interval", type=int, default=2500)
    p.add_argument("--log-interval", type=int, default=25)
    p.add_argument("--precision", default="bf16-mixed")
    p.add_argument("--devices", type=int, default=1)
    p.add_argument("--seed", type=int, default=1848)
    return p.parse_args()


@torch.no_grad()
def validate(fabric, model, loader):
    model.eval()
    losses = torch.stack([model(input_ids=ids, labels=ids).loss for ids in loader])
    model.train()
    return fabric.all_reduce(losses.mean(), reduce_op="mean").item()


def main():
    args = get_args()
    logger = TensorBoardLogger(root_dir=args.out_dir, name="logs")
    fabric = L.Fabric(accelerator="cuda", devices=args.devices, precision=args.precision, loggers=logger)
    fabric.launch()
    fabric.seed_everything(args.seed)

    tokenizer = PreTrainedTokenizerFast(tokenizer_file=args.tokenizer)
    train_loader = DataLoader(
        Poems(args.train_file, tokenizer, args.block_size), batch_size=args.micro_batch_size, shuffle=True
    )
    val_loader = DataLoader(Poems(args.val_file, tokenizer, args.block_size), batch_size=args.micro_batch_size)
    train_loader, val_loader = fabric.setup_dataloaders(train_loader, val_loader)

    with fabric.init_module():
        model = GPT2LMHeadModel(
            GPT2Config(vocab_size=len(tokenizer), n_positions=args.block_size, n_embd=384, n_layer=6, n_head=6)
        )
    optimizer = torch.optim.AdamW(
        model.parameters(), lr=args.lr, betas=(0.9, 0.95), weight_decay=args.weight_decay
    )
    model, optimizer = fabric.setup(model, optimizer)
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=args.max_steps)

    micro, step, start = 0, 0, time.perf_counter()
    while step < args.max_steps:
        for ids in train_loader:
            micro += 1
            accumulating = micro % args.accumulate != 0
            with fabric.no_backward_sync(model, enabled=accumulating):
                logits = model(input_ids=ids).logits
                loss = F.cross_entropy(logits[:, :-1].flatten(0, 1), ids[:, 1:].flatten())
                fabric.backward(loss / args.accumulate)
            if accumulating:
                continue
            fabric.clip_gradients(model, optimizer, max_norm=args.clip)
            optimizer.step()
            optimizer.zero_grad()
            scheduler.step()
            step += 1
            if step % args.log_interval == 0:
                fabric.log_dict({"loss": loss.item(), "lr": scheduler.get_last_lr()[0]}, step=step)
            if step % args.eval_interval == 0:
                val_loss = validate(fabric, model, val_loader)
                fabric.log("val_loss", val_loss, step=step)
                fabric.print(f"step {step}: {val_loss:.3f} ({time.perf_counter() - start:.0f} s)")
            if step % args.save_interval == 0:
                fabric.save(args.out_dir / f"step-{step:05d}.ckpt", {"model": model, "optimizer": optimizer, "step": step})
            if step >= args.max_steps:
                break


if __name__ == "__main__":
    main()
