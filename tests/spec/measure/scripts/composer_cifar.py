import torch
import torchvision.transforms as T
from composer import Trainer
from composer.algorithms import ChannelsLast, LabelSmoothing
from composer.loggers import TensorboardLogger
from composer.models import ComposerClassifier
from composer.optim import CosineAnnealingWithWarmupScheduler, DecoupledSGDW
from torchvision.datasets import CIFAR10
from torchvision.models import resnet18

train = CIFAR10("data", train=True, download=True, transform=T.ToTensor())
test = CIFAR10("data", train=False, download=True, transform=T.ToTensor())

model = ComposerClassifier(resnet18(num_classes=10), num_classes=10)
optimizer = DecoupledSGDW(model.parameters(), lr=0.05, momentum=0.9, weight_decay=2e-3)
scheduler = CosineAnnealingWithWarmupScheduler(t_warmup="2ep", alpha_f=0.01)

trainer = Trainer(
    model=model,
    train_dataloader=torch.utils.data.DataLoader(train, batch_size=512, shuffle=True),
    eval_dataloader=torch.utils.data.DataLoader(test, batch_size=1024),
    max_duration="30ep",
    eval_interval="2ep",
    optimizers=optimizer,
    schedulers=scheduler,
    algorithms=[ChannelsLast(), LabelSmoothing(0.1)],
    precision="amp_bf16",
    device="gpu",
    seed=17,
    save_folder="composer/cifar",
    save_interval="10ep",
    loggers=[TensorboardLogger()],
)
trainer.fit()
