"""What the model knows of libraries: qualified names and the kinds of things that they make. Data, no analysis.

Sources: the public API documentation of torch 2.13, transformers 5.23, accelerate 1.15, lightning 2.6, vllm and timm as
of November 2026; older spellings from their deprecation notes.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Literal

Kind = Literal[
    "module",
    "optimizer",
    "scheduler",
    "scaler",
    "loader",
    "dataset",
    "sampler",
    "loss",
    "tensor",
    "rng",
    "tokenizer",
    "trainer",
    "trainer_args",
    "peft",
    "engine",
    "pipeline",
    "sampling",
    "ema",
    "accelerator",
    "fabric",
    "container",
    "dict",
    "function",
    "class",
    "instance",
    "pymodule",
    "library",
    "const",
    "batch",
    "params",
    "output",
    "number",
    "text",
    "early_stopping",
    "distribution",
    "config",
    "settings",
    "state",
    "choice",
    "unknown",
]  # fmt: skip

# Other spellings of one thing. A prefix that ends with a dot replaces that prefix.
_SAME: dict[str, str] = {
    "torch.cuda.amp.GradScaler": "torch.amp.GradScaler",
    "torch.cuda.amp.grad_scaler.GradScaler": "torch.amp.GradScaler",
    "torch.amp.grad_scaler.GradScaler": "torch.amp.GradScaler",
    "torch.cpu.amp.GradScaler": "torch.amp.GradScaler",
    "torch.cuda.amp.autocast": "torch.amp.autocast",
    "torch.cpu.amp.autocast": "torch.amp.autocast",
    "torch.autocast": "torch.amp.autocast",
    "torch.cuda.amp.autocast_mode.autocast": "torch.amp.autocast",
    "torch.autograd.variable.Variable": "torch.autograd.Variable",
    "torch.autograd.no_grad": "torch.no_grad",
    "torch.autograd.grad_mode.no_grad": "torch.no_grad",
    "torch.autograd.inference_mode": "torch.inference_mode",
    "torch.autograd.set_grad_enabled": "torch.set_grad_enabled",
    "torch.distributed.optim.ZeroRedundancyOptimizer": "torch.optim.ZeroRedundancyOptimizer",
    "torch.nn.parallel.distributed.DistributedDataParallel": "torch.nn.parallel.DistributedDataParallel",
    "torch.nn.parallel.DataParallel": "torch.nn.DataParallel",
    "torch.nn.parallel.data_parallel.DataParallel": "torch.nn.DataParallel",
    "torch.nn.modules.module.Module": "torch.nn.Module",
    "torch.nn.parameter.Parameter": "torch.nn.Parameter",
    "torch.nn.utils.clip_grad.clip_grad_norm_": "torch.nn.utils.clip_grad_norm_",
    "torch.nn.utils.clip_grad.clip_grad_value_": "torch.nn.utils.clip_grad_value_",
    "torch.nn.utils.clip_grad_norm": "torch.nn.utils.clip_grad_norm_",
    "torch.serialization.load": "torch.load",
    "torch.serialization.save": "torch.save",
    "torch.random.manual_seed": "torch.manual_seed",
    "torch.cuda.random.manual_seed": "torch.cuda.manual_seed",
    "torch.cuda.random.manual_seed_all": "torch.cuda.manual_seed_all",
    "torch.optim.optimizer.Optimizer": "torch.optim.Optimizer",
    "torch.optim.lr_scheduler._LRScheduler": "torch.optim.lr_scheduler.LRScheduler",
    "transformers.trainer_utils.set_seed": "transformers.set_seed",
    "transformers.trainer.Trainer": "transformers.Trainer",
    "accelerate.accelerator.Accelerator": "accelerate.Accelerator",
    "accelerate.utils.set_seed": "accelerate.utils.set_seed",
    "lightning.pytorch.seed_everything": "lightning.seed_everything",
    "pytorch_lightning.seed_everything": "lightning.seed_everything",
    "lightning.fabric.seed_everything": "lightning.seed_everything",
    "pytorch_lightning.utilities.seed.seed_everything": "lightning.seed_everything",
    "lightning_fabric.seed_everything": "lightning.seed_everything",
    "lightning.trainer.Trainer": "lightning.Trainer",
    "lightning.trainer.trainer.Trainer": "lightning.Trainer",
    "lightning.core.module.LightningModule": "lightning.LightningModule",
    "lightning.utilities.cli.LightningCLI": "lightning.cli.LightningCLI",
    "vllm.sampling_params.SamplingParams": "vllm.SamplingParams",
    "vllm.entrypoints.llm.LLM": "vllm.LLM",
    "sglang.srt.entrypoints.engine.Engine": "sglang.Engine",
    "transformers.pipelines.pipeline": "transformers.pipeline",
    "numpy.random.mtrand.seed": "numpy.random.seed",
}
_SAME_PREFIX: tuple[tuple[str, str], ...] = (
    ("torch.nn.modules.", "torch.nn."),
    ("torch.utils.data.dataloader.", "torch.utils.data."),
    ("torch.utils.data.dataset.", "torch.utils.data."),
    ("torch.utils.data.sampler.", "torch.utils.data."),
    ("torch.utils.data.distributed.", "torch.utils.data."),
    ("torch.distributed.fsdp.fully_sharded_data_parallel.", "torch.distributed.fsdp."),
    ("torch.distributed._composable.fsdp.fully_shard.", "torch.distributed.fsdp."),
    ("torch.distributed._composable.fsdp.", "torch.distributed.fsdp."),
    ("pytorch_lightning.", "lightning."),
    ("lightning.pytorch.", "lightning."),
    ("transformers.optimization.", "transformers."),
    ("transformers.modeling_utils.", "transformers."),
    ("transformers.training_args.", "transformers."),
)
_NN_SUBMODULES = frozenset(
    ("loss activation linear conv container rnn normalization batchnorm dropout pooling transformer sparse").split()
)


@lru_cache(maxsize=8192)
def canonical(name: str) -> str:
    """The one spelling of `name` that the tables use."""
    same = _SAME.get(name)
    if same is not None:
        return same
    for prefix, replacement in _SAME_PREFIX:
        if name.startswith(prefix):
            name = replacement + name[len(prefix) :]
            break
    if name.startswith("torch.nn."):
        head, _, rest = name[9:].partition(".")
        if rest and head in _NN_SUBMODULES:
            name = "torch.nn." + rest
    elif name.startswith("torch.optim.") and name.count(".") == 3:
        _, _, module, cls = name.split(".")
        if module not in ("lr_scheduler", "swa_utils") and cls[:1].isupper():
            name = f"torch.optim.{cls}"
    return _SAME.get(name, name)


MODULE_BASES = frozenset((
    "torch.nn.Module", "torch.nn.Sequential", "torch.nn.ModuleList", "lightning.LightningModule",
    "lightning.core.LightningModule", "transformers.PreTrainedModel", "torch.jit.ScriptModule",
    "lightning.core.lightning.LightningModule",
))  # fmt: skip
DATASET_BASES = frozenset((
    "torch.utils.data.Dataset", "torch.utils.data.IterableDataset", "torch.utils.data.TensorDataset",
    "torch.utils.data.Subset", "torch.utils.data.ConcatDataset",
))  # fmt: skip
OPTIMIZER_BASES = frozenset(("torch.optim.Optimizer", "torch.optim.Adam", "torch.optim.AdamW", "torch.optim.SGD"))
SCHEDULER_BASES = frozenset(("torch.optim.lr_scheduler.LRScheduler", "torch.optim.lr_scheduler.LambdaLR"))
SAMPLER_BASES = frozenset(("torch.utils.data.Sampler", "torch.utils.data.BatchSampler"))
TRAINER_BASES = frozenset(("transformers.Trainer", "transformers.Seq2SeqTrainer", "trl.SFTTrainer"))

# How often the scheduler is meant to be stepped: by the arguments it takes, see its documentation.
CADENCE: dict[str, Literal["epoch", "step"]] = {
    "OneCycleLR": "step",
    "CyclicLR": "step",
    "StepLR": "epoch",
    "MultiStepLR": "epoch",
    "ExponentialLR": "epoch",
    "ReduceLROnPlateau": "epoch",
}

_OPTIMIZER_MODULES = (
    "torch.optim.", "torch_optimizer.", "bitsandbytes.optim.", "apex.optimizers.", "timm.optim.", "pytorch_optimizer.",
    "torch_xla.amp.syncfree.",
)  # fmt: skip
_OPTIMIZERS = frozenset((
    "transformers.AdamW", "transformers.Adafactor", "adabelief_pytorch.AdaBelief", "lion_pytorch.Lion",
    "deepspeed.ops.adam.FusedAdam", "deepspeed.ops.adam.DeepSpeedCPUAdam", "prodigyopt.Prodigy", "muon.Muon",
    "timm.optim.create_optimizer", "timm.optim.create_optimizer_v2", "torch.distributed.optim.DistributedOptimizer",
    "schedulefree.AdamWScheduleFree",
))  # fmt: skip
_MAKERS: dict[str, Kind] = {
    "torch.amp.GradScaler": "scaler",
    "timm.utils.NativeScaler": "scaler",
    "timm.utils.cuda.NativeScaler": "scaler",
    "timm.utils.ApexScaler": "scaler",
    "torch.distributed.fsdp.sharded_grad_scaler.ShardedGradScaler": "scaler",
    "torch.utils.data.DataLoader": "loader",
    "torch_geometric.loader.DataLoader": "loader",
    "torch_geometric.data.DataLoader": "loader",
    "torchdata.stateful_dataloader.StatefulDataLoader": "loader",
    "dgl.dataloading.DataLoader": "loader",
    "dgl.dataloading.GraphDataLoader": "loader",
    "monai.data.DataLoader": "loader",
    "torch.utils.data.DistributedSampler": "sampler",
    "torch.utils.data.RandomSampler": "sampler",
    "torch.utils.data.SequentialSampler": "sampler",
    "torch.utils.data.SubsetRandomSampler": "sampler",
    "torch.utils.data.WeightedRandomSampler": "sampler",
    "torch.utils.data.BatchSampler": "sampler",
    "torch.utils.data.random_split": "dataset",
    "torch.utils.data.Subset": "dataset",
    "torch.utils.data.TensorDataset": "dataset",
    "torch.utils.data.ConcatDataset": "dataset",
    "datasets.load_dataset": "dataset",
    "datasets.load_from_disk": "dataset",
    "datasets.concatenate_datasets": "dataset",
    "datasets.DatasetDict": "dataset",
    "datasets.interleave_datasets": "dataset",
    "torch.optim.swa_utils.AveragedModel": "ema",
    "torch.optim.swa_utils.SWALR": "scheduler",
    "torch_ema.ExponentialMovingAverage": "ema",
    "timm.utils.ModelEma": "ema",
    "timm.utils.ModelEmaV2": "ema",
    "timm.utils.ModelEmaV3": "ema",
    "ema_pytorch.EMA": "ema",
    "diffusers.training_utils.EMAModel": "ema",
    "timm.create_model": "module",
    "timm.models.create_model": "module",
    "torch.hub.load": "module",
    "segmentation_models_pytorch.Unet": "module",
    "sentence_transformers.SentenceTransformer": "module",
    "peft.get_peft_model": "module",
    "peft.PeftModel.from_pretrained": "module",
    "torch.Generator": "rng",
    "numpy.random.default_rng": "rng",
    "random.Random": "rng",
    "vllm.LLM": "engine",
    "sglang.Engine": "engine",
    "transformers.pipeline": "pipeline",
    "vllm.SamplingParams": "sampling",
    "accelerate.Accelerator": "accelerator",
    "lightning.Fabric": "fabric",
    "lightning.fabric.Fabric": "fabric",
    "lightning_fabric.Fabric": "fabric",
    "lightning.Trainer": "trainer",
    "lightning.Trainer.from_argparse_args": "trainer",
    "transformers.Trainer": "trainer",
    "transformers.Seq2SeqTrainer": "trainer",
    "transformers.TrainingArguments": "trainer_args",
    "transformers.Seq2SeqTrainingArguments": "trainer_args",
    "trl.get_peft_config": "peft",
    "tiktoken.get_encoding": "tokenizer",
    "sentencepiece.SentencePieceProcessor": "tokenizer",
    "torch.nn.Parameter": "params",
}

# Wrappers that give back the same module behind another face; the module is the first argument.
WRAPPERS: dict[str, str] = {
    "torch.nn.parallel.DistributedDataParallel": "ddp",
    "apex.parallel.DistributedDataParallel": "ddp",
    "torch.nn.DataParallel": "dp",
    "torch.distributed.fsdp.FullyShardedDataParallel": "fsdp",
    "torch.distributed.fsdp.fully_shard": "fsdp",
    "fairscale.nn.FullyShardedDataParallel": "fsdp",
    "torch.compile": "compile",
    "torch.jit.script": "script",
    "torch.nn.SyncBatchNorm.convert_sync_batchnorm": "syncbn",
    "peft.get_peft_model": "peft",
    "torch.optim.swa_utils.AveragedModel": "ema",
}
# Functions that give the state of an object -> where the object is passed.
STATE_OF: dict[str, tuple[int, str]] = {
    "torch.distributed.checkpoint.state_dict.get_model_state_dict": (0, "model"),
    "torch.distributed.checkpoint.state_dict.get_optimizer_state_dict": (1, "optimizers"),
    "torch.distributed.fsdp.FullyShardedDataParallel.optim_state_dict": (1, "optim"),
    "torch.distributed.fsdp.FullyShardedDataParallel.full_optim_state_dict": (1, "optim"),
    "torch.distributed.fsdp.FullyShardedDataParallel.sharded_optim_state_dict": (1, "optim"),
    "peft.get_peft_model_state_dict": (0, "model"),
}
# Calls that give back their first argument unchanged for our purposes.
PASS_THROUGH = frozenset((
    "torch.distributed.tensor.parallel.parallelize_module",
    "torch.distributed.algorithms._checkpoint.checkpoint_wrapper.checkpoint_wrapper",
    "tqdm.tqdm", "tqdm.auto.tqdm", "tqdm.notebook.tqdm", "tqdm.trange", "tqdm.tqdm_notebook", "copy.deepcopy",
    "copy.copy", "builtins.iter", "builtins.list", "builtins.tuple", "builtins.reversed", "builtins.sorted",
    "rich.progress.track", "fastprogress.progress_bar", "builtins.set", "peft.prepare_model_for_kbit_training",
    "peft.prepare_model_for_int8_training",
))  # fmt: skip
COPIES = frozenset(("copy.deepcopy", "copy.copy"))
_NO_TENSORS = frozenset(("torch.load", "torch.compile", "torch.vmap"))


def gives_tensors(name: str) -> bool:
    """Whether the qualified `name` is one of torch's functions over tensors: `torch.cat`, `torch.nn.functional.pad`."""
    module, _, last = name.rpartition(".")
    return module in ("torch", "torch.nn.functional") and last[:1].islower() and name not in _NO_TENSORS


