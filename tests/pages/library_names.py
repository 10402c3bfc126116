"""Attribute and method names that libraries give or require: a renaming must leave them alone."""

import builtins
import keyword

_MODULE = """
    add_module apply bfloat16 buffers children compile cpu cuda double eval extra_repr float forward half
    load_state_dict modules named_buffers named_children named_modules named_parameters parameters
    register_buffer register_forward_hook register_full_backward_hook register_module register_parameter
    requires_grad_ share_memory state_dict to to_empty train training type xpu zero_grad module weight bias
    get_submodule get_parameter set_extra_state get_extra_state in_features out_features no_sync join
"""
_TENSOR = """
    T abs add all any argmax argmin backward bool byte ceil chunk clamp clip clone contiguous copy cos data detach
    device dim div dot dtype exp expand fill_ flatten gather grad grad_fn index int is_cuda is_leaf item log
    long masked_fill matmul max mean min mul ndim norm numel numpy permute pin_memory pow repeat requires_grad
    reshape retain_grad round scatter shape sigmoid sin size softmax sort split sqrt squeeze std stride sub sum
    tanh tolist topk transpose unsqueeze values var view where zero_ is_contiguous register_hook
"""
_TRAINING = """
    step param_groups add_param_group get_last_lr last_epoch scale unscale_ update get_scale autocast
    dataset sampler batch_size num_workers set_epoch collate_fn drop_last generator batch_sampler
    training_epoch_end validation_epoch_end test_epoch_end
    training_step validation_step test_step predict_step configure_optimizers train_dataloader val_dataloader
    test_dataloader predict_dataloader prepare_data setup teardown on_train_start on_train_end
    on_train_epoch_start on_train_epoch_end on_validation_epoch_end on_train_batch_start on_train_batch_end
    on_before_optimizer_step on_after_backward optimizer_step optimizer_zero_grad manual_backward optimizers
    toggle_optimizer automatic_optimization log log_dict save_hyperparameters hparams current_epoch global_step
    trainer on_save_checkpoint on_load_checkpoint compute_loss prediction_step create_optimizer
    create_scheduler get_train_dataloader get_eval_dataloader save_model evaluate predict compute_metrics
    training_arguments on_step_end on_epoch_end on_evaluate on_save on_log callback_handler control state
    prepare gather_for_metrics accumulate clip_grad_norm_ unwrap_model wait_for_everyone is_main_process
    process_index save_state load_state print setup_dataloaders launch fit test validate
"""
_MODELS = """
    from_pretrained save_pretrained push_to_hub config generate encode decode batch_decode pad_token
    pad_token_id eos_token eos_token_id padding_side chat outputs text logits loss hidden_states last_hidden_state
    gradient_checkpointing_enable gradient_checkpointing_disable resize_token_embeddings get_input_embeddings
    get_output_embeddings tie_weights post_init prepare_inputs_for_generation add_request abort model_max_length
    base_model base_model_prefix config_class main_input_name
"""
_CONTAINERS = """
    add append clear count discard endswith extend find format get index insert items join keys lower pop
    popitem read remove replace reverse rstrip save load setdefault split startswith strip union upper write
    close open flush start stop run put send recv acquire release name value args kwargs path parent stem suffix
    exists mkdir unlink info debug warning error exception critical
"""
LIBRARY_ATTRIBUTES = frozenset(" ".join((_MODULE, _TENSOR, _TRAINING, _MODELS, _CONTAINERS)).split())

# Names that are never renamed: of the language, and parameters that a library passes by keyword.
KEPT_NAMES = frozenset(
    {
        *dir(builtins),
        *keyword.kwlist,
        *("self", "cls", "_", "return_outputs", "num_items_in_batch", "prediction_loss_only", "ignore_keys"),
    }
)
