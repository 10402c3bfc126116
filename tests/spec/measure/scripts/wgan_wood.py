"""WGAN-GP for wood grain textures (128 x 128)."""
import argparse
import itertools
from pathlib import Path

import torch
import torch.nn as nn
import wandb
from torch.utils.data import DataLoader
from torchvision import transforms
from torchvision.datasets import ImageFolder
from torchvision.utils import save_image


def parse_args():
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("--data", default="data/wood_scans", help="folder of folders of images")
    p.add_argument("--out", type=Path, default=Path("results/wood"))
    p.add_argument("--iterations", type=int, default=75_000, help="steps of the generator")
    p.add_argument("--batch-size", type=int, default=44)
    p.add_argument("--lr", type=float, default=1.4e-4)
    p.add_argument("--beta1", type=float, default=0.0)
    p.add_argument("--beta2", type=float, default=0.9)
    p.add_argument("--latent", type=int, default=160)
    p.add_argument("--critic-steps", type=int, default=5)
    p.add_argument("--gp-weight", type=float, default=10.0)
    p.add_argument("--sample-every", type=int, default=500)
    p.add_argument("--checkpoint-every", type=int, default=7500)
    p.add_argument("--workers", type=int, default=6)
    p.add_argument("--device", default="cuda:0")
    p.add_argument("--seed", type=int, default=29)
    return p.parse_args()


class WGAN:
    def __init__(self, args):
        self.args = args
        self.gen = self.make_generator(args.latent).to(args.device)
        self.critic = self.make_critic().to(args.device)
        betas = (args.beta1, args.beta2)
        self.opt_gen = torch.optim.Adam(self.gen.parameters(), lr=args.lr, betas=betas)
        self.opt_critic = torch.optim.Adam(self.critic.parameters(), lr=args.lr, betas=betas)

    @staticmethod
    def make_generator(latent, w=48):
        layers = [nn.Unflatten(1, (latent, 1, 1)), nn.ConvTranspose2d(latent, 16 * w, 4), nn.ReLU()]
        for a, b in itertools.pairwise([16 * w, 8 * w, 4 * w, 2 * w, w]):
            layers += [nn.ConvTranspose2d(a, b, 4, 2, 1), nn.BatchNorm2d(b), nn.ReLU()]
        return nn.Sequential(*layers, nn.ConvTranspose2d(w, 3, 4, 2, 1), nn.Tanh())

    @staticmethod
    def make_critic(w=48):
        layers = []
        for a, b in itertools.pairwise([3, w, 2 * w, 4 * w, 8 * w, 16 * w]):
            layers += [nn.Conv2d(a, b, 4, 2, 1), nn.LeakyReLU(0.2)]
        return nn.Sequential(*layers, nn.Conv2d(16 * w, 1, 4), nn.Flatten(0))

    def noise(self, n):
        return torch.randn(n, self.args.latent, device=self.args.device)

    def penalty(self, real, fake):
        mix = torch.rand(len(real), 1, 1, 1, device=real.device)
        x = (mix * real + (1 - mix) * fake).requires_grad_(True)
        grad = torch.autograd.grad(self.critic(x).sum(), x, create_graph=True)[0]
        return ((grad.flatten(1).norm(dim=1) - 1) ** 2).mean()

    def critic_step(self, real):
        with torch.no_grad():
            fake = self.gen(self.noise(len(real)))
        distance = self.critic(real).mean() - self.critic(fake).mean()
        loss = -distance + self.args.gp_weight * self.penalty(real, fake)
        self.opt_critic.zero_grad()
        loss.backward()
        self.opt_critic.step()
        return distance.item()

    def gen_step(self):
        loss = -self.critic(self.gen(self.noise(self.args.batch_size))).mean()
        self.opt_gen.zero_grad()
        loss.backward()
        self.opt_gen.step()
        return loss.item()

    def save(self, step):
        state = {"gen": self.gen.state_dict(), "critic": self.critic.state_dict(), "step": step}
        torch.save(state, self.args.out / f"wgan_{step:06d}.pt")


def batches(args):
    transform = transforms.Compose([
        transforms.RandomCrop(128),
        transforms.RandomHorizontalFlip(),
        transforms.ToTensor(),
        transforms.Normalize([0.5] * 3, [0.5] * 3),
    ])
    loader = DataLoader(
        ImageFolder(args.data, transform), batch_size=args.batch_size, shuffle=True, num_workers=args.workers, drop_last=True
    )
    while True:
        for images, _ in loader:
            yield images.to(args.device, non_blocking=True)


def main():
    args = parse_args()
    torch.manual_seed(args.seed)
    args.out.mkdir(parents=True, exist_ok=True)
    wandb.init(project="wood-grain", config=vars(args))
    gan, stream = WGAN(args), batches(args)
    fixed = gan.noise(36)
    for step in range(1, args.iterations + 1):
        for _ in range(args.critic_steps):
            distance = gan.critic_step(next(stream))
        loss = gan.gen_step()
        if step % 100 == 0:
            wandb.log({"wasserstein": distance, "loss_g": loss}, step=step)
        if step % args.sample_every == 0:
            with torch.no_grad():
                save_image(gan.gen(fixed), args.out / f"sample_{step:06d}.png", nrow=6, normalize=True)
        if step % args.checkpoint_every == 0:
            gan.save(step)


if __name__ == "__main__":
    main()
