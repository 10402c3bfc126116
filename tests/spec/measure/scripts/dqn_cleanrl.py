import os
import random
import time
from dataclasses import dataclass

import gymnasium as gym
import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
import torch.optim as optim
import tyro
from stable_baselines3.common.buffers import ReplayBuffer
from torch.utils.tensorboard import SummaryWriter


@dataclass
class Args:
    exp_name: str = os.path.basename(__file__)[: -len(".py")]
    seed: int = 1
    env_id: str = "CartPole-v1"
    total_timesteps: int = 500_000
    learning_rate: float = 2.5e-4
    buffer_size: int = 10_000
    gamma: float = 0.99
    tau: float = 1.0
    target_network_frequency: int = 500
    batch_size: int = 128
    start_e: float = 1.0
    end_e: float = 0.05
    exploration_fraction: float = 0.5
    learning_starts: int = 10_000
    train_frequency: int = 10
    save_frequency: int = 50_000
    save_dir: str = "models/dqn"


class QNetwork(nn.Module):
    def __init__(self, env):
        super().__init__()
        self.network = nn.Sequential(
            nn.Linear(int(np.prod(env.observation_space.shape)), 120),
            nn.ReLU(),
            nn.Linear(120, 84),
            nn.ReLU(),
            nn.Linear(84, env.action_space.n),
        )

    def forward(self, x):
        return self.network(x)


def epsilon(args, t):
    slope = (args.end_e - args.start_e) / (args.exploration_fraction * args.total_timesteps)
    return max(slope * t + args.start_e, args.end_e)


if __name__ == "__main__":
    args = tyro.cli(Args)
    run_name = f"{args.env_id}__{args.exp_name}__{args.seed}__{int(time.time())}"
    writer = SummaryWriter(f"runs/{run_name}")
    random.seed(args.seed)
    np.random.seed(args.seed)
    torch.manual_seed(args.seed)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")

    env = gym.wrappers.RecordEpisodeStatistics(gym.make(args.env_id))
    q_network = QNetwork(env).to(device)
    target_network = QNetwork(env).to(device)
    target_network.load_state_dict(q_network.state_dict())
    optimizer = optim.Adam(q_network.parameters(), lr=args.learning_rate)
    rb = ReplayBuffer(args.buffer_size, env.observation_space, env.action_space, device)

    obs, _ = env.reset(seed=args.seed)
    for step in range(args.total_timesteps):
        if random.random() < epsilon(args, step):
            action = env.action_space.sample()
        else:
            with torch.no_grad():
                action = q_network(torch.as_tensor(obs, device=device).unsqueeze(0)).argmax(1).item()
        next_obs, reward, terminated, truncated, info = env.step(action)
        rb.add(obs, next_obs, np.array(action), reward, terminated, [info])
        obs = next_obs
        if terminated or truncated:
            writer.add_scalar("charts/episodic_return", info["episode"]["r"], step)
            obs, _ = env.reset()
        if step > args.learning_starts and step % args.train_frequency == 0:
            batch = rb.sample(args.batch_size)
            with torch.no_grad():
                best, _ = target_network(batch.next_observations).max(dim=1)
                target = batch.rewards.flatten() + args.gamma * best * (1 - batch.dones.flatten())
            value = q_network(batch.observations).gather(1, batch.actions).squeeze()
            loss = F.mse_loss(target, value)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            if step % 100 == 0:
                writer.add_scalar("losses/td_loss", loss.item(), step)
        if step % args.target_network_frequency == 0:
            target_network.load_state_dict(q_network.state_dict())
        if step % args.save_frequency == 0:
            os.makedirs(args.save_dir, exist_ok=True)
            torch.save(q_network.state_dict(), f"{args.save_dir}/{step}.pt")
    writer.close()
