import torch
from torch import nn
from torch.utils.data import DataLoader

from data import faces
from nets import Discriminator, Generator

config = {"lr_g": 2e-4, "lr_d": 1e-4, "batch_size": 128, "epochs": 50, "seed": 3}

torch.manual_seed(config["seed"])
generator, discriminator = Generator().cuda(), Discriminator().cuda()
optimizer_g = torch.optim.Adam(generator.parameters(), lr=config["lr_g"], betas=(0.5, 0.999))
optimizer_d = torch.optim.Adam(discriminator.parameters(), lr=config["lr_d"], betas=(0.5, 0.999))
loader = DataLoader(faces, batch_size=config["batch_size"], shuffle=True, drop_last=True)
criterion = nn.BCEWithLogitsLoss()
for epoch in range(config["epochs"]):
    for real in loader:
        real = real.cuda()
        noise = torch.randn(real.size(0), 128, device="cuda")
        optimizer_d.zero_grad()
        right = criterion(discriminator(real), torch.ones(real.size(0), 1, device="cuda"))
        wrong = criterion(discriminator(generator(noise).detach()), torch.zeros(real.size(0), 1, device="cuda"))
        (right + wrong).backward()
        optimizer_d.step()
        optimizer_g.zero_grad()
        criterion(discriminator(generator(noise)), torch.ones(real.size(0), 1, device="cuda")).backward()
        optimizer_g.step()
    if epoch % 10 == 0:
        torch.save(generator.state_dict(), f"gan_out/generator_{epoch}.pt")