@lru_cache(maxsize=4096)
def kind_of_call(name: str) -> Kind | None:
    """The kind of what calling the canonical qualified `name` makes, or None if the tables do not know it."""
    made = _MAKERS.get(name)
    if made is not None:
        return made
    last = name.rpartition(".")[2]
    upper = last[:1].isupper()
    if name.startswith("torch.nn."):
        rest = name[9:]
        if "." not in rest and upper:
            return "loss" if rest.endswith("Loss") else "module"
        return "module" if name in WRAPPERS else None
    if name in WRAPPERS:
        return "module"
    if name.startswith(("torch.optim.lr_scheduler.", "timm.scheduler.")):
        return "scheduler" if upper or last.startswith("create_scheduler") else None
    if name in _OPTIMIZERS or (upper and name.startswith(_OPTIMIZER_MODULES)):
        return "optimizer"
    if name.startswith("transformers."):
        return _transformers(name, last)
    if name.startswith("peft."):
        if last == "from_pretrained":
            return "module" if "AutoPeftModel" in name else "peft" if "Config" in name else None
        return "peft" if upper and last.endswith("Config") else None
    if name.startswith("datasets.Dataset.from_"):
        return "dataset"
    if name.startswith("trl.") and last == "from_pretrained":
        return "module"
    if name.startswith("trl.") and upper:
        if last.endswith("Trainer"):
            return "trainer"
        return "trainer_args" if last.endswith("Config") else None
    if name.startswith("diffusers.optimization."):
        return _transformers(name, last)
    if name.startswith("diffusers.") and last == "from_pretrained":
        if name.endswith(".EMAModel.from_pretrained"):
            return "ema"
        return "module" if any(w in name for w in ("Model", "Autoencoder", "UNet")) else None
    if (
        name.startswith("torchvision.models.") and not upper and "Weights" not in name
    ):  # `..._Weights.DEFAULT.transforms`
        return "module"
    if name.startswith("torchvision.datasets.") and upper:
        return "dataset"
    if upper and name.startswith(("ogb.", "dgl.data.", "torch_geometric.datasets.", "monai.data.")):
        return "dataset" if last.endswith("Dataset") or name.startswith("torch_geometric") else None
    if upper and name.startswith("torch_geometric.") and last.endswith(("Loader", "NeighborSampler")):
        return "loader"
    if name.startswith("torchmetrics.") and upper:
        return "library"
    return "tokenizer" if upper and last.endswith(("Tokenizer", "TokenizerFast")) else None


