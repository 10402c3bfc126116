import random
from collections import deque
from pathlib import Path

import ale_py
import gymnasium as gym
import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from gymnasium.wrappers import AtariPreprocessing, FrameStackObservation
from torch.utils.tensorboard import SummaryWriter

gym.register_envs(ale_py)

HP = {
    "env": "ALE/Freeway-v5",
    "total_steps": 3_000_000,
    "buffer_size": 200_000,
    "learning_starts": 40_000,
    "train_every": 4,
    "batch_size": 64,
    "lr": 1e-4,
    "gamma": 0.99,
    "target_update": 8_000,
    "eps_start": 1.0,
    "eps_end": 0.02,
    "eps_steps": 300_000,
    "clip": 10.0,
    "save_every": 250_000,
    "log_every": 5_000,
    "seed": 36,
    "run_dir": "runs/freeway_dqn",
}


class QNetwork(nn.Module):
    def __init__(self, n_actions):
        super().__init__()
        self.net = nn.Sequential(
            nn.Conv2d(4, 32, 8, stride=4), nn.ReLU(),
            nn.Conv2d(32, 64, 4, stride=2), nn.ReLU(),
            nn.Conv2d(64, 64, 3, stride=1), nn.ReLU(),
            nn.Flatten(), nn.Linear(3136, 512), nn.ReLU(),
            nn.Linear(512, n_actions),
        )

    def forward(self, x):
        return self.net(x.float() / 255.0)


class DQNAgent:
    def __init__(self, n_actions, hp, device):
        self.hp, self.device, self.n_actions = hp, device, n_actions
        self.online = QNetwork(n_actions).to(device)
        self.target = QNetwork(n_actions).to(device)
        self.target.load_state_dict(self.online.state_dict())
        self.optimizer = torch.optim.Adam(self.online.parameters(), lr=hp["lr"], eps=1.5e-4)
        self.memory = deque(maxlen=hp["buffer_size"])

    def epsilon(self, step):
        share = min(step / self.hp["eps_steps"], 1.0)
        return self.hp["eps_start"] + share * (self.hp["eps_end"] - self.hp["eps_start"])

    def act(self, obs, step):
        if random.random() < self.epsilon(step):
            return random.randrange(self.n_actions)
        with torch.no_grad():
            return self.online(torch.as_tensor(obs, device=self.device)[None]).argmax(1).item()

    def sample(self):
        obs, action, reward, nxt, done = zip(*random.sample(self.memory, self.hp["batch_size"]))
        to = lambda a, dtype: torch.as_tensor(np.asarray(a), dtype=dtype, device=self.device)
        return to(obs, torch.uint8), to(action, torch.long), to(reward, torch.float32), to(nxt, torch.uint8), to(done, torch.float32)

    def learn(self):
        obs, action, reward, nxt, done = self.sample()
        with torch.no_grad():
            best = self.online(nxt).argmax(1, keepdim=True)
            goal = reward + self.hp["gamma"] * (1 - done) * self.target(nxt).gather(1, best).squeeze(1)
        loss = F.smooth_l1_loss(self.online(obs).gather(1, action[:, None]).squeeze(1), goal)
        self.optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(self.online.parameters(), self.hp["clip"])
        self.optimizer.step()
        return loss.item()


def main(hp):
    random.seed(hp["seed"])
    np.random.seed(hp["seed"])
    torch.manual_seed(hp["seed"])
    run_dir = Path(hp["run_dir"])
    run_dir.mkdir(parents=True, exist_ok=True)
    writer = SummaryWriter(run_dir)
    env = FrameStackObservation(AtariPreprocessing(gym.make(hp["env"], frameskip=1)), 4)
    agent = DQNAgent(env.action_space.n, hp, torch.device("cuda" if torch.cuda.is_available() else "cpu"))

    obs, _ = env.reset(seed=hp["seed"])
    score, loss = 0.0, None
    for step in range(1, hp["total_steps"] + 1):
        action = agent.act(np.asarray(obs), step)
        nxt, reward, terminated, truncated, _ = env.step(action)
        agent.memory.append((np.asarray(obs), action, reward, np.asarray(nxt), terminated))
        score, obs = score + reward, nxt
        if terminated or truncated:
            writer.add_scalar("score", score, step)
            score, (obs, _) = 0.0, env.reset()
        if step > hp["learning_starts"] and step % hp["train_every"] == 0:
            loss = agent.learn()
        if step % hp["target_update"] == 0:
            agent.target.load_state_dict(agent.online.state_dict())
        if loss is not None and step % hp["log_every"] == 0:
            writer.add_scalar("loss", loss, step)
        if step % hp["save_every"] == 0:
            torch.save(agent.online.state_dict(), run_dir / f"q_{step}.pt")
    writer.close()


if __name__ == "__main__":
    main(HP)
