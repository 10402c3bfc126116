# %% [markdown]
# # Fine-tune Gemma on recipes (Colab, free T4)

# %%
# !pip install -q transformers peft datasets

# %%
import torch
from datasets import load_dataset
from peft import LoraConfig, get_peft_model
from transformers import (
    AutoModelForCausalLM,
    AutoTokenizer,
    DataCollatorForLanguageModeling,
    Trainer,
    TrainingArguments,
)

# %%
model_id = "google/gemma-2-2b"
tokenizer = AutoTokenizer.from_pretrained(model_id)
model = AutoModelForCausalLM.from_pretrained(model_id, torch_dtype=torch.float16, device_map={"": 0})

# %%
lora = LoraConfig(r=16, lora_alpha=32, target_modules=["q_proj", "v_proj"], lora_dropout=0.05, task_type="CAUSAL_LM")
model = get_peft_model(model, lora)
model.print_trainable_parameters()

# %%
data = load_dataset("json", data_files="recipes.jsonl", split="train")
data = data.map(lambda r: tokenizer(r["text"], truncation=True, max_length=512), remove_columns=data.column_names)

# %%
trainer = Trainer(
    model=model,
    train_dataset=data,
    args=TrainingArguments(
        per_device_train_batch_size=4,
        gradient_accumulation_steps=4,
        warmup_steps=50,
        max_steps=400,
        learning_rate=2e-4,
        fp16=True,
        logging_steps=10,
        output_dir="gemma-recipes",
        optim="adamw_torch",
        report_to="none",
    ),
    data_collator=DataCollatorForLanguageModeling(tokenizer, mlm=False),
)
model.config.use_cache = False
trainer.train()

# %%
model.save_pretrained("gemma-recipes/adapter")
