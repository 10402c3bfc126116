from pathlib import Path

import torch
from pydantic import Field, PositiveInt
from pydantic_settings import BaseSettings, SettingsConfigDict
from torch.utils.data import DataLoader
from transformers import AutoModelForCTC, AutoProcessor

from speech import Utterances, pad


class Settings(BaseSettings):
    model_config = SettingsConfigDict(env_prefix="CTC_", env_file=".env")

    checkpoint: str = "facebook/wav2vec2-large-xlsr-53"
    batch: PositiveInt = Field(8, description="utterances in a batch")
    accumulate: PositiveInt = Field(default=4)
    learning_rate: float = Field(3e-4, gt=0)
    weight_decay: float = 0.005
    epochs: int = Field(30, ge=1, le=100)
    warmup_steps: int = 500
    seed: int = 5
    runs: Path = Path("runs/xlsr-sorbian")


settings = Settings()


def main() -> None:
    torch.manual_seed(settings.seed)
    processor = AutoProcessor.from_pretrained(settings.checkpoint)
    model = AutoModelForCTC.from_pretrained(settings.checkpoint, vocab_size=len(processor.tokenizer)).cuda()
    model.freeze_feature_encoder()
    loader = DataLoader(Utterances("train"), batch_size=settings.batch, shuffle=True, collate_fn=pad)
    optimizer = torch.optim.AdamW(
        model.parameters(), lr=settings.learning_rate, weight_decay=settings.weight_decay
    )
    scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda s: min(1.0, s / settings.warmup_steps))
    scaler = torch.amp.GradScaler("cuda")
    for epoch in range(settings.epochs):
        for i, batch in enumerate(loader):
            with torch.autocast("cuda", dtype=torch.float16):
                loss = model(**{k: v.cuda() for k, v in batch.items()}).loss / settings.accumulate
            scaler.scale(loss).backward()
            if (i + 1) % settings.accumulate == 0:
                scaler.step(optimizer)
                scaler.update()
                scheduler.step()
                optimizer.zero_grad()
        model.save_pretrained(settings.runs / f"epoch{epoch:02d}")


if __name__ == "__main__":
    main()
