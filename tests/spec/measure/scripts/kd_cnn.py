import argparse

import torch
import torch.nn.functional as F
import wandb
from torch.utils.data import DataLoader
from torchvision import models, transforms
from torchvision.datasets import CIFAR100

p = argparse.ArgumentParser(description="Knowledge distillation")
p.add_argument("--teacher", default="resnet50")
p.add_argument("--teacher-ckpt", default="teacher/resnet50_cifar100.pt")
p.add_argument("--student", default="resnet18")
p.add_argument("--tau", type=float, default=4.0)
p.add_argument("--alpha", type=float, default=0.9)
p.add_argument("--bs", type=int, default=128)
p.add_argument("--test-bs", type=int, default=512)
p.add_argument("--lr", type=float, default=0.05)
p.add_argument("--wd", type=float, default=5e-4)
p.add_argument("--epochs", type=int, default=150)
p.add_argument("--nesterov", action="store_true")
p.add_argument("--seed", type=int, default=77)
p.add_argument("--save", default="student_ckpt")
args = p.parse_args()

torch.manual_seed(args.seed)
wandb.init(project="kd-cifar100", config=vars(args))
tf = transforms.Compose([
    transforms.RandomCrop(32, padding=4),
    transforms.RandomHorizontalFlip(),
    transforms.ToTensor(),
])
train = CIFAR100("data", train=True, download=True, transform=tf)
test = CIFAR100("data", train=False, transform=transforms.ToTensor())
train_loader = DataLoader(train, batch_size=args.bs, shuffle=True, num_workers=4, pin_memory=True)
test_loader = DataLoader(test, batch_size=args.test_bs, num_workers=4)

teacher = models.get_model(args.teacher, num_classes=100)
teacher.load_state_dict(torch.load(args.teacher_ckpt, weights_only=True, map_location="cpu"))
teacher.cuda().eval()
student = models.get_model(args.student, num_classes=100).cuda()

optimizer = torch.optim.SGD(
    student.parameters(), lr=args.lr, momentum=0.9, weight_decay=args.wd, nesterov=args.nesterov
)
scheduler = torch.optim.lr_scheduler.MultiStepLR(optimizer, milestones=[75, 120], gamma=0.1)

for epoch in range(args.epochs):
    student.train()
    for x, y in train_loader:
        x, y = x.cuda(non_blocking=True), y.cuda(non_blocking=True)
        with torch.no_grad():
            soft = teacher(x)
        out = student(x)
        kd = F.kl_div(
            F.log_softmax(out / args.tau, 1), F.softmax(soft / args.tau, 1), reduction="batchmean"
        )
        loss = args.alpha * args.tau**2 * kd + (1 - args.alpha) * F.cross_entropy(out, y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    scheduler.step()
    student.eval()
    hits = 0
    with torch.no_grad():
        for x, y in test_loader:
            hits += (student(x.cuda()).argmax(1).cpu() == y).sum().item()
    wandb.log({"epoch": epoch, "loss": loss.item(), "top1": hits / len(test)})
    if (epoch + 1) % 25 == 0:
        torch.save(student.state_dict(), f"{args.save}/epoch{epoch + 1}.pt")
