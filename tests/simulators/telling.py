"""A pipeline that says aloud what it was asked for: in what it raises, and in what it logs."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from django.db import IntegrityError

from generation.pipelines.contract import Rendered, RenderOrder, StepDone
from generation.pipelines.seeded_noise import SeededNoisePipeline


class TellingPipeline(SeededNoisePipeline):
    """Draws as the stand-in does; a prompt that says "break" breaks it, as a library breaks that quotes its input.

    One that says "thread" breaks a thread beside it.
    """

    def render(self, order: RenderOrder, *, on_step: Callable[[StepDone], None]) -> Rendered:
        """Render, or raise what quotes the prompt, from a cause that quotes it too."""
        if "thread" in order.prompt:
            beside = threading.Thread(target=_break, args=(order.prompt,))
            beside.start()
            beside.join()
        if "break" not in order.prompt:
            return super().render(order, on_step=on_step)
        try:
            raise KeyError(order.prompt)
        except KeyError as error:
            logging.getLogger("tokenizers.of.others").error("no token: %s", error, exc_info=True)
            if "database" in order.prompt:
                raise IntegrityError(f"Failing row contains ({order.prompt}, {order.negative_prompt})") from error
            fault = ValueError(f"cannot read {order.prompt!r}")
            fault.add_note(f"the negative prompt was {order.negative_prompt!r}")
            raise fault from error


def _break(prompt: str) -> None:
    raise ValueError(f"cannot read {prompt!r}")
