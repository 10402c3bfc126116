"""Pieces of Python code as people write it around PyTorch, made from a random number generator.

Each function gives the text of one top-level piece. All of it is our own; names and numbers vary, so that no two files
are alike, and the density of calls is that of real training repositories: one file in three has nothing of PyTorch.
"""

from __future__ import annotations

from random import Random

NOUNS = (
    "batch",
    "image",
    "token",
    "sample",
    "label",
    "score",
    "feature",
    "patch",
    "frame",
    "region",
    "anchor",
    "word",
    "node",
    "edge",
    "step",
    "window",
    "segment",
    "vector",
    "query",
    "mask",
    "layer",
    "channel",
    "field",
)
VERBS = (
    "load",
    "parse",
    "merge",
    "split",
    "collect",
    "filter",
    "encode",
    "decode",
    "resize",
    "normalize",
    "count",
    "select",
    "update",
    "compute",
    "prepare",
    "format",
    "group",
    "pad",
    "read",
    "flatten",
)
LAYERS = (
    "Conv2d({a}, {b}, kernel_size=3, padding=1)",
    "BatchNorm2d({b})",
    "ReLU(inplace=True)",
    "Dropout(0.{d})",
    "Linear({a}, {b})",
    "LayerNorm({a})",
    "GELU()",
    "MaxPool2d(2)",
)


def noun(r: Random) -> str:
    return r.choice(NOUNS)


def name(r: Random) -> str:
    return f"{r.choice(VERBS)}_{noun(r)}{r.choice(('', 's', '_list', '_map', '_ids', '_2d'))}"


def class_name(r: Random, suffix: str) -> str:
    return noun(r).title() + noun(r).title() + suffix


def plain_function(r: Random) -> str:
    """A helper without PyTorch: loops, branches, strings, dictionaries."""
    a, b, c, f = noun(r), noun(r) + "s", noun(r) + "_count", name(r)
    lines = [
        f"def {f}({b}, limit={r.randint(2, 99)}, {a}_key=None, verbose=False):",
        f'    """Return the {b} that pass, by {a}."""',
        f"    {c} = {{}}",
        "    result = []",
        f"    for index, {a} in enumerate({b}):",
        f"        if {a} is None or index >= limit:",
        "            continue",
    ]
    for _ in range(r.randint(1, 5)):
        key = noun(r)
        lines += r.choice(
            (
                [f'        {c}["{key}"] = {c}.get("{key}", 0) + len(str({a}))'],
                [f'        if isinstance({a}, dict) and "{key}" in {a}:', f'            {a} = {a}["{key}"]'],
                [
                    f"        elif_{key} = [item for item in ({a},) if item != {a}_key]",
                    f"        result.extend(elif_{key})",
                ],
                [
                    "        try:",
                    f"            value = float(str({a}).strip())",
                    "        except ValueError:",
                    "            value = 0.0",
                    f"        result.append((index, value * {r.random():.3f}))",
                ],
            )
        )
    lines += [
        "    if verbose:",
        f'        print(f"{a}: {{len(result)}} of {{len({b})}}", sorted({c}.items())[:5])',
        f"    return result, {c}",
        "",
    ]
    return "\n".join(lines)


def tensor_function(r: Random) -> str:
    """A helper that computes with tensors."""
    a, b = noun(r), noun(r) + "_map"
    lines = [
        f"def {name(r)}({a}, {b}, eps=1e-{r.randint(5, 8)}, reduce=True):",
        f"    size, width = {a}.size(0), {a}.shape[-1]",
    ]
    for _ in range(r.randint(3, 9)):
        lines.append(
            r.choice(
                (
                    f"    {a} = torch.cat([{a}, {b}[:size]], dim={r.choice((0, 1, -1))})",
                    f"    {b} = F.interpolate({b}, scale_factor={r.randint(2, 4)}, mode='nearest')",
                    f"    weight = F.softmax({a} / math.sqrt(width), dim=-1)",
                    f"    {a} = torch.matmul(weight, {b}.transpose(-1, -2)) + eps",
                    f"    {b} = {b}.view(size, -1, width).permute(0, 2, 1).contiguous()",
                    f"    {a} = torch.where({a} > 0, {a}, torch.zeros_like({a}))",
                    f"    keep = ({a}.abs().sum(-1) > eps).nonzero(as_tuple=False).squeeze(1)",
                    f"    {a} = {a} * (1 - eps) + {b}.mean(dim=0, keepdim=True).expand_as({a})",
                )
            )
        )
    lines += ["    if reduce:", f"        return {a}.mean(), {b}", f"    return {a}, {b}", ""]
    return "\n".join(lines)


def dataset(r: Random) -> str:
    cls, a = class_name(r, "Dataset"), noun(r)
    return f'''class {cls}(Dataset):
    """{a.title()}s from a folder with an index file."""

    def __init__(self, root, split="train", transform=None, limit=None):
        self.root = root
        self.transform = transform
        with open(os.path.join(root, split + ".json")) as file:
            self.items = json.load(file)[:limit]
        self.classes = sorted({{item["{a}"] for item in self.items}})
        self.index = {{key: number for number, key in enumerate(self.classes)}}

    def __len__(self):
        return len(self.items)

    def __getitem__(self, number):
        item = self.items[number]
        data = np.load(os.path.join(self.root, item["path"])).astype(np.float32)
        if self.transform is not None:
            data = self.transform(data)
        return torch.from_numpy(data), torch.tensor(self.index[item["{a}"]], dtype=torch.long)
'''