def _transformers(name: str, last: str) -> Kind | None:
    if last.startswith("get_") and ("schedule" in last or last == "get_scheduler"):
        return "scheduler"
    if last in ("from_pretrained", "from_config", "from_encoder_decoder_pretrained"):
        cls = name.split(".")[-2]
        if cls.endswith(("Tokenizer", "TokenizerFast", "Processor", "FeatureExtractor")) or cls == "AutoTokenizer":
            return "tokenizer"
        if cls.endswith("Config"):
            return "config"
        return "module" if cls[:1].isupper() else None
    if last.startswith("DataCollator"):
        return None
    if (last[:1].isupper() and last.endswith(("Model", "LMHeadModel", "ForCausalLM"))) or (
        "For" in last and "Loss" not in last
    ):
        return "module" if last[:1].isupper() else None
    return None


# Methods of a dataset that give back the same data in another form, or its splits.
DATASET_METHODS = frozenset(
    (
        "map shuffle with_format with_transform filter select batch repeat select_columns remove_columns rename_column "
        "rename_columns cast cast_column sort take skip shard train_test_split add_column to_iterable_dataset flatten"
    ).split()
)

# Losses that take logits and apply log-softmax themselves.
CROSS_ENTROPY = frozenset(("torch.nn.CrossEntropyLoss", "torch.nn.functional.cross_entropy"))
BCE_WITH_LOGITS = frozenset(("torch.nn.BCEWithLogitsLoss", "torch.nn.functional.binary_cross_entropy_with_logits"))
FUNCTIONAL_LOSSES = frozenset(
    f"torch.nn.functional.{n}"
    for n in (
        "cross_entropy nll_loss mse_loss l1_loss smooth_l1_loss huber_loss kl_div binary_cross_entropy "
        "binary_cross_entropy_with_logits ctc_loss hinge_embedding_loss cosine_embedding_loss "
        "margin_ranking_loss triplet_margin_loss multi_margin_loss poisson_nll_loss gaussian_nll_loss "
        "soft_margin_loss multilabel_soft_margin_loss"
    ).split()
)
SOFTMAX = frozenset(("torch.softmax", "torch.nn.functional.softmax", "torch.nn.Softmax", "torch.special.softmax",
                     "torch.nn.Softmax2d"))  # fmt: skip
