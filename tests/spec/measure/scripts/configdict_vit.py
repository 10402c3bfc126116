import ml_collections
import timm
import torch
from torch import nn
from torch.optim.lr_scheduler import CosineAnnealingLR, LinearLR, SequentialLR
from torch.utils.data import DataLoader
from torchvision import datasets, transforms as T


def get_config() -> ml_collections.ConfigDict:
    config = ml_collections.ConfigDict()
    config.seed = 1337
    config.workdir = "work/deit_food"

    config.data = ml_collections.ConfigDict()
    config.data.batch_size = 128
    config.data.image_size = 224

    config.model = ml_collections.ConfigDict()
    config.model.name = "deit_small_patch16_224"

    config.optim = ml_collections.ConfigDict()
    config.optim.learning_rate = 5e-4
    config.optim.weight_decay = 0.05
    config.optim.warmup_epochs = 5
    config.optim.grad_clip = 1.0

    config.num_epochs = 50
    config.eval_every_epochs = 5
    config.checkpoint_every_epochs = 10
    return config


def loaders(config):
    tf = T.Compose([T.RandomResizedCrop(config.data.image_size), T.RandomHorizontalFlip(), T.ToTensor()])
    train = datasets.Food101("data", split="train", transform=tf, download=True)
    test = datasets.Food101("data", split="test", transform=tf, download=True)
    bs = config.data.batch_size
    return DataLoader(train, bs, shuffle=True, num_workers=8), DataLoader(test, 2 * bs, num_workers=8)


def train_and_evaluate(config):
    torch.manual_seed(config.seed)
    train_loader, test_loader = loaders(config)
    model = timm.create_model(config.model.name, pretrained=True, num_classes=101).cuda()
    opt_cfg = config.optim
    optimizer = torch.optim.AdamW(model.parameters(), lr=opt_cfg.learning_rate, weight_decay=opt_cfg.weight_decay)
    warmup = LinearLR(optimizer, start_factor=0.01, total_iters=opt_cfg.warmup_epochs)
    cosine = CosineAnnealingLR(optimizer, T_max=config.num_epochs - opt_cfg.warmup_epochs)
    schedule = SequentialLR(optimizer, [warmup, cosine], milestones=[opt_cfg.warmup_epochs])
    criterion = nn.CrossEntropyLoss(label_smoothing=0.1)
    for epoch in range(1, config.num_epochs + 1):
        model.train()
        for x, y in train_loader:
            with torch.autocast("cuda", dtype=torch.bfloat16):
                loss = criterion(model(x.cuda()), y.cuda())
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), opt_cfg.grad_clip)
            optimizer.step()
        schedule.step()
        if epoch % config.eval_every_epochs == 0:
            model.eval()
            with torch.no_grad():
                hits = sum((model(x.cuda()).argmax(1).cpu() == y).sum().item() for x, y in test_loader)
            print(epoch, hits / len(test_loader.dataset))
        if epoch % config.checkpoint_every_epochs == 0:
            torch.save(model.state_dict(), f"{config.workdir}/epoch_{epoch}.pt")


if __name__ == "__main__":
    train_and_evaluate(get_config())
