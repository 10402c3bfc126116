import torch
from torch.utils.data import DataLoader
from transformers import BertForTokenClassification, BertTokenizerFast, get_cosine_schedule_with_warmup

from data import conll


class Config:
    model = "bert-large-cased"
    lr = 1e-5
    batch_size = 8
    accumulate = 4
    epochs = 6
    max_len = 128
    warmup = 200
    seed = 99
    # smaller than usual because the GPU has only 11 GB
    eval_batch_size = 16


cfg = Config()
torch.manual_seed(cfg.seed)
tokenizer = BertTokenizerFast.from_pretrained(cfg.model)
model = BertForTokenClassification.from_pretrained(cfg.model).cuda()
train_loader = DataLoader(conll("train", tokenizer, cfg.max_len), batch_size=cfg.batch_size, shuffle=True)
val_loader = DataLoader(conll("validation", tokenizer, cfg.max_len), batch_size=cfg.eval_batch_size)
optimizer = torch.optim.AdamW(
    [
        {"params": model.bert.parameters(), "lr": cfg.lr},
        {"params": model.classifier.parameters(), "lr": 1e-3},
    ],
    weight_decay=0.01,
)
total = len(train_loader) // cfg.accumulate * cfg.epochs
scheduler = get_cosine_schedule_with_warmup(optimizer, num_warmup_steps=cfg.warmup, num_training_steps=total)


def validate():
    model.eval()
    with torch.no_grad():
        losses = [model(**batch).loss.item() for batch in val_loader]
    model.train()
    return sum(losses) / len(losses)


for epoch in range(cfg.epochs):
    for i, batch in enumerate(train_loader):
        loss = model(**batch).loss / cfg.accumulate
        loss.backward()
        if (i + 1) % cfg.accumulate == 0:
            optimizer.step()
            scheduler.step()
            optimizer.zero_grad()
    print(epoch, validate())
model.save_pretrained("models/ner")
