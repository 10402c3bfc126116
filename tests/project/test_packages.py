"""What a project says about the packages that it needs, and what it has itself."""

from pathlib import Path

from dry_debug.project.host import ProjectHost


def lacks(root: Path, top: str) -> bool:
    return ProjectHost(str(root)).lacks_package(top, str(root / "main.py"))


def test_a_package_is_lacking_where_a_list_leaves_it_out(tmp_path: Path) -> None:
    (tmp_path / "requirements.txt").write_text("torch\nPyYAML>=6\ntransformers==4.51.0\n")
    assert lacks(tmp_path, "wandb")
    assert not lacks(tmp_path, "yaml")  # under another name
    assert not lacks(tmp_path, "tqdm")  # comes along with transformers


def test_of_a_package_that_nobody_knows_it_is_not_known_what_it_brings(tmp_path: Path) -> None:
    (tmp_path / "requirements.txt").write_text("torch\ntransformers\nnumpy\n")
    assert lacks(tmp_path, "rich") and lacks(tmp_path, "umap")
    (tmp_path / "requirements.txt").write_text("torch\ntransformers\nnumpy\nour-engine\n")
    assert not lacks(tmp_path, "rich")
    assert lacks(tmp_path, "umap")  # hardly anything brings that


def test_one_or_two_packages_are_no_list(tmp_path: Path) -> None:
    (tmp_path / "requirements.txt").write_text("torch\nnumpy\n")
    assert not lacks(tmp_path, "wandb")


def test_words_and_modules_of_the_project_count(tmp_path: Path) -> None:
    (tmp_path / "requirements.txt").write_text("torch\nnumpy\nscipy\n")
    (tmp_path / "docker").mkdir()
    (tmp_path / "docker" / "Dockerfile").write_text("RUN pip install opencv-python-headless\n")
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib" / "evaluate.py").write_text("")
    assert not lacks(tmp_path, "cv2")
    assert not lacks(tmp_path, "evaluate")
    assert lacks(tmp_path, "sklearn")


def test_what_is_installed_is_not_lacking(tmp_path: Path) -> None:
    (tmp_path / "requirements.txt").write_text("torch\nnumpy\nscipy\n")
    site = tmp_path / ".venv" / "lib" / "python3.11" / "site-packages"
    (site / "scikit_learn-1.5.0.dist-info").mkdir(parents=True)
    (site / "wandb").mkdir()
    (tmp_path / ".venv" / "pyvenv.cfg").write_text("")
    assert not lacks(tmp_path, "sklearn")
    assert not lacks(tmp_path, "wandb")
    assert lacks(tmp_path, "cv2")


def test_the_answer_is_part_of_the_cache_key(tmp_path: Path) -> None:
    host = ProjectHost(str(tmp_path))
    main = str(tmp_path / "main.py")
    host.lacks_package("cv2", main)
    assert "package:cv2" in host.asked_for(main)
    before = host.answer_key("package:cv2")
    (tmp_path / "requirements.txt").write_text("torch\nnumpy\nscipy\n")
    host.refresh()
    assert host.answer_key("package:cv2") != before
