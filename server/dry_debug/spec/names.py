"""Names of arguments, options and settings -> canonical fields, beyond those that the facts know. Data only."""

_NAMES = {
    "model": "model_name_or_path model_name model_id base_model base_model_name model_path pretrained_model "
    "pretrained_model_name_or_path "
    "checkpoint_name hf_model backbone_name arch student_model teacher_model student_model_name teacher_model_name "
    "model_checkpoint "
    "student_model_name_or_path teacher_model_name_or_path",
    "dataset": "dataset_name dataset_id dataset_path data_path train_file data_file train_data train_data_path "
    "data_dir dataset_dir hf_dataset",
    "batch_size": "batch_size bs bsz train_batch_size per_device_train_batch_size per_gpu_train_batch_size "
    "micro_batch_size "
    "mini_batch_size minibatch_size minibatch global_batch_size effective_batch_size total_batch_size train_bs "
    "eval_batch_size "
    "per_device_eval_batch_size validation_batch_size valid_batch_size dev_batch_size eval_bs val_bs test_bs "
    "val_batch_size test_batch_size micro_batch per_device_batch_size",
    "learning_rate": "lr learning_rate base_lr init_lr peak_lr max_lr lr_g lr_d lr_generator lr_discriminator g_lr "
    "d_lr lr_backbone "
    "lr_head backbone_lr head_lr teacher_lr student_lr",
    "epochs": "epochs num_epochs n_epochs update_epochs ppo_epochs num_train_epochs max_epochs total_epochs "
    "train_epochs",
    "max_steps": "max_steps max_train_steps num_training_steps total_steps max_iters num_steps train_steps n_steps "
    "num_iterations iterations total_updates num_updates n_updates max_updates total_iters n_iters num_iters "
    "train_iters total_timesteps total_env_steps total_frames num_env_steps num_timesteps",
    "lora_r": "lora_r lora_rank lora_dim",
    "lora_alpha": "lora_alpha",
    "lora_dropout": "lora_dropout",
    "target_modules": "target_modules lora_target_modules lora_targets",
    "max_length": "max_seq_length max_length max_seq_len max_len seq_len block_size context_length max_model_len "
    "model_max_length "
    "sequence_length max_prompt_length max_source_length cutoff_len seq_length context_len n_ctx",
    "max_tokens": "max_new_tokens max_tokens max_output_tokens max_completion_length generation_max_length",
    "optimizer": "optim opt optimizer optimizer_name optimizer_type",
    "scheduler": "lr_scheduler_type sched scheduler lr_scheduler scheduler_name lr_schedule schedule",
    "warmup_steps": "warmup_steps num_warmup_steps warmup_iters lr_warmup_steps warmup_epochs num_warmup_epochs "
    "lr_warmup_epochs",
    "warmup_ratio": "warmup_ratio warmup_fraction warmup_proportion",
    "weight_decay": "weight_decay wd",
    "gradient_accumulation_steps": "gradient_accumulation_steps grad_accum_steps accumulation_steps accum_steps "
    "grad_accum gradient_accumulation "
    "accumulate_grad_batches accumulate",
    "max_grad_norm": "max_grad_norm grad_clip clip_grad_norm gradient_clip_val clip_norm clip_grad max_norm "
    "grad_clip_norm",
    "seed": "seed random_seed",
    "output_dir": "output_dir save_dir out_dir checkpoint_dir ckpt_dir output_path save_path model_dir "
    "default_root_dir results_dir",
    "precision": "precision mixed_precision dtype torch_dtype bf16 fp16 tf32",
    "logging": "report_to logging_steps log_every log_interval log_every_n_steps log_steps log_freq log_every_steps"
    " steps_per_print "
    "use_wandb",
    "eval_cadence": "eval_steps eval_every eval_interval eval_freq evaluation_strategy eval_strategy val_every "
    "validate_every "
    "check_val_every_n_epoch val_check_interval eval_every_epochs",
    "save_cadence": "save_steps save_every save_interval save_freq save_strategy checkpoint_every every_n_epochs "
    "every_n_train_steps "
    "ckpt_every checkpoint_interval save_every_epochs save_every_n_epochs",
    "temperature": "temperature",
    "top_p": "top_p",
    "tensor_parallel_size": "tensor_parallel_size tp_size tp tensor_parallel",
}
FIELD_OF: dict[str, str] = {name: field for field, names in _NAMES.items() for name in names.split()}
