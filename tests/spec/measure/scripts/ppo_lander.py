import random
from dataclasses import dataclass

import gymnasium as gym
import numpy as np
import torch
import tyro
from torch import nn
from torch.utils.tensorboard import SummaryWriter

from agent import Agent, collect


@dataclass
class Args:
    env_id: str = "LunarLander-v3"
    """the id of the environment"""
    seed: int = 4
    """seed of the experiment"""
    total_updates: int = 1200
    """number of policy updates"""
    learning_rate: float = 2.5e-4
    """the learning rate of the optimizer"""
    num_envs: int = 8
    num_steps: int = 256
    """steps per environment and update"""
    gamma: float = 0.99
    gae_lambda: float = 0.95
    minibatch_size: int = 512
    update_epochs: int = 4
    """passes over a rollout"""
    clip_coef: float = 0.2
    ent_coef: float = 0.01
    vf_coef: float = 0.5
    max_grad_norm: float = 0.5
    save_every: int = 100
    run_dir: str = "runs/lander"


def main(args: Args):
    random.seed(args.seed)
    np.random.seed(args.seed)
    torch.manual_seed(args.seed)
    device = torch.device("cuda")
    envs = gym.make_vec(args.env_id, num_envs=args.num_envs)
    agent = Agent(envs).to(device)
    optimizer = torch.optim.Adam(agent.parameters(), lr=args.learning_rate, eps=1e-5)
    scheduler = torch.optim.lr_scheduler.LinearLR(optimizer, 1.0, 0.0, total_iters=args.total_updates)
    writer = SummaryWriter(args.run_dir)
    for update in range(1, args.total_updates + 1):
        batch, returns = collect(agent, envs, args.num_steps, args.gamma, args.gae_lambda)
        size = args.num_envs * args.num_steps
        for _ in range(args.update_epochs):
            for part in torch.randperm(size, device=device).split(args.minibatch_size):
                logp, entropy, value = agent.evaluate(batch.obs[part], batch.actions[part])
                ratio = (logp - batch.logp[part]).exp()
                adv = batch.advantages[part]
                adv = (adv - adv.mean()) / (adv.std() + 1e-8)
                clipped = ratio.clamp(1 - args.clip_coef, 1 + args.clip_coef)
                policy_loss = -torch.min(ratio * adv, clipped * adv).mean()
                value_loss = 0.5 * (value - batch.returns[part]).pow(2).mean()
                loss = policy_loss + args.vf_coef * value_loss - args.ent_coef * entropy.mean()
                optimizer.zero_grad()
                loss.backward()
                nn.utils.clip_grad_norm_(agent.parameters(), args.max_grad_norm)
                optimizer.step()
        scheduler.step()
        writer.add_scalar("return", float(np.mean(returns)), update)
        if update % args.save_every == 0:
            torch.save(agent.state_dict(), f"{args.run_dir}/agent_{update}.pt")
    envs.close()


if __name__ == "__main__":
    main(tyro.cli(Args))
