from fastai.callback.tracker import SaveModelCallback
from fastai.vision.all import *

set_seed(42, reproducible=True)
path = Path("data/leaves")

dls = ImageDataLoaders.from_folder(
    path,
    valid_pct=0.2,
    seed=42,
    bs=32,
    item_tfms=Resize(460),
    batch_tfms=aug_transforms(size=256),
)
learn = vision_learner(dls, resnet34, metrics=[accuracy, F1Score(average="macro")], path="models/leaves", wd=0.1)
learn.to_fp16()
learn.fit_one_cycle(12, lr_max=3e-3, cbs=SaveModelCallback(monitor="accuracy"))
learn.export("leaves.pkl")
