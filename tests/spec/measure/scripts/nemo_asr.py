import hydra
import lightning.pytorch as pl
from nemo.collections.asr.models import EncDecCTCModelBPE
from nemo.utils.exp_manager import exp_manager
from omegaconf import DictConfig


@hydra.main(config_path="conf", config_name="citrinet", version_base=None)
def main(cfg: DictConfig) -> None:
    pl.seed_everything(cfg.seed)
    trainer = pl.Trainer(**cfg.trainer)
    exp_manager(trainer, cfg.get("exp_manager", None))
    model = EncDecCTCModelBPE.from_pretrained(cfg.init_from, trainer=trainer)
    model.setup_training_data(cfg.model.train_ds)
    model.setup_validation_data(cfg.model.validation_ds)
    model.setup_optimization(cfg.model.optim)
    trainer.fit(model)


if __name__ == "__main__":
    main()
