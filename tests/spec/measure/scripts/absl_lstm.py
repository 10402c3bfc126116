"""Word-level LSTM."""

from absl import app, flags
import torch
from torch.utils.tensorboard import SummaryWriter

from corpus import Batches
from lstm import LSTMLanguageModel

FLAGS = flags.FLAGS

flags.DEFINE_string("train_dir", "/tmp/lstm_wt2", "Where checkpoints and summaries go.")
flags.DEFINE_string("corpus", "data/wikitext-2/train.txt", "Training text.")
flags.DEFINE_float("learning_rate", 20.0, "Initial learning rate.")
flags.DEFINE_float("clip", 0.25, "Gradient norm.")
flags.DEFINE_integer("batch_size", 20, "Sequences in a batch.")
flags.DEFINE_integer("bptt", 35, "Sequence length.")
flags.DEFINE_integer("epochs", 40, "Upper limit of epochs.")
flags.DEFINE_integer("log_every", 200, "Batches between summaries.")
flags.DEFINE_integer("seed", 1111, "Random seed.")
flags.DEFINE_enum("optimizer", "sgd", ["sgd", "adam"], "Optimizer.")


def main(_argv):
    torch.manual_seed(FLAGS.seed)
    device = torch.device("cuda:0")
    batches = Batches(FLAGS.corpus, FLAGS.batch_size, FLAGS.bptt)
    model = LSTMLanguageModel(batches.vocab_size).to(device)
    if FLAGS.optimizer == "sgd":
        optimizer = torch.optim.SGD(model.parameters(), lr=FLAGS.learning_rate)
    else:
        optimizer = torch.optim.Adam(model.parameters(), lr=FLAGS.learning_rate)
    writer = SummaryWriter(FLAGS.train_dir)
    step = 0
    for epoch in range(FLAGS.epochs):
        hidden = None
        for x, y in batches:
            logits, hidden = model(x.to(device), hidden)
            hidden = tuple(h.detach() for h in hidden)
            loss = torch.nn.functional.cross_entropy(logits.flatten(0, 1), y.to(device).flatten())
            optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), FLAGS.clip)
            optimizer.step()
            if step % FLAGS.log_every == 0:
                writer.add_scalar("train/loss", loss.item(), step)
            step += 1
        torch.save(model.state_dict(), f"{FLAGS.train_dir}/model.pt")


if __name__ == "__main__":
    app.run(main)