LOG_SOFTMAX = frozenset(("torch.log_softmax", "torch.nn.functional.log_softmax", "torch.nn.LogSoftmax"))
SIGMOID = frozenset(("torch.sigmoid", "torch.nn.functional.sigmoid", "torch.nn.Sigmoid", "torch.special.expit"))

# Tensor methods and functions that keep the values (so that a softmax stays a softmax).
KEEPS_VALUES = frozenset(
    (
        "view reshape squeeze unsqueeze flatten contiguous float double half bfloat16 to cuda cpu transpose "
        "permute type type_as clone requires_grad_ expand expand_as repeat t view_as reshape_as swapaxes "
        "movedim"
    ).split()
)
# Methods that leave the autograd graph or the tensor world.
LEAVES_GRAPH = frozenset(("detach", "detach_", "data"))
TO_NUMBER = frozenset(("item", "tolist", "numpy", "asscalar", "asnumpy"))
# Methods whose result carries no gradient.
NO_GRADIENT = frozenset(
    ("argmax argmin eq ne lt gt le ge size dim numel long int bool topk_indices isnan isinf isfinite nonzero").split()
)
# Factories of tensors outside any graph.
FRESH_TENSORS = frozenset(
    f"torch.{n}"
    for n in (
        "tensor zeros ones empty full rand randn randint arange linspace eye zeros_like ones_like rand_like "
        "randn_like from_numpy as_tensor randperm full_like empty_like LongTensor FloatTensor Tensor"
    ).split()
)
SELF_RETURNING = frozenset(
    (
        "to cuda cpu half float bfloat16 double train eval share_memory xpu requires_grad_ to_empty apply "
        "to_bettertransformer"
    ).split()
)

