"""An SFZ mapping of sampled notes, in the opcodes that all players have in common.

These are sample, keys, velocities, key centre, tuning, volume, loop and release (SFZ 1; tested with sfizz, and read by
Descant itself). Key centres are numbers, as players disagree about the octave of C4.
"""

from __future__ import annotations

from collections.abc import Sequence

from descant.instrument.export.dynamics import VelocitySpan
from descant.instrument.export.notes import SampledNote

ATTACK_S = 0.001


def sfz_text(
    title: str,
    notes: Sequence[tuple[SampledNote, str]],
    spans: Sequence[VelocitySpan],
    default_path: str,
) -> str:
    """The mapping.

    Args:
        title: A comment at its head.
        notes: Each with the name of its file.
        spans: All velocities, cut into such as sound alike.
        default_path: Folder of the files, relative to the mapping, with a slash at its end.
    """
    lines = [
        f"// {title}",
        "// Written by Descant.",
        "<control>",
        f"default_path={default_path}",
        "<global>",
        f"ampeg_attack={ATTACK_S}",
        "ampeg_sustain=100",
        "amp_veltrack=0",
    ]
    for span in spans:
        low, high = span.velocities
        lines += ["", "<group>", f"lovel={low}", f"hivel={high}", f"volume={span.volume_db:g}"]
        for note, file in notes:
            if note.velocity == span.layer:
                lines += _region(note, file)
    return "\n".join(lines) + "\n"


def _region(note: SampledNote, file: str) -> list[str]:
    low, high = note.zone.keys
    opcodes = [
        f"lokey={low}",
        f"hikey={high}",
        f"pitch_keycenter={note.zone.root}",
        f"ampeg_release={note.release_s:.3f}",
    ]
    if tune := -round(note.zone.cents):
        opcodes.append(f"tune={tune}")
    if note.loop is None:
        opcodes.append("loop_mode=no_loop")
    else:
        opcodes += [
            "loop_mode=loop_continuous",
            f"loop_start={note.loop.start}",
            f"loop_end={note.loop.end - 1}",  # the last frame that is played
        ]
    return ["<region> " + " ".join(opcodes), f"sample={file}"]
