import random
import time
from dataclasses import dataclass
from pathlib import Path

import gymnasium as gym
import numpy as np
import torch
import torch.nn as nn
import tyro
from torch.distributions import Normal
from torch.utils.tensorboard import SummaryWriter


@dataclass
class Config:
    env_id: str = "BipedalWalker-v3"
    seed: int = 29
    total_timesteps: int = 2_000_000
    learning_rate: float = 3e-4
    num_envs: int = 16
    rollout_length: int = 512
    minibatch_size: int = 256
    update_epochs: int = 10
    gamma: float = 0.99
    gae_lambda: float = 0.95
    clip_range: float = 0.18
    entropy_coef: float = 0.001
    value_coef: float = 0.5
    max_grad_norm: float = 0.7
    save_interval: int = 50
    out_dir: str = "runs/bipedal"


def layer(n_in, n_out, gain=np.sqrt(2)):
    module = nn.Linear(n_in, n_out)
    nn.init.orthogonal_(module.weight, gain)
    nn.init.zeros_(module.bias)
    return module


class ActorCritic(nn.Module):
    def __init__(self, n_obs, n_act):
        super().__init__()
        self.actor = nn.Sequential(layer(n_obs, 64), nn.Tanh(), layer(64, 64), nn.Tanh(), layer(64, n_act, 0.01))
        self.critic = nn.Sequential(layer(n_obs, 64), nn.Tanh(), layer(64, 64), nn.Tanh(), layer(64, 1, 1.0))
        self.log_std = nn.Parameter(torch.zeros(n_act))

    def policy(self, obs):
        return Normal(self.actor(obs), self.log_std.exp())

    def value(self, obs):
        return self.critic(obs).squeeze(-1)


def main(cfg: Config):
    random.seed(cfg.seed)
    np.random.seed(cfg.seed)
    torch.manual_seed(cfg.seed)
    Path(cfg.out_dir).mkdir(parents=True, exist_ok=True)
    writer = SummaryWriter(cfg.out_dir)
    envs = gym.make_vec(cfg.env_id, num_envs=cfg.num_envs, vectorization_mode="async")
    n_obs, n_act = envs.single_observation_space.shape[0], envs.single_action_space.shape[0]
    agent = ActorCritic(n_obs, n_act)
    optimizer = torch.optim.Adam(agent.parameters(), lr=cfg.learning_rate, eps=1e-5)
    T, N = cfg.rollout_length, cfg.num_envs
    obs_buf, act_buf = torch.zeros(T, N, n_obs), torch.zeros(T, N, n_act)
    logp_buf, rew_buf, done_buf, val_buf = (torch.zeros(T, N) for _ in range(4))

    num_updates = cfg.total_timesteps // (T * N)
    obs = torch.as_tensor(envs.reset(seed=cfg.seed)[0], dtype=torch.float32)
    start = time.time()
    for update in range(1, num_updates + 1):
        for group in optimizer.param_groups:
            group["lr"] = cfg.learning_rate * (1 - (update - 1) / num_updates)
        for t in range(T):
            with torch.no_grad():
                dist = agent.policy(obs)
                action = dist.sample()
                obs_buf[t], act_buf[t] = obs, action
                logp_buf[t], val_buf[t] = dist.log_prob(action).sum(-1), agent.value(obs)
            nxt, reward, terminated, truncated, _ = envs.step(action.clamp(-1, 1).numpy())
            rew_buf[t] = torch.as_tensor(reward)
            done_buf[t] = torch.as_tensor(np.logical_or(terminated, truncated), dtype=torch.float32)
            obs = torch.as_tensor(nxt, dtype=torch.float32)

        with torch.no_grad():
            next_value, gae, adv = agent.value(obs), 0.0, torch.zeros(T, N)
            for t in reversed(range(T)):
                following = next_value if t == T - 1 else val_buf[t + 1]
                alive = 1.0 - done_buf[t]
                delta = rew_buf[t] + cfg.gamma * following * alive - val_buf[t]
                gae = delta + cfg.gamma * cfg.gae_lambda * alive * gae
                adv[t] = gae
            returns = (adv + val_buf).flatten()
        b_obs, b_act, b_logp, b_adv = obs_buf.flatten(0, 1), act_buf.flatten(0, 1), logp_buf.flatten(), adv.flatten()

        for _ in range(cfg.update_epochs):
            for idx in torch.randperm(T * N).split(cfg.minibatch_size):
                dist = agent.policy(b_obs[idx])
                ratio = (dist.log_prob(b_act[idx]).sum(-1) - b_logp[idx]).exp()
                a = (b_adv[idx] - b_adv[idx].mean()) / (b_adv[idx].std() + 1e-8)
                pg = -torch.min(ratio * a, ratio.clamp(1 - cfg.clip_range, 1 + cfg.clip_range) * a).mean()
                vf = 0.5 * (agent.value(b_obs[idx]) - returns[idx]).pow(2).mean()
                loss = pg + cfg.value_coef * vf - cfg.entropy_coef * dist.entropy().sum(-1).mean()
                optimizer.zero_grad()
                loss.backward()
                nn.utils.clip_grad_norm_(agent.parameters(), cfg.max_grad_norm)
                optimizer.step()
        writer.add_scalar("reward/mean", rew_buf.mean().item(), update * T * N)
        writer.add_scalar("time/fps", update * T * N / (time.time() - start), update * T * N)
        if update % cfg.save_interval == 0:
            torch.save(agent.state_dict(), f"{cfg.out_dir}/policy_{update}.pt")
    envs.close()


if __name__ == "__main__":
    main(tyro.cli(Config))
