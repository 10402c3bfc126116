import sglang as sgl

GRADES = ["good", "ok", "bad"]


@sgl.function
def judge(s, question, answer):
    s += sgl.system("You grade answers.")
    s += sgl.user(f"Question: {question}\nAnswer: {answer}\nThink first, then grade.")
    s += sgl.assistant(sgl.gen("thoughts", max_tokens=400, temperature=0.6, top_p=0.9))
    s += sgl.user("The grade:")
    s += sgl.assistant(sgl.select("grade", choices=GRADES))


if __name__ == "__main__":
    runtime = sgl.Runtime(model_path="Qwen/Qwen2.5-32B-Instruct", tp_size=2, mem_fraction_static=0.85)
    sgl.set_default_backend(runtime)
    pairs = [line.rstrip("\n").split("\t") for line in open("pairs.tsv")]
    states = judge.run_batch([{"question": q, "answer": a} for q, a in pairs], progress_bar=True)
    for state in states:
        print(state["grade"])
    runtime.shutdown()
