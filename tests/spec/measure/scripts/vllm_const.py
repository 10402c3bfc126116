import json
import os

from vllm import LLM, SamplingParams

MODEL_PATH = "deepseek-ai/DeepSeek-R1-Distill-Qwen-14B"
INPUT_FILE = "data/aime24.jsonl"
OUTPUT_DIR = "outputs/r1-14b"
NUM_GPUS = 2
MAX_TOKENS = 16384
TEMPERATURE = 0.6
TOP_P = 0.95
N_SAMPLES = 16
SEED = 1234

os.makedirs(OUTPUT_DIR, exist_ok=True)
problems = [json.loads(line) for line in open(INPUT_FILE)]

llm = LLM(
    model=MODEL_PATH,
    tensor_parallel_size=NUM_GPUS,
    max_model_len=MAX_TOKENS + 2048,
    dtype="bfloat16",
    seed=SEED,
    trust_remote_code=True,
)
tokenizer = llm.get_tokenizer()
params = SamplingParams(n=N_SAMPLES, temperature=TEMPERATURE, top_p=TOP_P, max_tokens=MAX_TOKENS, seed=SEED)
prompts = [
    tokenizer.apply_chat_template(
        [{"role": "user", "content": p["problem"] + "\nPut the final answer in \\boxed{}."}],
        tokenize=False,
        add_generation_prompt=True,
    )
    for p in problems
]
results = llm.generate(prompts, params)
with open(os.path.join(OUTPUT_DIR, "aime24.json"), "w") as f:
    json.dump([[o.text for o in r.outputs] for r in results], f)
