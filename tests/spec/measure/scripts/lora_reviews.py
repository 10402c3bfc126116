import os
from datetime import datetime

import torch
import wandb
from datasets import load_dataset
from peft import LoraConfig, TaskType, get_peft_model
from torch.utils.data import DataLoader
from tqdm import tqdm
from transformers import (
    AutoModelForSequenceClassification,
    AutoTokenizer,
    DataCollatorWithPadding,
    get_linear_schedule_with_warmup,
)

# ---------------- settings ----------------
model_name = "FacebookAI/roberta-large"
task = "fancyzhx/yelp_polarity"
max_len = 384
num_epochs = 2
lr = 3e-4
train_batch_size = 16
eval_batch_size = 64
warmup_proportion = 0.06
log_every = 50
seed = 2025
save_dir = "ckpts/yelp-lora"
# -------------------------------------------

torch.manual_seed(seed)
run = wandb.init(project="yelp-lora", name=datetime.now().strftime("%m%d-%H%M"))

tokenizer = AutoTokenizer.from_pretrained(model_name)
data = load_dataset(task)
data = data.map(lambda b: tokenizer(b["text"], truncation=True, max_length=max_len), batched=True, remove_columns=["text"])
collator = DataCollatorWithPadding(tokenizer)
train_dataloader = DataLoader(data["train"], shuffle=True, collate_fn=collator, batch_size=train_batch_size)
eval_dataloader = DataLoader(data["test"], collate_fn=collator, batch_size=eval_batch_size)

peft_config = LoraConfig(
    task_type=TaskType.SEQ_CLS,
    inference_mode=False,
    r=8,
    lora_alpha=16,
    lora_dropout=0.1,
    target_modules=["query", "value"],
)
model = AutoModelForSequenceClassification.from_pretrained(model_name, num_labels=2)
model = get_peft_model(model, peft_config)
model.print_trainable_parameters()
model.to("cuda")

optimizer = torch.optim.AdamW(model.parameters(), lr=lr)
total = len(train_dataloader) * num_epochs
lr_scheduler = get_linear_schedule_with_warmup(
    optimizer, num_warmup_steps=int(warmup_proportion * total), num_training_steps=total
)

for epoch in range(num_epochs):
    model.train()
    for step, batch in enumerate(tqdm(train_dataloader)):
        batch = {k: v.to("cuda") for k, v in batch.items()}
        with torch.autocast("cuda", dtype=torch.bfloat16):
            loss = model(**batch).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        lr_scheduler.step()
        optimizer.zero_grad()
        if step % log_every == 0:
            wandb.log({"loss": loss.item(), "lr": lr_scheduler.get_last_lr()[0]})

    model.eval()
    correct = 0
    for batch in tqdm(eval_dataloader):
        batch = {k: v.to("cuda") for k, v in batch.items()}
        with torch.no_grad():
            correct += (model(**batch).logits.argmax(-1) == batch["labels"]).sum().item()
    wandb.log({"accuracy": correct / len(data["test"]), "epoch": epoch})
    model.save_pretrained(os.path.join(save_dir, f"epoch{epoch}"))
run.finish()
