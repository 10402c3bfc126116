"""Code with known mistakes, for tests of how they are shown."""

RULE = "unmapped-checkpoint-load"
LOAD = 'torch.load("model.pt")'
FIXED_LOAD = 'torch.load("model.pt", map_location="cpu")'
BUGGY = f"import torch\n\nstate = {LOAD}\n"
FIXED = f"import torch\n\nstate = {FIXED_LOAD}\n"
CLEAN = "import torch\n\nprint(torch.__version__)\n"
BROKEN = f"import torch\n\nstate = {LOAD}\nif state\n    pass\n"
