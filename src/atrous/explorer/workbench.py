"""What the local server holds for its page: one network and one image at a time, and what is computed of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np

from atrous.engine.activations import activations
from atrous.engine.cache import ObjectCache
from atrous.engine.compiler import Compiler, host
from atrous.errors import ArgumentError
from atrous.explorer import models, numbers, picture
from atrous.explorer.fitting import SCALINGS, Fit, Settings, fit, image_input
from atrous.explorer.models import Model
from atrous.explorer.picture import Picture
from atrous.explorer.unit_field import unit_field
from atrous.graph.fact import Array
from atrous.report import Report, inspect
from atrous.report.columns import byte_text

#: Told what is being done, in words.
Say = Callable[[str], None]
Data = dict[str, Any]

#: Activations beyond this are not computed for a page.
MOST_BYTES = 2_000_000_000
#: The longer side of the one map that is looked at, in pixels.
LARGE = 512


@dataclass(frozen=True, slots=True)
class Asked:
    """What a question is about: the numbers of the network and of the image (``None``: no image), and the settings.

    Several pages may share one server, which holds what was chosen last: a question about anything else is refused.
    """

    network: int
    image: int | None
    settings: Settings


@dataclass(frozen=True, eq=False)
class _Seen:
    """The network on the image with one set of settings."""

    settings: Settings
    fitted: Fit
    report: Report


class Workbench:
    """One network and one image; a new one takes the place of the old. Every method is one request of the page.

    Not for several threads at once: the server takes turns.
    """

    def __init__(self) -> None:
        self._numbers = count(1)
        self._network_number = self._image_number = 0
        self._model: Model | None = None
        self._picture: Picture | None = None
        self._seen: _Seen | None = None
        self._maps: tuple[str, Array] | None = None

    @cached_property
    def _compiler(self) -> Compiler:
        """Kernels are kept in memory only: the server writes nothing outside its own folder."""
        return Compiler(host(), ObjectCache(None))

    def start(self) -> Data:
        """What there is to choose from."""
        return {
            "networks": list(models.names()),
            "scalings": [[name, scaling.words] for name, scaling in SCALINGS.items()],
            "side": Settings().side,
        }

    def built_in(self, name: str, say: Say) -> Data:
        """Take a network that comes with atrous."""
        say(f"making {name}")
        return self._take(lambda: models.built_in(name))

    def uploaded(self, path: Path, name: str, say: Say) -> Data:
        """Take the network of a file."""
        say(f"reading {name}")
        return self._take(lambda: models.uploaded(path, name))

    def _take(self, make: Callable[[], Model]) -> Data:
        self._model = self._seen = self._maps = None  # let go of the old network before there are two
        self._network_number = next(self._numbers)
        model = self._model = make()
        return {
            "number": self._network_number,
            "name": model.name,
            "network": repr(model.network),
            "told": list(model.told),
            "takes_image": _refusal(model) is None,
        }

    def sample(self, say: Say) -> Data:
        """Take the photograph that comes with atrous."""
        return self._show(picture.sample())

    def image(self, path: Path, name: str, say: Say) -> Data:
        """Take the image of a file."""
        say(f"reading {name}")
        return self._show(picture.read_picture(path, name))

    def _show(self, taken: Picture) -> Data:
        self._picture, self._seen, self._maps = taken, None, None
        self._image_number = next(self._numbers)
        return {"number": self._image_number, "name": taken.name, "size": list(taken.size), "told": list(taken.told)}

    def table(self, asked: Asked, say: Say) -> Data:
        """The layers of the network: on the image if it can be given one, otherwise on its own or assumed sizes."""
        model = self._chosen(asked)
        refusal = _refusal(model)
        if refusal is None and asked.image is not None:
            seen = self._look(asked, say)
            shown = {"picture": numbers.picture_data(seen.fitted.shown), "size": list(seen.fitted.shown.shape[:2])}
            return numbers.table(seen.report) | {"told": list(seen.fitted.told), "image": shown}
        say("inspecting every layer")
        try:
            report, sizes = inspect(model.network), "Without an image, open sizes are assumed."
        except ArgumentError as error:
            report, sizes = inspect(model.network, symbolic=True), f"Without an image, open sizes stay open: {error}"
        return numbers.table(report) | {"told": [refusal or sizes], "image": None}

    def maps(self, asked: Asked, layer: str, first: int, say: Say) -> Data:
        """The activation maps of a layer on the image, ``MAPS`` of them from ``first`` on."""
        values = self._activations(asked, layer, say)
        if values.ndim == 2:
            return numbers.vector_data(values[0]) | {"layer": layer}
        if not 0 <= first < values.shape[1]:
            raise ArgumentError(f"first: got {first}; {layer} has the maps 0 to {values.shape[1] - 1}")
        say("drawing")
        return numbers.maps_data(values[0], first) | {"layer": layer}

    def unit(self, asked: Asked, layer: str, place: tuple[int, int, int], say: Say) -> Data:
        """One map drawn large, and the pixels that its unit at (channel, row, column) reads."""
        values = self._activations(asked, layer, say)
        if values.ndim != 4:
            raise ArgumentError(f"{layer}: makes a vector of {values.shape[1]} numbers; only maps have units to point at")
        channel, row, column = place
        for name, index, size in zip(("channel", "row", "column"), place, values.shape[1:], strict=True):
            if not 0 <= index < size:
                raise ArgumentError(f"{name}: got {index}; the maps of {layer} have {name}s 0 to {size - 1}")
        number = float(values[0, channel, row, column])
        where = f"Unit (row {row}, column {column}) of map {channel} of {layer} has the value {number:.4g}."
        model, seen = self._chosen(asked), self._look(asked, say)
        sets, beyond = unit_field(model.network, seen.fitted.array.shape, layer, place)
        told = [where, numbers.field_words(sets, seen.fitted.shown.shape[:2]), *beyond]
        return {
            "place": list(place),
            "map": numbers.map_data(values[0, channel], channel, LARGE),
            "size": list(values.shape[2:]),
            "field": numbers.field_data(sets),
            "words": told,
        }

    def _chosen(self, asked: Asked) -> Model:
        if self._model is None:
            raise ArgumentError("network: none is chosen yet; choose a built-in one, or an ONNX file")
        if asked.network != self._network_number:
            raise ArgumentError("network: another page has taken another one in the meantime; choose this page's again")
        return self._model

    def _look(self, asked: Asked, say: Say) -> _Seen:
        """The image fitted and the network inspected on it; kept until one of them or the settings change."""
        model = self._chosen(asked)
        if self._picture is None or asked.image is None:
            raise ArgumentError("image: none is chosen yet; choose the photograph that comes with atrous, or a file")
        if asked.image != self._image_number:
            raise ArgumentError("image: another page has taken another one in the meantime; choose this page's again")
        if self._seen is None or self._seen.settings != asked.settings:
            self._maps = None
            say("fitting the image")
            fitted = fit(model.network, self._picture, asked.settings)
            say("inspecting every layer")
            self._seen = _Seen(asked.settings, fitted, inspect(model.network, fitted.array.shape))
        return self._seen

    def _activations(self, asked: Asked, layer: str, say: Say) -> Array:
        """What a layer makes of the image: maps (N, C, rows, columns) or vectors (N, C); the last layer's are kept."""
        model, seen = self._chosen(asked), self._look(asked, say)
        if self._maps is None or self._maps[0] != layer:
            _affordable(seen.report)
            say(f"compiling and running the network up to {layer}")
            made = activations(model.network, seen.fitted.array, [layer], compiler=self._compiler)[layer]
            if made.ndim not in (2, 4) or not np.issubdtype(made.dtype, np.number):
                shape = " × ".join(map(str, made.shape))
                raise ArgumentError(
                    f"{layer}: its output of {made.dtype}, {shape}, is neither maps nor a vector; choose another layer"
                )
            self._maps = (layer, made)
        return self._maps[1]


def _refusal(model: Model) -> str | None:
    """Why no image can be given to a network."""
    try:
        image_input(model.network)
    except ArgumentError as error:
        return str(error)
    return None


def _affordable(report: Report) -> None:
    peak = report.peak_bytes.known or 0
    if peak > MOST_BYTES:
        raise ArgumentError(
            f"image: its activations take {byte_text(peak)} on this image, the page computes at most {byte_text(MOST_BYTES)}; "
            "choose a smaller longer side"
        )


def asked_of(given: Mapping[str, Any]) -> Asked:
    """What a question is about; raises ``ArgumentError`` for settings that cannot be."""
    network, image = given.get("network"), given.get("image")
    return Asked(network if isinstance(network, int) else 0, image if isinstance(image, int) else None, _settings_of(given))


def _settings_of(given: Mapping[str, Any]) -> Settings:
    side = given.get("side", Settings().side)
    if not isinstance(side, int) or isinstance(side, bool):
        raise ArgumentError(f"side: got {str(side)[:40]!r}; it must be a whole number of pixels")
    return Settings(str(given.get("scaling", Settings().scaling))[:40], side)
