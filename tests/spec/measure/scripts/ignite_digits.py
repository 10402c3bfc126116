import torch
import torch.nn.functional as F
from ignite.engine import Events, create_supervised_evaluator, create_supervised_trainer
from ignite.handlers import Checkpoint, DiskSaver, EarlyStopping
from ignite.metrics import Accuracy
from ignite.utils import manual_seed
from torch.utils.data import DataLoader
from torchvision.datasets import MNIST
from torchvision.transforms import ToTensor

from nets import ConvNet

BATCH = 100
EPOCHS = 15
LR = 0.01


def run():
    manual_seed(3)
    device = "cuda"
    train = DataLoader(MNIST("data", download=True, transform=ToTensor()), batch_size=BATCH, shuffle=True)
    val = DataLoader(MNIST("data", train=False, transform=ToTensor()), batch_size=10 * BATCH)
    model = ConvNet().to(device)
    optimizer = torch.optim.SGD(model.parameters(), lr=LR, momentum=0.9)
    trainer = create_supervised_trainer(model, optimizer, F.cross_entropy, device=device)
    evaluator = create_supervised_evaluator(model, {"accuracy": Accuracy()}, device=device)

    @trainer.on(Events.EPOCH_COMPLETED(every=1))
    def validate(engine):
        evaluator.run(val)
        print(engine.state.epoch, evaluator.state.metrics)

    saver = Checkpoint({"model": model}, DiskSaver("out/digits", create_dir=True), n_saved=2)
    trainer.add_event_handler(Events.EPOCH_COMPLETED(every=5), saver)
    trainer.run(train, max_epochs=EPOCHS)


if __name__ == "__main__":
    run()
