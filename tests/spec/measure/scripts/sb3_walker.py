import gymnasium as gym
from stable_baselines3 import PPO
from stable_baselines3.common.callbacks import CheckpointCallback, EvalCallback
from stable_baselines3.common.env_util import make_vec_env

venv = make_vec_env("BipedalWalker-v3", n_envs=16, seed=5)
save = CheckpointCallback(save_freq=50_000, save_path="sb3/walker", name_prefix="ppo")
judge = EvalCallback(gym.make("BipedalWalker-v3"), eval_freq=10_000, n_eval_episodes=5)
model = PPO(
    "MlpPolicy",
    venv,
    learning_rate=3e-4,
    n_steps=2048,
    batch_size=64,
    n_epochs=10,
    gamma=0.999,
    max_grad_norm=0.5,
    tensorboard_log="sb3/tb",
    seed=5,
    device="cpu",
)
model.learn(total_timesteps=5_000_000, callback=[save, judge])
model.save("sb3/walker/final")