def block(r: Random, cls: str) -> str:
    """A module with a handful of layers and a branching forward."""
    lines = [
        f"class {cls}(nn.Module):",
        f"    def __init__(self, dim={2 ** r.randint(4, 9)}, depth={r.randint(1, 6)}, dropout=0.1):",
        f"        super({cls}, self).__init__()" if r.random() < 0.5 else "        super().__init__()",
        "        self.dim = dim",
    ]
    fields = []
    for index in range(r.randint(3, 9)):
        field = f"{noun(r)}{index}"
        fields.append(field)
        layer = r.choice(LAYERS).format(a="dim", b="dim", d=r.randint(1, 5))
        if r.random() < 0.3:
            second = r.choice(LAYERS).format(a="dim", b="dim", d=1)
            lines.append(f"        self.{field} = nn.Sequential(nn.{layer}, nn.{second}, nn.ReLU())")
        else:
            lines.append(f"        self.{field} = nn.{layer}")
    lines += [
        "        self.apply(self._init)",
        "",
        "    def _init(self, module):",
        "        if isinstance(module, nn.Linear):",
        "            nn.init.xavier_uniform_(module.weight)",
        "            if module.bias is not None:",
        "                nn.init.zeros_(module.bias)",
        "",
        "    def forward(self, x, mask=None):",
        "        residual = x",
    ]
    for field in fields:
        lines.append(f"        x = self.{field}(x)")
        if r.random() < 0.3:
            lines += [
                "        if mask is not None:",
                f"            x = x.masked_fill(mask == 0, {r.choice(('0.0', '-1e9'))})",
            ]
    lines += [f"        return {r.choice(('x + residual', 'F.relu(x)', 'x', 'F.log_softmax(x, dim=1)'))}", ""]
    return "\n".join(lines)


def model(r: Random, cls: str, blocks: list[str]) -> str:
    """A model out of blocks, with a helper that loads weights."""
    lines = [
        f"class {cls}(nn.Module):",
        f"    def __init__(self, num_classes={r.randint(2, 1000)}, dim=64, dropout=0.1):",
        "        super().__init__()",
        "        self.stem = nn.Conv2d(3, dim, 7, stride=2, padding=3, bias=False)",
        "        layers = []",
    ]
    lines += [f"        layers.append({b}(dim, dropout=dropout))" for b in blocks or ["nn.Identity"]]
    lines += [
        "        self.layers = nn.Sequential(*layers)",
        "        self.pool = nn.AdaptiveAvgPool2d(1)",
        "        self.head = nn.Linear(dim, num_classes)",
        "",
        "    def forward(self, x):",
        "        x = self.layers(F.relu(self.stem(x)))",
        "        x = self.pool(x).flatten(1)",
        "        return self.head(x)",
        "",
        f"def build_{cls.lower()}(pretrained=None, **options):",
        f"    model = {cls}(**options)",
        "    if pretrained:",
        "        state = torch.load(pretrained, map_location='cpu')",
        "        missing, unexpected = model.load_state_dict(state, strict=False)",
        "        print('missing', missing, 'unexpected', unexpected)",
        "    return model",
        "",
    ]
    return "\n".join(lines)


def options(r: Random) -> str:
    lines = ["def get_args():", "    parser = argparse.ArgumentParser()"]
    for number in range(r.randint(8, 40)):
        kind, default = r.choice(
            (("int", str(r.randint(1, 512))), ("float", f"{10 ** -r.randint(1, 6)}"), ("str", repr(noun(r))))
        )
        lines.append(
            f'    parser.add_argument("--{noun(r)}-{noun(r)}-{number}", type={kind}, default={default},'
            f' help="{noun(r)} of the {noun(r)}")'
        )
    lines += [
        '    parser.add_argument("--epochs", type=int, default=90)',
        '    parser.add_argument("--lr", type=float, default=3e-4)',
        '    parser.add_argument("--batch-size", type=int, default=32)',
        '    parser.add_argument("--data", default="data")',
        '    parser.add_argument("--resume", default="")',
        '    parser.add_argument("--output", default="runs")',
        '    parser.add_argument("--accumulate", type=int, default=1)',
        '    parser.add_argument("--amp", action="store_true")',
        '    parser.add_argument("--seed", type=int, default=42)',
        '    parser.add_argument("--distributed", action="store_true")',
        '    parser.add_argument("--rank", type=int, default=0)',
        '    parser.add_argument("--max-steps", type=int, default=0)',
        '    parser.add_argument("--penalty", type=float, default=0.0)',
        '    parser.add_argument("--schedule", default="cosine")',
        '    parser.add_argument("--warmup", type=int, default=5)',
        '    parser.add_argument("--save-every", type=int, default=10)',
        "    return parser.parse_args()",
        "",
    ]
    return "\n".join(lines)


