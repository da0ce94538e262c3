"""Where Dagster keeps a project's run history."""

import os
import shutil
from importlib import resources
from pathlib import Path

from pipeline.errors import ConfigurationError
from pipeline.project import Project

TEMPLATES = resources.files("pipeline") / "templates"
INSTANCE_FILE = "dagster.yaml"
HOME = "DAGSTER_HOME"


def instance_folder(project: Project) -> Path:
    """The folder of the project's instance, made ready: what `DAGSTER_HOME` says, or `<project>/dagster`.

    Raises:
        ConfigurationError: it can't be written to.
    """
    named = os.environ.get(HOME)
    folder = Path(named) if named else project.root / "dagster"
    if not folder.is_absolute():
        raise ConfigurationError(f"{HOME} is {named}; Dagster wants an absolute path")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if not named and not (folder / INSTANCE_FILE).exists():
            with resources.as_file(TEMPLATES / INSTANCE_FILE) as shipped:
                shutil.copyfile(shipped, folder / INSTANCE_FILE)
    except OSError as error:
        raise ConfigurationError(
            f"{folder} can't be written to ({error.strerror}); correct its permissions, or set {HOME} to another folder"
        ) from error
    if not os.access(folder, os.W_OK):
        raise ConfigurationError(
            f"{folder} can't be written to; correct its permissions, or set {HOME} to another folder"
        )
    return folder
