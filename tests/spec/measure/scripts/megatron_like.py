import argparse

import torch
import torch.distributed as dist
from torch.nn.parallel import DistributedDataParallel as DDP

from core.data import get_iterator
from core.gpt import GPT
from core.schedule import CosineWithWarmup


def add_training_args(parser):
    group = parser.add_argument_group("training")
    group.add_argument("--micro-batch-size", type=int, default=8)
    group.add_argument("--global-batch-size", type=int, default=512)
    group.add_argument("--train-iters", type=int, default=50_000)
    group.add_argument("--seq-length", type=int, default=2048)
    group.add_argument("--seed", type=int, default=1234)
    group.add_argument("--bf16", action="store_true", default=True)
    return parser


def add_optimizer_args(parser):
    group = parser.add_argument_group("optimizer")
    group.add_argument("--lr", type=float, default=3.0e-4)
    group.add_argument("--min-lr", type=float, default=3.0e-5)
    group.add_argument("--lr-warmup-iters", type=int, default=1000)
    group.add_argument("--weight-decay", type=float, default=0.1)
    group.add_argument("--clip-grad", type=float, default=1.0)
    group.add_argument("--adam-beta2", type=float, default=0.95)
    return parser


def add_checkpoint_args(parser):
    group = parser.add_argument_group("checkpointing")
    group.add_argument("--save", type=str, default="/ckpt/gpt-1b")
    group.add_argument("--save-interval", type=int, default=2000)
    group.add_argument("--eval-interval", type=int, default=500)
    group.add_argument("--eval-iters", type=int, default=40)
    group.add_argument("--log-interval", type=int, default=20)
    return parser


def pretrain(args):
    dist.init_process_group("nccl")
    rank, world = dist.get_rank(), dist.get_world_size()
    torch.cuda.set_device(rank % torch.cuda.device_count())
    torch.manual_seed(args.seed + rank)
    model = DDP(GPT(layers=24, width=2048, seq=args.seq_length).cuda())
    accumulate = args.global_batch_size // (args.micro_batch_size * world)
    optimizer = torch.optim.AdamW(
        model.parameters(), lr=args.lr, betas=(0.9, args.adam_beta2), weight_decay=args.weight_decay
    )
    schedule = CosineWithWarmup(optimizer, args.lr_warmup_iters, args.train_iters, args.min_lr)
    train = get_iterator("train", args.micro_batch_size, args.seq_length)
    valid = get_iterator("valid", args.micro_batch_size, args.seq_length)
    for iteration in range(args.train_iters):
        for _ in range(accumulate):
            with torch.autocast("cuda", dtype=torch.bfloat16, enabled=args.bf16):
                loss = model(next(train)) / accumulate
            loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), args.clip_grad)
        optimizer.step()
        schedule.step()
        optimizer.zero_grad(set_to_none=True)
        if rank == 0 and iteration % args.log_interval == 0:
            print(f"{iteration}: {loss.item() * accumulate:.4f}")
        if iteration % args.eval_interval == 0:
            evaluate(model, valid, args.eval_iters)
        if rank == 0 and iteration % args.save_interval == 0:
            torch.save(model.module.state_dict(), f"{args.save}/iter_{iteration:07d}.pt")


@torch.no_grad()
def evaluate(model, valid, iters):
    model.eval()
    total = sum(model(next(valid)).item() for _ in range(iters))
    model.train()
    return total / iters


if __name__ == "__main__":
    parser = argparse.ArgumentParser(allow_abbrev=False)
    for add in (add_training_args, add_optimizer_args, add_checkpoint_args):
        parser = add(parser)
    pretrain(parser.parse_args())