# Methods that make an optimizer, a scheduler, ... of something whose origin is not known: all must be called on it.
USAGE: tuple[tuple[frozenset[str], Kind], ...] = (
    (frozenset(("zero_grad", "step")), "optimizer"),
    (frozenset(("unscale_", "step")), "scaler"),
    (frozenset(("scale", "update")), "scaler"),
    (frozenset(("step", "get_last_lr")), "scheduler"),
    (frozenset(("eval",)), "module"),
    (frozenset(("train",)), "module"),
    (frozenset(("parameters",)), "module"),
    (frozenset(("named_parameters",)), "module"),
    (frozenset(("backward",)), "tensor"),
    (frozenset(("set_epoch",)), "sampler"),
)
# Methods that, on something so called, make the guess by name as good as one by usage.
FITTING: dict[Kind, frozenset[str]] = {
    "optimizer": frozenset(("step", "zero_grad")),
    "scheduler": frozenset(("step",)),
    "module": frozenset(("state_dict", "load_state_dict")),
    "scaler": frozenset(("scale", "step", "update", "unscale_")),
}
# Libraries whose models are none of PyTorch's, whatever the variable is called.
OTHER_FRAMEWORKS = frozenset(
    "tensorflow keras tf_keras onnx onnxruntime openvino jax flax haiku paddle mxnet mindspore sklearn xgboost "
    "lightgbm catboost joblib".split()
)
# By name alone, the weakest evidence.
NAMES: tuple[tuple[str, Kind], ...] = (
    ("optimizer", "optimizer"),
    ("optim", "optimizer"),
    ("opt", "optimizer"),
    ("lr_scheduler", "scheduler"),
    ("scheduler", "scheduler"),
    ("scaler", "scaler"),
    ("model", "module"),
    ("net", "module"),
    ("network", "module"),
    ("criterion", "loss"),
    ("loss_fn", "loss"),
    ("train_loader", "loader"),
    ("val_loader", "loader"),
    ("test_loader", "loader"),
    ("dataloader", "loader"),
    ("loader", "loader"),
    ("trainloader", "loader"),
    ("valloader", "loader"),
    ("validloader", "loader"),
    ("testloader", "loader"),
)

