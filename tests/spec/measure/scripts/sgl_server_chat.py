import argparse
import asyncio

import sglang as sgl

parser = argparse.ArgumentParser()
parser.add_argument("--model-path", default="google/gemma-2-9b-it")
parser.add_argument("--tp-size", type=int, default=1)
parser.add_argument("--mem-fraction", type=float, default=0.85)
parser.add_argument("--context-length", type=int, default=4096)
parser.add_argument("--temperature", type=float, default=0.3)
parser.add_argument("--top-p", type=float, default=0.9)
parser.add_argument("--max-new-tokens", type=int, default=256)
parser.add_argument("--questions", default="faq/questions.txt")


async def main(args):
    llm = sgl.Engine(
        model_path=args.model_path,
        tp_size=args.tp_size,
        mem_fraction_static=args.mem_fraction,
        context_length=args.context_length,
    )
    with open(args.questions) as f:
        questions = f.read().splitlines()
    params = {"temperature": args.temperature, "top_p": args.top_p, "max_new_tokens": args.max_new_tokens}
    answers = await asyncio.gather(*(llm.async_generate(q, params) for q in questions))
    for q, a in zip(questions, answers):
        print(q, "->", a["text"].strip())
    llm.shutdown()


if __name__ == "__main__":
    asyncio.run(main(parser.parse_args()))
