"""Code with known mistakes, for tests of how they are shown."""

RULE = "unmapped-checkpoint-load"
LOAD = 'torch.load("model.pt")'
FIXED_LOAD = 'torch.load("model.pt", map_location="cpu")'
# The fix is safe where the state is only copied into a model that exists: nothing ends up on another device.
USE = f"model.load_state_dict({LOAD})"
FIXED_USE = f"model.load_state_dict({FIXED_LOAD})"
HEAD = "import torch\nfrom torch import nn\n\nmodel = nn.Linear(2, 1)\n"
BUGGY = f"{HEAD}{USE}\n"
FIXED = f"{HEAD}{FIXED_USE}\n"
CLEAN = f"{HEAD}print(model)\n"
BROKEN = f"{HEAD}{USE}\nif model\n    pass\n"
# A mistake that can be fixed in several ways.
CHECKPOINT = """import torch

model = torch.nn.Linear(2, 1)
optimizer = torch.optim.Adam(model.parameters())
for epoch in range(5):
    for x, y in loader:
        optimizer.zero_grad()
        torch.nn.functional.mse_loss(model(x), y).backward()
        optimizer.step()
    torch.save({"model": model.state_dict(), "epoch": epoch}, "last.pt")
"""
