"""From the settings' dotted path to a trainer, importing it only then."""

from __future__ import annotations

import importlib
from typing import Any, cast

from generation.pipelines.errors import PipelineUnknown
from generation.training.contract import Trainer


def load_trainer(dotted_path: str, **options: Any) -> Trainer:
    """Return a new trainer of the class at ``dotted_path``; torch is imported here, if ever.

    Raises PipelineUnknown where nothing importable is there or the options do not fit.
    """
    module_name, _, class_name = dotted_path.rpartition(".")
    try:
        return cast(Trainer, getattr(importlib.import_module(module_name), class_name)(**options))
    except (ImportError, AttributeError, ValueError, TypeError) as error:
        raise PipelineUnknown(path=dotted_path, reason=str(error)) from error
