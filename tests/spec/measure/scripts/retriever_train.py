import torch
from torch.utils.data import DataLoader
from transformers import AutoModel, AutoTokenizer, get_linear_schedule_with_warmup

from data import Pairs
from losses import contrastive
from retriever_settings import settings

model_cfg, optim_cfg, train_cfg = settings["model"], settings["optim"], settings["train"]


def main():
    torch.manual_seed(train_cfg["seed"])
    tokenizer = AutoTokenizer.from_pretrained(model_cfg["name"])
    encoder = AutoModel.from_pretrained(model_cfg["name"]).to("cuda")

    def collate(pairs):
        texts = [text for pair in pairs for text in pair]
        return tokenizer(texts, padding=True, truncation=True, max_length=model_cfg["max_length"], return_tensors="pt")

    loader = DataLoader(Pairs("train"), batch_size=train_cfg["batch_size"], shuffle=True, collate_fn=collate)
    optimizer = torch.optim.AdamW(encoder.parameters(), lr=optim_cfg["lr"], weight_decay=optim_cfg["weight_decay"])
    total = len(loader) // train_cfg["accumulate"] * train_cfg["epochs"]
    scheduler = get_linear_schedule_with_warmup(optimizer, optim_cfg["warmup_steps"], total)
    for epoch in range(train_cfg["epochs"]):
        for i, batch in enumerate(loader):
            batch = batch.to("cuda")
            with torch.autocast("cuda", dtype=torch.bfloat16):
                loss = contrastive(encoder(**batch).last_hidden_state[:, 0]) / train_cfg["accumulate"]
            loss.backward()
            if (i + 1) % train_cfg["accumulate"] == 0:
                torch.nn.utils.clip_grad_norm_(encoder.parameters(), train_cfg["clip"])
                optimizer.step()
                scheduler.step()
                optimizer.zero_grad(set_to_none=True)
        encoder.save_pretrained(train_cfg["output_dir"])


if __name__ == "__main__":
    main()
