import argparse
import random

import gymnasium as gym
import numpy as np
import torch
import torch.nn.functional as F
from torch.optim import Adam
from torch.utils.tensorboard import SummaryWriter

from networks import Actor, SoftQNetwork
from replay import ReplayBuffer


def parse_args():
    parser = argparse.ArgumentParser()
    parser.add_argument("--env-id", type=str, default="Walker2d-v4")
    parser.add_argument("--seed", type=int, default=17)
    parser.add_argument("--total-timesteps", type=int, default=1_000_000)
    parser.add_argument("--buffer-size", type=int, default=int(1e6))
    parser.add_argument("--gamma", type=float, default=0.99)
    parser.add_argument("--tau", type=float, default=0.005)
    parser.add_argument("--batch-size", type=int, default=256)
    parser.add_argument("--learning-starts", type=int, default=5000)
    parser.add_argument("--policy-lr", type=float, default=3e-4)
    parser.add_argument("--q-lr", type=float, default=1e-3)
    parser.add_argument("--policy-frequency", type=int, default=2)
    parser.add_argument("--alpha", type=float, default=0.2)
    parser.add_argument("--save-every", type=int, default=100_000)
    parser.add_argument("--out", type=str, default="ckpt/sac")
    return parser.parse_args()


def main():
    args = parse_args()
    writer = SummaryWriter("runs/sac_walker")
    random.seed(args.seed)
    np.random.seed(args.seed)
    torch.manual_seed(args.seed)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")

    env = gym.make(args.env_id)
    actor = Actor(env).to(device)
    qf1, qf2 = SoftQNetwork(env).to(device), SoftQNetwork(env).to(device)
    qf1_target, qf2_target = SoftQNetwork(env).to(device), SoftQNetwork(env).to(device)
    qf1_target.load_state_dict(qf1.state_dict())
    qf2_target.load_state_dict(qf2.state_dict())
    q_optimizer = Adam(list(qf1.parameters()) + list(qf2.parameters()), lr=args.q_lr)
    actor_optimizer = Adam(actor.parameters(), lr=args.policy_lr)
    buffer = ReplayBuffer(args.buffer_size, env.observation_space, env.action_space, device)

    obs, _ = env.reset(seed=args.seed)
    episode_return = 0.0
    for step in range(args.total_timesteps):
        if step < args.learning_starts:
            action = env.action_space.sample()
        else:
            action = actor.act(obs)
        next_obs, reward, terminated, truncated, _ = env.step(action)
        buffer.add(obs, action, reward, next_obs, terminated)
        episode_return += reward
        obs = next_obs
        if terminated or truncated:
            writer.add_scalar("charts/episodic_return", episode_return, step)
            episode_return = 0.0
            obs, _ = env.reset()

        if step <= args.learning_starts:
            continue
        s, a, r, s2, d = buffer.sample(args.batch_size)
        with torch.no_grad():
            a2, logp2, _ = actor.get_action(s2)
            q_next = torch.min(qf1_target(s2, a2), qf2_target(s2, a2)) - args.alpha * logp2
            target = r + (1 - d) * args.gamma * q_next
        q_loss = F.mse_loss(qf1(s, a), target) + F.mse_loss(qf2(s, a), target)
        q_optimizer.zero_grad()
        q_loss.backward()
        q_optimizer.step()

        if step % args.policy_frequency == 0:
            pi, logp, _ = actor.get_action(s)
            actor_loss = (args.alpha * logp - torch.min(qf1(s, pi), qf2(s, pi))).mean()
            actor_optimizer.zero_grad()
            actor_loss.backward()
            actor_optimizer.step()
        for net, target_net in ((qf1, qf1_target), (qf2, qf2_target)):
            for p, tp in zip(net.parameters(), target_net.parameters()):
                tp.data.lerp_(p.data, args.tau)
        if step % args.save_every == 0:
            torch.save(actor.state_dict(), f"{args.out}/actor_{step}.pt")
    writer.close()


if __name__ == "__main__":
    main()
