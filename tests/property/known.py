"""Where a change that keeps the meaning still changes what is said: an open list, to be emptied."""

# Transformation -> samples.
KNOWN: dict[str, frozenset[str]] = {
    "keywords for positions": frozenset(
        {
            "checkpoint/incomplete_checkpoint-12-line412",
            "checkpoint/unmapped_checkpoint_load-1-line22",
            "checkpoint/unmapped_checkpoint_load-4-line104",
            "checkpoint/unmapped_checkpoint_load-5-line132",
        }
    ),
    "a second training function": frozenset(
        {
            "spec/hyperparameter_deviation-1-line23",
        }
    ),
    "a run as a function": frozenset(
        {
            "amp/clip_before_unscale-1-line20",
            "checkpoint/incomplete_checkpoint-12-line412",
            "checkpoint/incomplete_checkpoint-13-line429",
            "checkpoint/incomplete_checkpoint-2-line109",
            "checkpoint/incomplete_checkpoint-4-line198",
            "checkpoint/incomplete_checkpoint-5-line248",
            "checkpoint/incomplete_checkpoint-6-line273",
            "checkpoint/unmapped_checkpoint_load-10-line221",
            "checkpoint/unmapped_checkpoint_load-12-line251",
            "checkpoint/unmapped_checkpoint_load-13-line290",
            "checkpoint/unmapped_checkpoint_load-3-line80",
            "checkpoint/unmapped_checkpoint_load-8-line190",
            "examples",
            "loop/lingering_eval_mode-2-line75",
            "loop/lingering_eval_mode-5-line211",
            "loop/lingering_eval_mode-9-line308",
            "loop/uncleared_gradients-1-line21",
            "loss/softmax_before_cross_entropy-3-line147",
            "loss/softmax_before_cross_entropy-9-line349",
            "memory/attached_loss_total-1-line24",
            "memory/attached_loss_total-10-line371",
            "memory/attached_loss_total-2-line81",
            "memory/attached_loss_total-3-line117",
            "memory/attached_loss_total-4-line159",
            "memory/attached_loss_total-5-line217",
            "reproducibility/partial_seeding-3-line132",
            "reproducibility/partial_seeding-5-line220",
            "vllm/default_max_tokens-7-line181",
        }
    ),
    "a run as a method": frozenset(
        {
            "memory/attached_loss_total-4-line159",
            "vllm/default_max_tokens-7-line181",
        }
    ),
    "inlined": frozenset(
        {
            "checkpoint/incomplete_checkpoint-5-line248",
            "reproducibility/partial_seeding-2-line85",
        }
    ),
    "moved, from": frozenset(
        {
            "checkpoint/incomplete_checkpoint-5-line248",
            "examples",
            "loss/softmax_before_cross_entropy-5-line246",
            "reproducibility/partial_seeding-2-line85",
            "vllm/default_max_tokens-4-line108",
        }
    ),
    "moved, module": frozenset(
        {
            "checkpoint/incomplete_checkpoint-5-line248",
            "examples",
            "loss/softmax_before_cross_entropy-5-line246",
            "reproducibility/partial_seeding-2-line85",
            "vllm/default_max_tokens-4-line108",
        }
    ),
    "moved, package": frozenset(
        {
            "checkpoint/incomplete_checkpoint-5-line248",
            "examples",
            "loss/softmax_before_cross_entropy-5-line246",
            "reproducibility/partial_seeding-2-line85",
            "vllm/default_max_tokens-4-line108",
        }
    ),
    "moved, from-all": frozenset(
        {
            "examples",
        }
    ),
    "moved, module-all": frozenset(
        {
            "examples",
        }
    ),
    "moved, package-all": frozenset(
        {
            "examples",
        }
    ),
}

# The share of places that may be skipped where it is more than a third; why stands in each transformation.
MOST_SKIPPED: dict[str, float] = {
    "inlined": 0.4,
    "moved, from-all": 0.4,
    "moved, module-all": 0.4,
    "moved, package-all": 0.4,
}
