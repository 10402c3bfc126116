import json
import math
from dataclasses import asdict, dataclass

import torch
from accelerate import Accelerator
from datasets import load_dataset
from torch.utils.data import DataLoader
from transformers import AutoModelForSeq2SeqLM, AutoTokenizer, DataCollatorForSeq2Seq, get_scheduler, set_seed


@dataclass(frozen=True)
class Plan:
    base: str = "facebook/nllb-200-distilled-600M"
    pairs: str = "opus_books"
    direction: str = "de-fr"
    source_len: int = 160
    target_len: int = 160
    per_device: int = 8
    accumulate: int = 4
    rate: float = 7e-5
    total_steps: int = 12_000
    warm: int = 600
    decay: float = 0.0
    clip: float = 1.0
    eval_each: int = 1500
    ckpt_each: int = 3000
    where: str = "mt/de-fr"
    tracker: str = "wandb"
    seed: int = 17


def main(plan: Plan = Plan()):
    set_seed(plan.seed)
    accelerator = Accelerator(
        mixed_precision="bf16",
        gradient_accumulation_steps=plan.accumulate,
        log_with=plan.tracker,
        project_dir=plan.where,
    )
    accelerator.init_trackers("de-fr", config=asdict(plan))
    tokenizer = AutoTokenizer.from_pretrained(plan.base, src_lang="deu_Latn", tgt_lang="fra_Latn")
    model = AutoModelForSeq2SeqLM.from_pretrained(plan.base)
    books = load_dataset(plan.pairs, plan.direction, split="train").train_test_split(0.02, seed=plan.seed)

    def encode(rows):
        return tokenizer(
            [t["de"] for t in rows["translation"]],
            text_target=[t["fr"] for t in rows["translation"]],
            max_length=plan.source_len,
            truncation=True,
        )

    books = books.map(encode, batched=True, remove_columns=books["train"].column_names)
    collate = DataCollatorForSeq2Seq(tokenizer, model)
    train = DataLoader(books["train"], batch_size=plan.per_device, shuffle=True, collate_fn=collate)
    test = DataLoader(books["test"], batch_size=2 * plan.per_device, collate_fn=collate)
    optimizer = torch.optim.Adam(model.parameters(), lr=plan.rate, weight_decay=plan.decay)
    scheduler = get_scheduler(
        "inverse_sqrt", optimizer, num_warmup_steps=plan.warm, num_training_steps=plan.total_steps
    )
    model, optimizer, train, test, scheduler = accelerator.prepare(model, optimizer, train, test, scheduler)

    done = 0
    for _ in range(math.ceil(plan.total_steps * plan.accumulate / len(train))):
        for batch in train:
            model.train()
            with accelerator.accumulate(model):
                loss = model(**batch).loss
                accelerator.backward(loss)
                if accelerator.sync_gradients:
                    accelerator.clip_grad_norm_(model.parameters(), plan.clip)
                optimizer.step()
                scheduler.step()
                optimizer.zero_grad()
            if not accelerator.sync_gradients:
                continue
            done += 1
            if done % plan.eval_each == 0:
                accelerator.log({"eval": held_out_loss(model, test)}, step=done)
            if done % plan.ckpt_each == 0:
                accelerator.save_state(f"{plan.where}/step{done}")
            if done >= plan.total_steps:
                accelerator.end_training()
                return


@torch.no_grad()
def held_out_loss(model, loader):
    model.eval()
    losses = [model(**batch).loss.item() for batch in loader]
    return sum(losses) / len(losses)


if __name__ == "__main__":
    print(json.dumps(asdict(Plan()), indent=2))
    main()
