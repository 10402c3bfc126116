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
