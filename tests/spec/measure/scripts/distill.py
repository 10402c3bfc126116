import torch
import torch.nn.functional as F
from torch.utils.data import DataLoader
from transformers import AutoModelForSequenceClassification

from data import tokenized

TEACHER = "bert-large-uncased"
STUDENT = "distilbert-base-uncased"
ACCUM = 4

teacher = AutoModelForSequenceClassification.from_pretrained(TEACHER).eval().cuda()
student = AutoModelForSequenceClassification.from_pretrained(STUDENT).cuda()
optimizer = torch.optim.AdamW(student.parameters(), lr=5e-5)
loader = DataLoader(tokenized, batch_size=16, shuffle=True)
step = 0
for epoch in range(3):
    for batch in loader:
        batch = {key: value.cuda() for key, value in batch.items()}
        with torch.no_grad():
            target = teacher(**batch).logits
        loss = F.kl_div(F.log_softmax(student(**batch).logits, -1), F.softmax(target, -1), reduction="batchmean") / ACCUM
        loss.backward()
        step += 1
        if step % ACCUM == 0:
            torch.nn.utils.clip_grad_norm_(student.parameters(), 1.0)
            optimizer.step()
            optimizer.zero_grad()
        if step % 100 == 0:
            print(step, loss.item())
student.save_pretrained("student_out")
