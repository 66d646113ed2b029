"""The cost model of convolutions by tiles: transforms, products and what they move between caches."""

from __future__ import annotations

from math import prod

from atrous.engine.codelets.winograd import Minimal, step_cost
from atrous.engine.emit import BYTES
from atrous.engine.model import LARGE, ROOM, Model, Prediction, Traffic
from atrous.engine.plan import Plan
from atrous.geometry import ceil_div

#: Cycles that the transforms take for a vector at one point: of the inputs, and of the products with their way over the stack.
INPUT_CYCLES, OUTPUT_CYCLES = 7.0, 7.0


def predict_tiles(model: Model, plan: Plan) -> Prediction:
    """Cycles and bytes of a plan that computes tiles of outputs together."""
    c, signal, target = model.c, model.signal, model.target
    spec = Minimal(c, plan.codelet.GRID, plan.register)
    lanes, item, rates = target.lanes(c.dtype), BYTES[c.dtype], target.rates
    summed = spec.summed
    planes = signal.batch * prod(signal.outputs[:summed])
    sizes = zip(signal.outputs, spec.outputs, spec.pieces, c.dilations, strict=True)
    tiles = prod([_tiles(*each) for each in sizes][summed:])
    blocks = planes * ceil_div(tiles, spec.block) if summed else ceil_div(planes * tiles, spec.block)
    outputs = ceil_div(c.outputs, spec.width(target))
    taps = spec.sums * (model.real if summed else 1.0)
    steps = blocks * plan.register.rows * spec.points * outputs * c.channels * taps
    tiles *= planes
    cost = step_cost(plan.register, target)
    vectors = tiles * spec.pitch(target) / lanes * INPUT_CYCLES + tiles * outputs * plan.register.vectors * OUTPUT_CYCLES
    weights = float(spec.points * spec.sums * c.channels * outputs * spec.width(target) * item)
    moved = tiles * spec.points * spec.pitch(target) * item
    third = target.caches.l3 or target.caches.l2
    room = ROOM * target.caches.l2
    # Weights come by once for each block of tiles, a block of inputs once for each block of outputs.
    again, read = blocks * weights, moved * outputs * taps
    l2 = again + read
    l3 = (again if weights > room else weights) + (read if moved / blocks > room else 2 * moved)
    l3 += model.input_bytes + model.output_bytes
    away = model.input_bytes + weights + model.output_bytes
    memory = again if weights > LARGE * third else away if away > third else 0.0
    l3 = max(l3, memory)
    l2 = max(l2, l3)
    units = blocks * max(1, min(outputs, ceil_div(4 * model.cores, blocks)))
    changes = model.changes(plan.codelet)
    traffic = Traffic(l2, l3, memory)
    return Prediction(
        model.macs / (lanes * rates.fmas),
        steps * cost.arithmetic,
        steps * cost.loads,
        traffic.cycles(target),
        vectors * spec.points,
        model.turning(sum(changes)),
        2 + len(changes),
        ceil_div(units, model.cores) * model.cores / units,
        model.cores,
        traffic,
    )


def _tiles(outputs: int, m: int, pieces: int, dilation: int) -> int:
    """Tiles of an axis, of all residue classes of the dilation, those that only later pieces of the taps read with them."""
    step = dilation if m > 1 else 1
    return (ceil_div(outputs, m * step) + pieces - 1) * step
