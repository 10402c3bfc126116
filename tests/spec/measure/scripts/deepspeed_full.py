import argparse

import deepspeed
import torch
from torch.utils.data import DataLoader, DistributedSampler
from transformers import AutoModelForCausalLM, AutoTokenizer, set_seed

from packed import PackedTexts


def get_args():
    parser = argparse.ArgumentParser()
    parser.add_argument("--base", default="Qwen/Qwen2.5-7B")
    parser.add_argument("--block", type=int, default=4096)
    parser.add_argument("--steps", type=int, default=6000)
    parser.add_argument("--save-every", type=int, default=1000)
    parser.add_argument("--out", default="/data/ckpt/qwen-cpt")
    parser.add_argument("--local_rank", type=int, default=-1)
    return parser.parse_args()


def main():
    args = get_args()
    set_seed(2024)
    deepspeed.init_distributed()
    tokenizer = AutoTokenizer.from_pretrained(args.base)
    model = AutoModelForCausalLM.from_pretrained(args.base, torch_dtype=torch.bfloat16)
    model.gradient_checkpointing_enable()
    engine, _, _, _ = deepspeed.initialize(
        model=model, model_parameters=model.parameters(), config="ds_config.json"
    )
    data = PackedTexts("corpus/law.jsonl", tokenizer, args.block)
    sampler = DistributedSampler(data, shuffle=True)
    loader = DataLoader(data, batch_size=engine.train_micro_batch_size_per_gpu(), sampler=sampler)
    epoch = 0
    while engine.global_steps < args.steps:
        sampler.set_epoch(epoch)
        for batch in loader:
            batch = batch.to(engine.device)
            loss = engine(input_ids=batch, labels=batch).loss
            engine.backward(loss)
            engine.step()
            if engine.global_steps % args.save_every == 0 and engine.is_gradient_accumulation_boundary():
                engine.save_checkpoint(args.out)
            if engine.global_steps >= args.steps:
                break
        epoch += 1


if __name__ == "__main__":
    main()
