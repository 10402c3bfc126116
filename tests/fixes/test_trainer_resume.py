"""The Trainer's own resume, offered where a script never asks for it."""

import pytest
from dry_debug.fixes.trainer_resume import resume_offer
from dry_debug.lint.applier import edited
from dry_debug.lint.needs import edits_of
from dry_debug.program.host import NullHost
from dry_debug.program.parsing import parse
from dry_debug.program.program import Program
from dry_debug.text.document import Document
from dry_debug.text.spans import Span

TEXT = """from transformers import Trainer, TrainingArguments

args = TrainingArguments(output_dir="runs/a", num_train_epochs=3)
trainer = Trainer(model=model, args=args, train_dataset=data)
trainer.train()
trainer.save_model("final")
"""


def offered(text: str, at: str = "trainer.train()") -> str | None:
    """The text after the offer at the line that has `at` in it; None where none is made."""
    document = Document.from_text(text, "run.py")
    program = Program(document, parse(document), NullHost())
    place = max(text.find(at), 0)
    fix = resume_offer(program, Span(place, place))
    return edited(document, edits_of(document, fix)).source if fix is not None else None


def test_the_last_checkpoint_is_looked_up_in_the_folder_of_the_trainer() -> None:
    assert offered(TEXT) == TEXT.replace(
        "from transformers import",
        "import os\n\nfrom transformers import",
    ).replace(
        "TrainingArguments\n",
        "TrainingArguments\nfrom transformers.trainer_utils import get_last_checkpoint\n",
        1,
    ).replace(
        "trainer.train()\n",
        """last_checkpoint = None  # on the first start
if os.path.isdir(trainer.args.output_dir):
    last_checkpoint = get_last_checkpoint(trainer.args.output_dir)
trainer.train(resume_from_checkpoint=last_checkpoint)
""",
    )


def test_it_is_offered_where_the_model_is_saved_as_well() -> None:
    assert offered(TEXT, "trainer.save_model") == offered(TEXT)
    assert offered(TEXT, "args = ") is None


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("trainer.train()", "trainer.train(resume_from_checkpoint=True)"),
        ("trainer.train()", "trainer.train(path)"),
        ("trainer.train()", "trainer.train(**options)"),
        ("num_train_epochs=3", 'save_strategy="no"'),
        ("num_train_epochs=3", "overwrite_output_dir=True"),
        ("trainer.train()", "for fold in range(3):\n    trainer.train()"),
        ("from transformers import Trainer", "from lightning import Trainer"),
        ("trainer.train()", "if old:\n    trainer.train(resume_from_checkpoint=True)\nelse:\n    trainer.train()"),
    ],
)
def test_nothing_is_offered_where_the_script_decides_itself_or_there_is_nothing_to_read(old: str, new: str) -> None:
    assert offered(TEXT.replace(old, new)) is None


def test_a_config_of_trl_and_an_assigned_result() -> None:
    text = TEXT.replace("from transformers import Trainer, TrainingArguments", "from trl import SFTConfig, SFTTrainer")
    text = text.replace("TrainingArguments(", "SFTConfig(").replace("Trainer(m", "SFTTrainer(m")
    after = offered(text.replace("trainer.train()", "result = trainer.train()"))
    assert after is not None and "result = trainer.train(resume_from_checkpoint=last_checkpoint)\n" in after


def test_a_class_with_a_train_of_its_own_is_left_alone() -> None:
    own = "class Mine(Trainer):\n    def train(self):\n        return 1\n\n\n"
    assert offered(TEXT.replace("args = ", f"{own}args = ", 1).replace("= Trainer(", "= Mine(")) is None
