import copy
import random
from dataclasses import dataclass
from pathlib import Path

import gymnasium as gym
import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
import tyro
from torch.utils.tensorboard import SummaryWriter


@dataclass
class Args:
    env_id: str = "Pusher-v5"
    seed: int = 14
    device: str = "cuda"
    total_timesteps: int = 600_000
    learning_starts: int = 15_000
    buffer_size: int = 400_000
    batch_size: int = 192
    actor_lr: float = 2e-4
    critic_lr: float = 6e-4
    gamma: float = 0.98
    tau: float = 0.005
    exploration_noise: float = 0.1
    policy_noise: float = 0.2
    noise_clip: float = 0.5
    policy_frequency: int = 2
    eval_every: int = 10_000
    eval_episodes: int = 8
    save_every: int = 50_000
    run_dir: str = "runs/td3_pusher"


def mlp(inputs, outputs, *last):
    return nn.Sequential(
        nn.Linear(inputs, 256), nn.ReLU(), nn.Linear(256, 256), nn.ReLU(), nn.Linear(256, outputs), *last
    )


class Buffer:
    def __init__(self, size, obs_dim, act_dim, device):
        self.size, self.device, self.n, self.i = size, device, 0, 0
        self.data = np.zeros((size, 2 * obs_dim + act_dim + 2), dtype=np.float32)
        self.splits = np.cumsum([obs_dim, act_dim, 1, obs_dim])

    def add(self, obs, action, reward, nxt, done):
        self.data[self.i] = np.concatenate([obs, action, [reward], nxt, [done]])
        self.i = (self.i + 1) % self.size
        self.n = min(self.n + 1, self.size)

    def sample(self, k):
        rows = self.data[np.random.randint(0, self.n, k)]
        return [torch.as_tensor(part, device=self.device) for part in np.split(rows, self.splits, axis=1)]


def evaluate(actor, args, scale):
    env, returns = gym.make(args.env_id), []
    for episode in range(args.eval_episodes):
        obs, _ = env.reset(seed=1000 + episode)
        total, over = 0.0, False
        while not over:
            with torch.no_grad():
                action = actor(torch.as_tensor(obs, dtype=torch.float32, device=args.device)).cpu().numpy()
            obs, reward, terminated, truncated, _ = env.step(action * scale)
            total, over = total + reward, terminated or truncated
        returns.append(total)
    env.close()
    return float(np.mean(returns))


def main(args: Args):
    random.seed(args.seed)
    np.random.seed(args.seed)
    torch.manual_seed(args.seed)
    run_dir = Path(args.run_dir)
    run_dir.mkdir(parents=True, exist_ok=True)
    writer = SummaryWriter(run_dir)
    env = gym.make(args.env_id)
    obs_dim, act_dim = env.observation_space.shape[0], env.action_space.shape[0]
    scale = float(env.action_space.high[0])

    actor = mlp(obs_dim, act_dim, nn.Tanh()).to(args.device)
    critics = nn.ModuleList([mlp(obs_dim + act_dim, 1) for _ in range(2)]).to(args.device)
    actor_target, critics_target = copy.deepcopy(actor), copy.deepcopy(critics)
    actor_optimizer = torch.optim.Adam(actor.parameters(), lr=args.actor_lr)
    critic_optimizer = torch.optim.Adam(critics.parameters(), lr=args.critic_lr)
    buffer = Buffer(args.buffer_size, obs_dim, act_dim, args.device)

    obs, _ = env.reset(seed=args.seed)
    for step in range(1, args.total_timesteps + 1):
        if step < args.learning_starts:
            action = np.random.uniform(-1, 1, act_dim)
        else:
            with torch.no_grad():
                action = actor(torch.as_tensor(obs, dtype=torch.float32, device=args.device)).cpu().numpy()
            action = (action + np.random.normal(0, args.exploration_noise, act_dim)).clip(-1, 1)
        nxt, reward, terminated, truncated, _ = env.step(action * scale)
        buffer.add(obs, action, reward, nxt, float(terminated))
        obs = env.reset()[0] if terminated or truncated else nxt
        if step < args.learning_starts:
            continue

        o, a, r, n, d = buffer.sample(args.batch_size)
        with torch.no_grad():
            noise = (torch.randn_like(a) * args.policy_noise).clamp(-args.noise_clip, args.noise_clip)
            na = torch.cat([n, (actor_target(n) + noise).clamp(-1, 1)], 1)
            target = r + args.gamma * (1 - d) * torch.min(critics_target[0](na), critics_target[1](na))
        loss = sum(F.mse_loss(critic(torch.cat([o, a], 1)), target) for critic in critics)
        critic_optimizer.zero_grad()
        loss.backward()
        critic_optimizer.step()
        if step % args.policy_frequency == 0:
            actor_loss = -critics[0](torch.cat([o, actor(o)], 1)).mean()
            actor_optimizer.zero_grad()
            actor_loss.backward()
            actor_optimizer.step()
            for net, slow in ((actor, actor_target), (critics, critics_target)):
                for p, q in zip(net.parameters(), slow.parameters()):
                    q.data.lerp_(p.data, args.tau)
        if step % args.eval_every == 0:
            writer.add_scalar("eval/return", evaluate(actor, args, scale), step)
            writer.add_scalar("loss/critic", loss.item(), step)
        if step % args.save_every == 0:
            torch.save({"actor": actor.state_dict(), "critics": critics.state_dict()}, run_dir / f"td3_{step}.pt")
    writer.close()


if __name__ == "__main__":
    main(tyro.cli(Args))
