"""The part of the screen that changes drafts: reading the configuration, editing its fields, saving."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import ClassVar

from textual import on, work
from textual.binding import Binding, BindingType

from poly_engine.errors import ConfigError, PolyError
from poly_tui.backend import Backend
from poly_tui.screens.section import SectionScreen
from poly_tui.screens.tune.cards import LineCard, NameCard, TextCard
from poly_tui.screens.tune.desk import Desk
from poly_tui.screens.tune.draft import Draft, Version, effective_default
from poly_tui.screens.tune.fields import BIASER, MODEL, Field, Kind, Where, fields, steps_of
from poly_tui.screens.tune.form import FieldList
from poly_tui.screens.tune.lists import BadText, format_texts, parse_texts
from poly_tui.screens.tune.saving import save
from poly_tui.screens.tune.schema_card import SchemaCard, Written
from poly_tui.screens.tune.schemas import FILE, biaser_of, text_of
from poly_tui.screens.tune.source import ChangedOnDisk, Source, read_source

__all__ = ["DraftingScreen"]

CHECK_AFTER_S = 0.2
