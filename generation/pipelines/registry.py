"""From the settings' dotted path to a pipeline, importing it only then."""

from __future__ import annotations

import importlib
from typing import Any, cast

from generation.pipelines.contract import Pipeline
from generation.pipelines.errors import PipelineUnknown


def load_pipeline(dotted_path: str, **options: Any) -> Pipeline:
    """Return a new pipeline of the class at ``dotted_path``; torch is imported here, if ever.

    Raises PipelineUnknown where nothing importable is there or the options do not fit.
    """
    module_name, _, class_name = dotted_path.rpartition(".")
    try:
        kind = getattr(importlib.import_module(module_name), class_name)
        return cast(Pipeline, kind(**options))
    except (ImportError, AttributeError, ValueError, TypeError) as error:
        raise PipelineUnknown(path=dotted_path, reason=str(error)) from error
