"""Settings of the bird song classifier (imported by bird_trainer.py)."""

# data
AUDIO_DIR = "data/xeno_canto"
SAMPLE_RATE = 32_000
CLIP_SECONDS = 5
NUM_CLASSES = 182

# model
BACKBONE = "tf_efficientnetv2_b0.in1k"
DROP_RATE = 0.2

# training
SEED = 2112
DEVICE = "cuda"
EPOCHS = 45
TRAIN_BATCH = 56
VALID_BATCH = 112
LEARNING_RATE = 1.5e-3
WEIGHT_DECAY = 1e-4
MOMENTUM = 0.9
CLIP_NORM = 3.0
MILESTONES = [25, 38]
GAMMA = 0.2

# bookkeeping
RUN_DIR = "experiments/birds"
VALID_EVERY = 3  # epochs
SAVE_EVERY = 9  # epochs
PROJECT = "bird-songs"
