import click
import torch
import torchvision
from torch.utils.data import DataLoader


@click.command()
@click.option("--lr", default=0.01)
@click.option("--bs", default=32, help="batch size")
@click.option("--epochs", default=5)
@click.option("--out", "out_dir", default="ckpt")
def train(lr, bs, epochs, out_dir):
    data = torchvision.datasets.CIFAR100("data", train=True, transform=torchvision.transforms.ToTensor())
    loader = DataLoader(data, batch_size=bs, shuffle=True, num_workers=4)
    model = torchvision.models.resnet50(weights="IMAGENET1K_V2").cuda()
    optimizer = torch.optim.SGD(model.parameters(), lr=lr, momentum=0.9)
    scheduler = torch.optim.lr_scheduler.StepLR(optimizer, step_size=2)
    scaler = torch.amp.GradScaler()
    for epoch in range(epochs):
        for x, y in loader:
            optimizer.zero_grad()
            with torch.autocast("cuda", dtype=torch.float16):
                loss = torch.nn.functional.cross_entropy(model(x.cuda()), y.cuda())
            scaler.scale(loss).backward()
            scaler.step(optimizer)
            scaler.update()
        scheduler.step()
    torch.save(model.state_dict(), f"{out_dir}/resnet.pt")


if __name__ == "__main__":
    train()
