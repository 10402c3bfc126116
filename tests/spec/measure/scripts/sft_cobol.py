"""QLoRA fine-tuning of a chat model that explains COBOL programs to Java developers."""
import torch
from datasets import load_dataset
from peft import LoraConfig
from transformers import AutoModelForCausalLM, AutoTokenizer, BitsAndBytesConfig
from trl import SFTConfig, SFTTrainer

BASE_MODEL = "Qwen/Qwen3-8B"
DATASET = "bankworks/cobol-explained"
OUTPUT_DIR = "runs/cobol-explainer"

SYSTEM = "You explain COBOL programs to developers who know Java. Be exact about record layouts and PERFORM loops."


def to_messages(row):
    """The data set has one column with the program and one with the explanation."""
    return {
        "messages": [
            {"role": "system", "content": SYSTEM},
            {"role": "user", "content": f"```cobol\n{row['program']}\n```\n{row['question']}"},
            {"role": "assistant", "content": row["explanation"]},
        ]
    }


def load_model():
    quantization = BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_compute_dtype=torch.bfloat16,
        bnb_4bit_use_double_quant=True,
    )
    model = AutoModelForCausalLM.from_pretrained(
        BASE_MODEL, quantization_config=quantization, dtype=torch.bfloat16, attn_implementation="sdpa"
    )
    model.config.use_cache = False
    return model


def main():
    tokenizer = AutoTokenizer.from_pretrained(BASE_MODEL)
    data = load_dataset(DATASET)
    data = data.map(to_messages, remove_columns=data["train"].column_names)

    peft_config = LoraConfig(
        r=24,
        lora_alpha=48,
        lora_dropout=0.05,
        target_modules=["q_proj", "k_proj", "v_proj", "o_proj"],
        bias="none",
        task_type="CAUSAL_LM",
    )
    args = SFTConfig(
        output_dir=OUTPUT_DIR,
        max_length=2560,
        packing=False,
        assistant_only_loss=True,
        num_train_epochs=3,
        per_device_train_batch_size=2,
        per_device_eval_batch_size=4,
        gradient_accumulation_steps=12,
        gradient_checkpointing=True,
        learning_rate=1.6e-4,
        lr_scheduler_type="cosine",
        warmup_ratio=0.04,
        max_grad_norm=0.4,
        optim="paged_adamw_8bit",
        bf16=True,
        eval_strategy="steps",
        eval_steps=120,
        save_strategy="steps",
        save_steps=240,
        save_total_limit=3,
        logging_steps=10,
        report_to="wandb",
        run_name="cobol-explainer",
        seed=1959,
    )
    trainer = SFTTrainer(
        model=load_model(),
        args=args,
        train_dataset=data["train"],
        eval_dataset=data["validation"],
        processing_class=tokenizer,
        peft_config=peft_config,
    )
    trainer.train()
    trainer.save_model(OUTPUT_DIR)


if __name__ == "__main__":
    main()