# Words of code that puts tensors somewhere else than on the CPU, or leaves that to a library.
ACCELERATORS = re.compile(
    r"cuda|device|accelerat|\bgpu|\bmps\b|\bxpu\b|\bhpu\b|\bnpu\b|\bxla|Trainer\b|lightning|DataParallel|fabric",
    re.IGNORECASE,
)
# Who asks one of these measures how long something takes.
CLOCKS = frozenset((
    "time.time", "time.perf_counter", "time.monotonic", "time.perf_counter_ns", "timeit.default_timer",
    "torch.cuda.Event", "torch.cuda.synchronize",
))  # fmt: skip
NO_GRAD = frozenset(("torch.no_grad", "torch.inference_mode"))
ALL_RNGS = frozenset(("python", "numpy", "torch", "cuda"))
# Which generators a call seeds.
SEEDS: dict[str, frozenset[str]] = {
    "random.seed": frozenset(("python",)),
    "numpy.random.seed": frozenset(("numpy",)),
    "torch.manual_seed": frozenset(("torch", "cuda")),
    "torch.seed": frozenset(("torch", "cuda")),
    "torch.cuda.manual_seed": frozenset(("cuda",)),
    "torch.cuda.manual_seed_all": frozenset(("cuda",)),
    "transformers.set_seed": ALL_RNGS,
    "transformers.enable_full_determinism": ALL_RNGS,
    "accelerate.utils.set_seed": ALL_RNGS,
    "lightning.seed_everything": ALL_RNGS,
    "ignite.utils.manual_seed": ALL_RNGS,
    "monai.utils.set_determinism": ALL_RNGS,
    "fastai.torch_core.set_seed": ALL_RNGS,
    "fastai.basics.set_seed": ALL_RNGS,
}
