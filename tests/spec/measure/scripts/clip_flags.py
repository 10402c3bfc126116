"""Fine-tunes CLIP on product photos with the trainer of open_clip."""

from open_clip_train.main import main

FLAGS = [
    "--model", "ViT-B-32",
    "--pretrained", "laion2b_s34b_b79k",
    "--train-data", "data/products/train.csv",
    "--val-data", "data/products/val.csv",
    "--csv-img-key", "file",
    "--csv-caption-key", "title",
    "--batch-size", "256",
    "--epochs", "8",
    "--lr", "1e-5",
    "--wd", "0.1",
    "--warmup", "500",
    "--lr-scheduler", "cosine",
    "--precision", "amp_bf16",
    "--accum-freq", "4",
    "--grad-clip-norm", "1.0",
    "--val-frequency", "1",
    "--save-frequency", "2",
    "--logs", "logs/clip-products",
    "--report-to", "wandb",
    "--seed", "6",
    "--workers", "8",
]

if __name__ == "__main__":
    main(FLAGS)
