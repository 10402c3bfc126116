import os
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from accelerate import Accelerator
from datasets import load_dataset
from diffusers import DDPMPipeline, DDPMScheduler, UNet2DModel
from diffusers.optimization import get_cosine_schedule_with_warmup
from torchvision import transforms
from tqdm.auto import tqdm


@dataclass
class TrainingConfig:
    image_size = 128
    train_batch_size = 16
    eval_batch_size = 16
    num_epochs = 50
    gradient_accumulation_steps = 1
    learning_rate = 1e-4
    lr_warmup_steps = 500
    save_image_epochs = 10
    save_model_epochs = 30
    mixed_precision = "fp16"
    output_dir = "ddpm-butterflies-128"
    seed = 0


config = TrainingConfig()
dataset = load_dataset("huggan/smithsonian_butterflies_subset", split="train")
preprocess = transforms.Compose([
    transforms.Resize((config.image_size, config.image_size)),
    transforms.RandomHorizontalFlip(),
    transforms.ToTensor(),
    transforms.Normalize([0.5], [0.5]),
])
dataset.set_transform(lambda rows: {"images": [preprocess(i.convert("RGB")) for i in rows["image"]]})
train_dataloader = torch.utils.data.DataLoader(dataset, batch_size=config.train_batch_size, shuffle=True)

model = UNet2DModel(
    sample_size=config.image_size,
    in_channels=3,
    out_channels=3,
    layers_per_block=2,
    block_out_channels=(128, 128, 256, 256, 512, 512),
)
noise_scheduler = DDPMScheduler(num_train_timesteps=1000)
optimizer = torch.optim.AdamW(model.parameters(), lr=config.learning_rate)
lr_scheduler = get_cosine_schedule_with_warmup(
    optimizer=optimizer,
    num_warmup_steps=config.lr_warmup_steps,
    num_training_steps=len(train_dataloader) * config.num_epochs,
)


def train_loop():
    accelerator = Accelerator(
        mixed_precision=config.mixed_precision,
        gradient_accumulation_steps=config.gradient_accumulation_steps,
        log_with="tensorboard",
        project_dir=os.path.join(config.output_dir, "logs"),
    )
    accelerator.init_trackers("train_example")
    net, opt, loader, sched = accelerator.prepare(model, optimizer, train_dataloader, lr_scheduler)
    step = 0
    for epoch in range(config.num_epochs):
        bar = tqdm(total=len(loader), disable=not accelerator.is_local_main_process)
        for batch in loader:
            clean = batch["images"]
            noise = torch.randn(clean.shape, device=clean.device)
            t = torch.randint(0, 1000, (clean.shape[0],), device=clean.device, dtype=torch.int64)
            noisy = noise_scheduler.add_noise(clean, noise, t)
            with accelerator.accumulate(net):
                loss = F.mse_loss(net(noisy, t, return_dict=False)[0], noise)
                accelerator.backward(loss)
                accelerator.clip_grad_norm_(net.parameters(), 1.0)
                opt.step()
                sched.step()
                opt.zero_grad()
            bar.update(1)
            accelerator.log({"loss": loss.detach().item(), "lr": sched.get_last_lr()[0]}, step=step)
            step += 1
        if accelerator.is_main_process:
            pipeline = DDPMPipeline(unet=accelerator.unwrap_model(net), scheduler=noise_scheduler)
            if (epoch + 1) % config.save_image_epochs == 0:
                pipeline(batch_size=config.eval_batch_size, generator=torch.manual_seed(config.seed))
            if (epoch + 1) % config.save_model_epochs == 0 or epoch == config.num_epochs - 1:
                pipeline.save_pretrained(config.output_dir)


train_loop()
