"""Spectral-norm GAN with hinge loss for product photos of shoes (64 x 64)."""
import os

import torch
import torch.nn as nn
import torch.nn.functional as F
import wandb
from torch.nn.utils.parametrizations import spectral_norm
from torch.utils.data import DataLoader
from torchvision import datasets, transforms, utils

DATA_ROOT = "data/shoes64"
OUT = "gan_shoes_out"
SEED = 73
STEPS = 120_000
BATCH_SIZE = 96
LATENT = 128
LR_G = 1e-4
LR_D = 4e-4
BETAS = (0.0, 0.9)
N_CRITIC = 2
SAMPLE_EVERY = 1000
SAVE_EVERY = 10_000
DEVICE = "cuda"


class Generator(nn.Module):
    def __init__(self, z=LATENT, width=64):
        super().__init__()
        blocks = [nn.ConvTranspose2d(z, width * 8, 4, 1, 0), nn.BatchNorm2d(width * 8), nn.ReLU(True)]
        for i in (8, 4, 2):
            blocks += [
                nn.ConvTranspose2d(width * i, width * i // 2, 4, 2, 1),
                nn.BatchNorm2d(width * i // 2),
                nn.ReLU(True),
            ]
        blocks += [nn.ConvTranspose2d(width, 3, 4, 2, 1), nn.Tanh()]
        self.net = nn.Sequential(*blocks)

    def forward(self, z):
        return self.net(z[:, :, None, None])


class Discriminator(nn.Module):
    def __init__(self, width=64):
        super().__init__()
        channels = [3, width, width * 2, width * 4, width * 8]
        blocks = []
        for a, b in zip(channels, channels[1:]):
            blocks += [spectral_norm(nn.Conv2d(a, b, 4, 2, 1)), nn.LeakyReLU(0.1, True)]
        self.net = nn.Sequential(*blocks, spectral_norm(nn.Conv2d(channels[-1], 1, 4)))

    def forward(self, x):
        return self.net(x).flatten()


def endless(loader):
    while True:
        for images, _ in loader:
            yield images.to(DEVICE, non_blocking=True)


def main():
    torch.manual_seed(SEED)
    os.makedirs(OUT, exist_ok=True)
    wandb.init(project="gan-shoes")
    transform = transforms.Compose([
        transforms.Resize(64),
        transforms.CenterCrop(64),
        transforms.RandomHorizontalFlip(),
        transforms.ToTensor(),
        transforms.Normalize([0.5] * 3, [0.5] * 3),
    ])
    loader = DataLoader(
        datasets.ImageFolder(DATA_ROOT, transform), batch_size=BATCH_SIZE, shuffle=True, num_workers=8, drop_last=True
    )
    batches = endless(loader)
    gen, disc = Generator().to(DEVICE), Discriminator().to(DEVICE)
    opt_g = torch.optim.Adam(gen.parameters(), lr=LR_G, betas=BETAS)
    opt_d = torch.optim.Adam(disc.parameters(), lr=LR_D, betas=BETAS)
    fixed = torch.randn(64, LATENT, device=DEVICE)

    for step in range(1, STEPS + 1):
        for _ in range(N_CRITIC):
            real = next(batches)
            with torch.no_grad():
                fake = gen(torch.randn(len(real), LATENT, device=DEVICE))
            loss_d = F.relu(1 - disc(real)).mean() + F.relu(1 + disc(fake)).mean()
            opt_d.zero_grad(set_to_none=True)
            loss_d.backward()
            opt_d.step()
        loss_g = -disc(gen(torch.randn(BATCH_SIZE, LATENT, device=DEVICE))).mean()
        opt_g.zero_grad(set_to_none=True)
        loss_g.backward()
        opt_g.step()
        if step % 50 == 0:
            wandb.log({"loss/d": loss_d.item(), "loss/g": loss_g.item()}, step=step)
        if step % SAMPLE_EVERY == 0:
            with torch.no_grad():
                utils.save_image(gen(fixed), f"{OUT}/sample_{step:06d}.png", normalize=True)
        if step % SAVE_EVERY == 0:
            torch.save({"gen": gen.state_dict(), "disc": disc.state_dict()}, f"{OUT}/step_{step:06d}.pt")


if __name__ == "__main__":
    main()
