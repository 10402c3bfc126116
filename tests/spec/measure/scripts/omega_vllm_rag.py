"""Answers questions about the staff handbook from retrieved passages."""
import json
import math
import re
from collections import Counter

from omegaconf import OmegaConf
from vllm import LLM, SamplingParams

SYSTEM = (
    "You answer questions of employees with the passages of the staff handbook below. Quote the number of the passage. "
    "If the passages do not contain the answer, say so."
)
WORD = re.compile(r"\w+")


def read_jsonl(path):
    with open(path, encoding="utf-8") as f:
        return [json.loads(line) for line in f]


class Bm25:
    def __init__(self, texts, k1=1.5, b=0.75):
        self.docs = [Counter(WORD.findall(t.lower())) for t in texts]
        self.lengths = [sum(d.values()) for d in self.docs]
        self.mean = sum(self.lengths) / len(self.lengths)
        self.df = Counter(w for d in self.docs for w in d)
        self.k1, self.b = k1, b

    def score(self, words, i):
        doc, total = self.docs[i], 0.0
        for w in words:
            if w not in doc:
                continue
            idf = math.log(1 + (len(self.docs) - self.df[w] + 0.5) / (self.df[w] + 0.5))
            norm = self.k1 * (1 - self.b + self.b * self.lengths[i] / self.mean)
            total += idf * doc[w] * (self.k1 + 1) / (doc[w] + norm)
        return total

    def best(self, query, k):
        words = set(WORD.findall(query.lower()))
        return sorted(range(len(self.docs)), key=lambda i: self.score(words, i), reverse=True)[:k]


def to_chat(question, passages):
    context = "\n\n".join(f"[{p['number']}] {p['text']}" for p in passages)
    return [
        {"role": "system", "content": SYSTEM},
        {"role": "user", "content": f"{context}\n\nQuestion: {question}"},
    ]


def main():
    cfg = OmegaConf.load("omega_vllm_rag.yaml")
    questions, passages = read_jsonl(cfg.questions), read_jsonl(cfg.passages)
    index = Bm25([p["text"] for p in passages])
    chats = [to_chat(q["question"], [passages[i] for i in index.best(q["question"], cfg.top_k)]) for q in questions]

    llm = LLM(**OmegaConf.to_container(cfg.engine, resolve=True))
    params = SamplingParams(**OmegaConf.to_container(cfg.sampling, resolve=True))
    outputs = llm.chat(chats, params)
    with open(cfg.answers, "w", encoding="utf-8") as f:
        for q, output in zip(questions, outputs):
            f.write(json.dumps({**q, "answer": output.outputs[0].text.strip()}, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
