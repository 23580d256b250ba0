"""`descant instrument`: instruments of one's own, and instruments as files that other programs load."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated, get_args

import cyclopts
from cyclopts import Parameter

from descant.cli.terminal import one_line

_PIANO = 21, 108

instrument = cyclopts.App(name="instrument", help="Instruments: list, train, delete; export for samplers.")


@instrument.command
def export(
    source: str,
    *,
    out: Annotated[Path, Parameter(alias="-o")],
    formats: Annotated[str, Parameter(name=("--format", "-f"))] = "sfz",
    keys: str = "",
    every: int = 3,
    velocities: str = "40,80,120",
    held: float = 3.0,
    longest: float = 10.0,
    sample_rate: int | None = None,
    loop: str = "auto",
    own_tuning: Annotated[bool, Parameter(negative=())] = False,
    table_key: str = "",
    table_frames: int = 256,
    quiet: Annotated[bool, Parameter(alias="-q", negative=())] = False,
) -> None:
    """Write an instrument as an SFZ, as WAV notes with loops, as a wavetable.

    Args:
        source: The name of a neural instrument (`descant instrument list`), your own ones too; a preset of a SoundFont
            ("FluidR3_GM.sf2:24", ":8/24" with its bank, ":nylon"); an .sfz file; or a folder of notes whose names tell
            their pitch.
        out: A new or empty folder.
        formats: sfz, wav, wavetable, separated by commas; sfz writes the WAV notes, too.
        keys: Lowest and highest key, as names (C4 is middle C) or MIDI numbers (C2:C6). Without it those of a piano
            (A0:C8) that a neural instrument plays well, and C2:C6 of any other.
        every: Render only every so many semitones.
        velocities: A layer each, rising, separated by commas.
        held: Seconds that keys are held.
        longest: Seconds that keys of decaying instruments are held at most.
        sample_rate: In Hz; without it the instrument's own.
        loop: auto (instruments that do not decay), always, never.
        own_tuning: Leave notes that are out of tune as they are, and say so in the files.
        table_key: Key of the wavetable; without it C3 or the nearest that the instrument plays well.
        table_frames: Frames of the wavetable, at most 256.
        quiet: Show no progress.
    """
    from descant.cli.lists import key_of, key_span, names_in, whole_numbers
    from descant.cli.terminal import progress_bar
    from descant.errors import InvalidOption
    from descant.instrument.export.api import export_instrument
    from descant.instrument.export.options import ExportOptions, Format, Looping
    from descant.instrument.find import find_playable
    from descant.instrument.neural import NeuralPlayer

    kinds = tuple(kind for name in names_in(formats) for kind in get_args(Format) if kind == name)
    if len(kinds) != len(names_in(formats)):
        raise InvalidOption(f"--format {formats!r} is not known.", f"Use {', '.join(get_args(Format))}.")
    looping = next((kind for kind in get_args(Looping) if kind == loop), None)
    if looping is None:
        raise InvalidOption(f"--loop {loop!r} is not known.", f"Use {', '.join(get_args(Looping))}.")
    playable = find_playable(source)
    lowest, highest = key_span(keys or "C2:C6", "--keys")
    if not keys and isinstance(playable, NeuralPlayer):
        lowest, highest = max(playable.pitches[0], _PIANO[0]), min(playable.pitches[-1], _PIANO[1])
    options = ExportOptions(
        formats=kinds,
        lowest=lowest,
        highest=highest,
        every=every,
        velocities=whole_numbers(velocities, "--velocities"),
        held_s=held,
        longest_s=max(held, longest),
        sample_rate=sample_rate,
        loop=looping,
        own_tuning=own_tuning,
        table_key=key_of(table_key, "--table-key") if table_key else None,
        table_frames=table_frames,
    )
    with progress_bar("instrument export", quiet=quiet) as progress:
        done = export_instrument(playable, out, options, progress=progress)
    for file in (done.mapping, done.table):
        if file is not None:
            print(file)
    if done.samples:
        count = f"{len(done.samples)} notes of {one_line(playable.name)}, {done.looped} with a loop"
        print(f"{count}, in {done.samples[0].parent}")
    if done.audible:
        print(
            f"A loop may be heard in {len(done.audible)} of them: {', '.join(one_line(f.name) for f in done.audible)}"
        )


@instrument.command
def train(
    name: str,
    source: Path,
    *,
    force: Annotated[bool, Parameter(negative=())] = False,
    no_check: Annotated[bool, Parameter(negative=())] = False,
    seed: int = 0,
    model: str = "descant-instruments",
    quiet: Annotated[bool, Parameter(alias="-q", negative=())] = False,
) -> None:
    """Learn a new instrument from a handful of notes, or from one phrase.

    Pitches are heard; names like sax_C4.wav help where two octaves are likely. What is wrong with the recordings is
    said before anything is learned, and what is usable is used.

    Args:
        name: To keep it under, and to call it by in `play --instrument` and `instrument export`.
        source: A folder of recordings (a note each, or phrases of single notes), or one recording.
        force: Replace an instrument of this name.
        no_check: Leave out the check on a pitch that is held back: a third quicker.
        seed: Of the learning; the same recordings and seed make the same instrument.
        model: Card of the net to begin with, or a folder that holds one.
        quiet: Print nothing but errors.
    """
    from descant.cli.terminal import progress_bar
    from descant.instrument.neural import NeuralInstruments
    from descant.instrument.own.recordings import key_name
    from descant.instrument.own.store import InstrumentStore
    from descant.nets.swift_f0 import SwiftF0
    from descant.train.new_instrument import train_instrument
    from descant.train.own_instrument import LearningOptions

    store = InstrumentStore.load()
    store.place_for(name, replace=force)
    start = NeuralInstruments.from_folder(Path(model)) if Path(model).is_dir() else NeuralInstruments.load(model)
    with progress_bar(f"training {one_line(name)}", quiet=quiet) as progress:
        trained = train_instrument(
            name,
            source,
            store,
            start,
            SwiftF0.load(),
            LearningOptions(seed=seed),
            replace=force,
            check=not no_check,
            progress=progress,
        )
    if quiet:
        return
    for remark in trained.recordings.remarks:
        print(one_line(str(remark)))
    keys = " ".join(key_name(pitch) for pitch in trained.recordings.pitches)
    print(f"Learned from {len(trained.recordings.notes)} notes ({keys}), near {', '.join(trained.learned.nearest)}.")
    if (check := trained.learned.check) is not None:
        print(
            f"{key_name(check.pitch)}, when it was held back: {check.learned:.4f} from its recording "
            f"(a sampler's nearest note: {check.sampled:.4f}; lower is nearer)."
        )
    print(f"{trained.instrument.name} is kept in {trained.instrument.folder}")


@instrument.command(name="list")
def list_(*, family: str | None = None, as_json: Annotated[bool, Parameter("--json", negative=())] = False) -> None:
    """List the neural instruments, your own first: names, families, General MIDI programs, keys.

    Args:
        family: Show this family only (bass, brass, flute, guitar, keyboard, mallet, organ, reed, string, ...).
        as_json: Print JSON for scripts.
    """
    import json

    from descant.cli.terminal import say
    from descant.errors import DescantError, InvalidOption
    from descant.instrument.neural import NeuralInstruments
    from descant.instrument.own.store import InstrumentStore
    from descant.score.wav_folder import name_of_key

    store = InstrumentStore.load()
    own, stock = [], NeuralInstruments.load().roster.players
    for name in store.names():
        try:
            own.append(store.get(name).player().player)
        except DescantError as error:  # one damaged instrument hides no other
            say(error)
    families = sorted({player.family for player in (*own, *stock)})
    if family is not None and family not in families:
        raise InvalidOption(f"There is no family {family!r}.", f"There are {', '.join(families)}.")
    ordered = (*own, *sorted(stock, key=lambda player: (player.family, player.program, player.name)))
    shown = [player for player in ordered if family in (None, player.family)]
    if as_json:
        print(json.dumps([{**asdict(player), "is_own": player in own} for player in shown], indent=1))
        return
    wide = max(len(player.name) for player in shown)
    for player in shown:
        program = "your own" if player in own else f"program {player.program}" if player.program >= 0 else "no program"
        keys = f"{name_of_key(player.lowest)} to {name_of_key(player.highest)}"
        print(one_line(f"{player.name:<{wide}}  {player.family:<10}  {program:<11}  {keys}"))


@instrument.command
def delete(name: str) -> None:
    """Remove an instrument of your own.

    Args:
        name: Of the instrument.
    """
    from descant.instrument.own.store import InstrumentStore

    print(f"{one_line(InstrumentStore.load().delete(name))} is gone.")