def training(r: Random, model_call: str, dataset_call: str) -> str:
    """Seeds, one epoch, evaluation, checkpoints and `main`: the heart of a training script."""
    scaled = r.random() < 0.5
    optimizer = r.choice(
        (
            "optim.AdamW(model.parameters(), lr=args.lr, weight_decay=0.05)",
            "torch.optim.SGD(model.parameters(), lr=args.lr, momentum=0.9)",
            "optim.Adam(filter(lambda p: p.requires_grad, model.parameters()), lr=args.lr)",
        )
    )
    step = (
        "            scaler.scale(loss).backward()\n            if (step + 1) % args.accumulate == 0:\n"
        "                scaler.unscale_(optimizer)\n"
        "                torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)\n"
        "                scaler.step(optimizer)\n"
        "                scaler.update()\n                optimizer.zero_grad(set_to_none=True)\n"
        if scaled
        else "            optimizer.zero_grad()\n            loss.backward()\n"
        "            torch.nn.utils.clip_grad_norm_(model.parameters(), 5.0)\n            optimizer.step()\n"
    )
    total = r.choice(("loss.item()", "loss.detach().item() * images.size(0)", "float(loss)"))
    saved = r.choice(
        ("model.state_dict()", "{'model': model.state_dict(), 'optimizer': optimizer.state_dict(), 'epoch': epoch}")
    )
    return f"""def set_seed(seed):
    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)


def train_one_epoch(model, loader, criterion, optimizer, scaler, device, epoch, args, logger=None):
    model.train()
    total, correct, seen = 0.0, 0, 0
    started = time.time()
    if args.distributed and hasattr(loader.sampler, "set_epoch"):
        loader.sampler.set_epoch(epoch)
    for step, (images, targets) in enumerate(loader):
        if args.max_steps and step >= args.max_steps:
            break
        images, targets = images.to(device, non_blocking=True), targets.to(device, non_blocking=True)
        with torch.cuda.amp.autocast(enabled=args.amp):
            outputs = model(images)
            loss = criterion(outputs, targets)
        if not math.isfinite(loss.item()):
            raise RuntimeError("loss is not finite")
        if args.accumulate > 1:
            loss = loss / args.accumulate
        if args.penalty > 0:
            loss = loss + args.penalty * sum(p.abs().sum() for p in model.parameters())
        if args.accumulate >= 1:
{step}        total += {total}
        correct += (outputs.argmax(1) == targets).sum().item()
        seen += targets.size(0)
        if step % {r.choice((10, 50, 100))} == 0:
            print(f"epoch {{epoch}} step {{step}} loss {{loss.item():.4f}} acc {{correct / max(seen, 1):.3f}}")
            if args.rank == 0 and logger is not None:
                logger.add_scalar("train/loss", loss.item(), epoch * len(loader) + step)
    print("took", time.time() - started)
    return total / max(len(loader), 1), correct / max(seen, 1)


@torch.no_grad()
def evaluate(model, loader, criterion, device):
    model.eval()
    total, correct, seen = 0.0, 0, 0
    for images, targets in loader:
        images, targets = images.to(device), targets.to(device)
        outputs = model(images)
        total += criterion(outputs, targets).item()
        correct += (outputs.argmax(1) == targets).sum().item()
        seen += targets.size(0)
    return total / max(len(loader), 1), correct / max(seen, 1)


def main():
    args = get_args()
    set_seed(args.seed)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    train_loader = DataLoader({dataset_call}, batch_size=args.batch_size, shuffle=True, num_workers=4)
    val_loader = DataLoader({dataset_call.replace("args.data", 'args.data, "val"')}, batch_size=args.batch_size)
    model = {model_call}.to(device)
    criterion = nn.CrossEntropyLoss(label_smoothing=0.{r.randint(0, 2)})
    optimizer = {optimizer}
    scheduler = optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=args.epochs)
    scaler = torch.cuda.amp.GradScaler(enabled=args.amp)
    best, start = 0.0, 0
    if args.resume:
        checkpoint = torch.load(args.resume, map_location=device)
        model.load_state_dict(checkpoint["model"])
        optimizer.load_state_dict(checkpoint["optimizer"])
        start = checkpoint["epoch"] + 1
    for epoch in range(start, args.epochs):
        train_loss, train_acc = train_one_epoch(model, train_loader, criterion, optimizer, scaler, device, epoch, args)
        val_loss, val_acc = evaluate(model, val_loader, criterion, device)
        if args.schedule == "cosine" or epoch > args.warmup:
            scheduler.step()
        if args.rank == 0:
            print(f"{{epoch}}: train {{train_loss:.4f}} {{train_acc:.3f}} val {{val_loss:.4f}} {{val_acc:.3f}}")
        if args.save_every and epoch % args.save_every == 0 and args.rank == 0:
            torch.save(model.state_dict(), os.path.join(args.output, f"epoch_{{epoch}}.pt"))
        if val_acc > best and args.rank == 0:
            best = val_acc
            torch.save({saved}, os.path.join(args.output, "best.pt"))


if __name__ == "__main__":
    main()
"""
