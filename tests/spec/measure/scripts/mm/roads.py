num_classes = 3
crop = (512, 512)
work_dir = "work_dirs/roads"
randomness = dict(seed=2025)

model = dict(
    type="EncoderDecoder",
    backbone=dict(type="ResNetV1c", depth=50, num_stages=4),
    decode_head=dict(type="PSPHead", num_classes=num_classes, dropout_ratio=0.1),
    pretrained="open-mmlab://resnet50_v1c",
)

train_dataloader = dict(
    batch_size=4,
    num_workers=4,
    sampler=dict(type="InfiniteSampler", shuffle=True),
    dataset=dict(type="BaseSegDataset", data_root="data/roads", ann_file="train.txt"),
)
val_dataloader = dict(batch_size=1, dataset=dict(type="BaseSegDataset", data_root="data/roads", ann_file="val.txt"))

optim_wrapper = dict(
    type="AmpOptimWrapper",
    optimizer=dict(type="SGD", lr=0.01, momentum=0.9, weight_decay=0.0005),
    clip_grad=dict(max_norm=5.0),
)
param_scheduler = [dict(type="PolyLR", eta_min=1e-4, power=0.9, begin=0, end=40000, by_epoch=False)]
train_cfg = dict(type="IterBasedTrainLoop", max_iters=40000, val_interval=4000)
default_hooks = dict(
    checkpoint=dict(type="CheckpointHook", by_epoch=False, interval=8000),
    logger=dict(type="LoggerHook", interval=100),
)
