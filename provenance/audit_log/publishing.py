"""Putting a checkpoint in force, as the sequencer does with new ones and witnessing does with cosigned ones."""

from __future__ import annotations

from provenance.audit_log import actions, files
from provenance.audit_log.errors import SequencerReplaced
from provenance.audit_log.note import Checkpoint, split_note


def publish(note: str) -> None:
    """Put a checkpoint in force while this process is the sequencer, and never a smaller one than the world has seen.

    Raises SequencerReplaced: a process that stalled may have lost its connection, and with it the lock.
    """
    seen = files.published()
    if seen is not None and _size_of(seen) > _size_of(note):
        raise SequencerReplaced(size=_size_of(note))
    if not actions.is_still_the_sequencer():
        raise SequencerReplaced(size=_size_of(note))
    files.publish(note)


def _size_of(note: str) -> int:
    return Checkpoint.parse(split_note(note)[0]).size
