from dataclasses import dataclass
from pathlib import Path

import torch
import torch.nn.functional as F
from accelerate import Accelerator
from datasets import load_dataset
from diffusers import DDPMPipeline, DDPMScheduler, UNet2DModel
from diffusers.optimization import get_cosine_schedule_with_warmup
from diffusers.training_utils import EMAModel
from diffusers.utils import make_image_grid
from torchvision import transforms
from tqdm.auto import tqdm


@dataclass
class TrainingConfig:
    dataset_name: str = "huggan/smithsonian_butterflies_subset"
    image_size: int = 128  # the generated image resolution
    train_batch_size: int = 20
    eval_batch_size: int = 9  # images in a sample grid
    num_epochs: int = 90
    gradient_accumulation_steps: int = 2
    learning_rate: float = 1.2e-4
    weight_decay: float = 1e-6
    lr_warmup_steps: int = 600
    max_grad_norm: float = 1.0
    save_image_epochs: int = 10
    save_model_epochs: int = 30
    mixed_precision: str = "fp16"  # `no` for float32, `fp16` for automatic mixed precision
    output_dir: str = "ddpm-butterflies-128"
    seed: int = 5


config = TrainingConfig()


def make_loader():
    preprocess = transforms.Compose([
        transforms.Resize((config.image_size, config.image_size)),
        transforms.RandomHorizontalFlip(),
        transforms.ToTensor(),
        transforms.Normalize([0.5], [0.5]),
    ])
    dataset = load_dataset(config.dataset_name, split="train")
    dataset.set_transform(lambda rows: {"images": [preprocess(image.convert("RGB")) for image in rows["image"]]})
    return torch.utils.data.DataLoader(dataset, batch_size=config.train_batch_size, shuffle=True)


def sample_grid(pipeline, epoch):
    images = pipeline(
        batch_size=config.eval_batch_size, generator=torch.Generator(device="cpu").manual_seed(config.seed)
    ).images
    folder = Path(config.output_dir, "samples")
    folder.mkdir(parents=True, exist_ok=True)
    make_image_grid(images, rows=3, cols=3).save(folder / f"{epoch:04d}.png")


def train_loop():
    torch.manual_seed(config.seed)
    accelerator = Accelerator(
        mixed_precision=config.mixed_precision,
        gradient_accumulation_steps=config.gradient_accumulation_steps,
        log_with="tensorboard",
        project_dir=Path(config.output_dir, "logs"),
    )
    accelerator.init_trackers("butterflies")
    model = UNet2DModel(
        sample_size=config.image_size,
        layers_per_block=2,
        block_out_channels=(128, 128, 256, 256, 512, 512),
        down_block_types=("DownBlock2D",) * 4 + ("AttnDownBlock2D", "DownBlock2D"),
        up_block_types=("UpBlock2D", "AttnUpBlock2D") + ("UpBlock2D",) * 4,
    )
    noise_scheduler = DDPMScheduler(num_train_timesteps=1000)
    loader = make_loader()
    optimizer = torch.optim.AdamW(model.parameters(), lr=config.learning_rate, weight_decay=config.weight_decay)
    lr_scheduler = get_cosine_schedule_with_warmup(
        optimizer, num_warmup_steps=config.lr_warmup_steps, num_training_steps=len(loader) * config.num_epochs
    )
    model, optimizer, loader, lr_scheduler = accelerator.prepare(model, optimizer, loader, lr_scheduler)
    ema = EMAModel(accelerator.unwrap_model(model).parameters(), decay=0.9995)
    ema.to(accelerator.device)

    global_step = 0
    for epoch in range(config.num_epochs):
        for batch in tqdm(loader, desc=f"Epoch {epoch}", disable=not accelerator.is_local_main_process):
            clean = batch["images"]
            noise = torch.randn_like(clean)
            t = torch.randint(0, noise_scheduler.config.num_train_timesteps, (len(clean),), device=clean.device)
            with accelerator.accumulate(model):
                pred = model(noise_scheduler.add_noise(clean, noise, t), t, return_dict=False)[0]
                loss = F.mse_loss(pred, noise)
                accelerator.backward(loss)
                if accelerator.sync_gradients:
                    accelerator.clip_grad_norm_(model.parameters(), config.max_grad_norm)
                optimizer.step()
                lr_scheduler.step()
                optimizer.zero_grad()
            if accelerator.sync_gradients:
                ema.step(accelerator.unwrap_model(model).parameters())
            accelerator.log({"loss": loss.item(), "lr": lr_scheduler.get_last_lr()[0]}, step=global_step)
            global_step += 1

        if accelerator.is_main_process:
            pipeline = DDPMPipeline(unet=accelerator.unwrap_model(model), scheduler=noise_scheduler)
            if (epoch + 1) % config.save_image_epochs == 0:
                sample_grid(pipeline, epoch + 1)
            if (epoch + 1) % config.save_model_epochs == 0:
                pipeline.save_pretrained(config.output_dir)
    accelerator.end_training()


if __name__ == "__main__":
    train_loop()
