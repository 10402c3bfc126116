import argparse
import os

import torch
import torch.nn.functional as F
from accelerate import Accelerator
from accelerate.utils import set_seed
from datasets import load_dataset
from diffusers import DDPMScheduler, StableDiffusionXLPipeline
from diffusers.optimization import get_scheduler
from peft import LoraConfig
from peft.utils import get_peft_model_state_dict

from images import collate, encode_prompts, to_pixels


def parse_args():
    p = argparse.ArgumentParser(description="LoRA for the UNet of SDXL")
    p.add_argument("--pretrained_model_name_or_path", type=str, default="stabilityai/stable-diffusion-xl-base-1.0")
    p.add_argument("--dataset_name", type=str, default="lambdalabs/naruto-blip-captions")
    p.add_argument("--output_dir", type=str, default="sdxl-naruto-lora")
    p.add_argument("--resolution", type=int, default=1024)
    p.add_argument("--rank", type=int, default=16)
    p.add_argument("--train_batch_size", type=int, default=2)
    p.add_argument("--gradient_accumulation_steps", type=int, default=4)
    p.add_argument("--max_train_steps", type=int, default=3000)
    p.add_argument("--learning_rate", type=float, default=1e-4)
    p.add_argument("--lr_scheduler", type=str, default="cosine")
    p.add_argument("--lr_warmup_steps", type=int, default=100)
    p.add_argument("--max_grad_norm", type=float, default=1.0)
    p.add_argument("--checkpointing_steps", type=int, default=500)
    p.add_argument("--mixed_precision", type=str, default="fp16", choices=["no", "fp16", "bf16"])
    p.add_argument("--report_to", type=str, default="tensorboard")
    p.add_argument("--seed", type=int, default=1337)
    return p.parse_args()


def main(args):
    accelerator = Accelerator(
        gradient_accumulation_steps=args.gradient_accumulation_steps,
        mixed_precision=args.mixed_precision,
        log_with=args.report_to,
        project_dir=args.output_dir,
    )
    set_seed(args.seed)
    pipe = StableDiffusionXLPipeline.from_pretrained(args.pretrained_model_name_or_path)
    noise_scheduler = DDPMScheduler.from_config(pipe.scheduler.config)
    vae, unet = pipe.vae.requires_grad_(False).to(accelerator.device), pipe.unet.requires_grad_(False)
    unet.add_adapter(
        LoraConfig(r=args.rank, lora_alpha=args.rank, target_modules=["to_k", "to_q", "to_v", "to_out.0"])
    )
    params = [p for p in unet.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(params, lr=args.learning_rate, weight_decay=1e-2)
    data = load_dataset(args.dataset_name, split="train").with_transform(to_pixels(args.resolution))
    loader = torch.utils.data.DataLoader(data, batch_size=args.train_batch_size, shuffle=True, collate_fn=collate)
    lr_scheduler = get_scheduler(
        args.lr_scheduler, optimizer, num_warmup_steps=args.lr_warmup_steps, num_training_steps=args.max_train_steps
    )
    unet, optimizer, loader, lr_scheduler = accelerator.prepare(unet, optimizer, loader, lr_scheduler)
    accelerator.init_trackers("sdxl-lora", config=vars(args))
    step = 0
    while step < args.max_train_steps:
        for batch in loader:
            with accelerator.accumulate(unet):
                latents = vae.encode(batch["pixels"]).latent_dist.sample() * vae.config.scaling_factor
                noise = torch.randn_like(latents)
                t = torch.randint(0, 1000, (latents.shape[0],), device=latents.device)
                noisy = noise_scheduler.add_noise(latents, noise, t)
                guess = unet(noisy, t, **encode_prompts(pipe, batch["text"])).sample
                loss = F.mse_loss(guess.float(), noise.float())
                accelerator.backward(loss)
                if accelerator.sync_gradients:
                    accelerator.clip_grad_norm_(params, args.max_grad_norm)
                optimizer.step()
                lr_scheduler.step()
                optimizer.zero_grad()
            if accelerator.sync_gradients:
                step += 1
                accelerator.log({"loss": loss.item()}, step=step)
                if step % args.checkpointing_steps == 0:
                    accelerator.save_state(os.path.join(args.output_dir, f"checkpoint-{step}"))
            if step >= args.max_train_steps:
                break
    weights = get_peft_model_state_dict(accelerator.unwrap_model(unet))
    StableDiffusionXLPipeline.save_lora_weights(args.output_dir, unet_lora_layers=weights)


if __name__ == "__main__":
    main(parse_args())
