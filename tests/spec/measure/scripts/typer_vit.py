import timm
import torch
import typer
from torch.utils.data import DataLoader
from torch.utils.tensorboard import SummaryWriter

from data import pets

app = typer.Typer()


@app.command()
def main(
    lr: float = typer.Option(3e-4, help="peak learning rate"),
    batch_size: int = 48,
    epochs: int = 12,
    out: str = "runs/vit",
    seed: int = 11,
):
    torch.manual_seed(seed)
    model = timm.create_model("vit_base_patch16_224", pretrained=True, num_classes=37).cuda()
    loader = DataLoader(pets, batch_size=batch_size, shuffle=True)
    optimizer = torch.optim.Adam(model.parameters(), lr=lr)
    scheduler = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=lr, epochs=epochs, steps_per_epoch=len(loader))
    writer = SummaryWriter(out)
    for epoch in range(epochs):
        for step, (x, y) in enumerate(loader):
            with torch.autocast("cuda", dtype=torch.bfloat16):
                loss = torch.nn.functional.cross_entropy(model(x.cuda()), y.cuda())
            optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 5.0)
            optimizer.step()
            scheduler.step()
            if step % 20 == 0:
                writer.add_scalar("loss", loss.item(), epoch * len(loader) + step)
        if epoch % 2 == 0:
            torch.save(model.state_dict(), f"{out}/epoch{epoch}.pt")


if __name__ == "__main__":
    app()
