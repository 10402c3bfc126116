from dataclasses import dataclass
from pathlib import Path

import torch
import torch.nn.functional as F
from accelerate import Accelerator
from accelerate.utils import set_seed
from diffusers import AutoencoderKL, DDPMScheduler, UNet2DConditionModel
from diffusers.optimization import get_scheduler
from torch.utils.data import DataLoader
from transformers import CLIPTextModel, CLIPTokenizer

from concept_images import ConceptImages


@dataclass
class Args:
    pretrained_model: str = "stabilityai/stable-diffusion-2-1-base"
    train_dir: str = "images/teapot"
    placeholder_token: str = "<teapot>"
    initializer_token: str = "teapot"
    resolution: int = 512
    train_batch_size: int = 4
    gradient_accumulation_steps: int = 2
    max_train_steps: int = 3000
    learning_rate: float = 5e-4
    lr_scheduler: str = "cosine"
    lr_warmup_steps: int = 50
    weight_decay: float = 1e-2
    mixed_precision: str = "fp16"
    save_steps: int = 500
    log_steps: int = 10
    seed: int = 222
    output_dir: str = "ti-teapot"


def main(args: Args):
    accelerator = Accelerator(
        gradient_accumulation_steps=args.gradient_accumulation_steps,
        mixed_precision=args.mixed_precision,
        log_with="tensorboard",
        project_dir=args.output_dir,
    )
    set_seed(args.seed)
    accelerator.init_trackers("textual_inversion")
    tokenizer = CLIPTokenizer.from_pretrained(args.pretrained_model, subfolder="tokenizer")
    text_encoder = CLIPTextModel.from_pretrained(args.pretrained_model, subfolder="text_encoder")
    vae = AutoencoderKL.from_pretrained(args.pretrained_model, subfolder="vae").requires_grad_(False)
    unet = UNet2DConditionModel.from_pretrained(args.pretrained_model, subfolder="unet").requires_grad_(False)
    noise_scheduler = DDPMScheduler.from_pretrained(args.pretrained_model, subfolder="scheduler")

    tokenizer.add_tokens(args.placeholder_token)
    token_id = tokenizer.convert_tokens_to_ids(args.placeholder_token)
    init_id = tokenizer.encode(args.initializer_token, add_special_tokens=False)[0]
    text_encoder.resize_token_embeddings(len(tokenizer))
    embeddings = text_encoder.get_input_embeddings()
    embeddings.weight.data[token_id] = embeddings.weight.data[init_id].clone()

    optimizer = torch.optim.AdamW(embeddings.parameters(), lr=args.learning_rate, weight_decay=args.weight_decay)
    dataset = ConceptImages(args.train_dir, tokenizer, args.placeholder_token, args.resolution)
    loader = DataLoader(dataset, batch_size=args.train_batch_size, shuffle=True)
    scheduler = get_scheduler(
        args.lr_scheduler,
        optimizer=optimizer,
        num_warmup_steps=args.lr_warmup_steps,
        num_training_steps=args.max_train_steps,
    )
    text_encoder, optimizer, loader, scheduler = accelerator.prepare(text_encoder, optimizer, loader, scheduler)
    vae.to(accelerator.device)
    unet.to(accelerator.device)

    global_step = 0
    while global_step < args.max_train_steps:
        for batch in loader:
            with accelerator.accumulate(text_encoder):
                latents = vae.encode(batch["pixel_values"]).latent_dist.sample() * vae.config.scaling_factor
                noise = torch.randn_like(latents)
                t = torch.randint(0, noise_scheduler.config.num_train_timesteps, (len(latents),), device=latents.device)
                hidden = text_encoder(batch["input_ids"])[0]
                pred = unet(noise_scheduler.add_noise(latents, noise, t), t, hidden).sample
                loss = F.mse_loss(pred.float(), noise.float())
                accelerator.backward(loss)
                optimizer.step()
                scheduler.step()
                optimizer.zero_grad()
            if accelerator.sync_gradients:
                global_step += 1
                if global_step % args.log_steps == 0:
                    accelerator.log({"loss": loss.item()}, step=global_step)
                if global_step % args.save_steps == 0:
                    learned = accelerator.unwrap_model(text_encoder).get_input_embeddings().weight[token_id]
                    torch.save(
                        {args.placeholder_token: learned.detach().cpu()},
                        Path(args.output_dir) / f"learned_embeds-{global_step}.bin",
                    )
                if global_step >= args.max_train_steps:
                    break
    accelerator.end_training()


if __name__ == "__main__":
    main(Args())
