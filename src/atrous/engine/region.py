"""The native code of threads: running a table of steps together, and waiting for the next one.

A step's units are cut into one contiguous share for each thread. A thread takes its own share in chunks, then helps with what
is left of the others'. So noise and uneven cost leave no core idle, and a thread that comes late, or never, is not waited for:
it joins in the step that it finds, or its share is done by others. Which thread computes an element never changes how.

A share is one word: the number of its step in the high bits, the next unit in the low ones. Who takes a chunk moves it on by
an atomic exchange that fails if anybody else did, or if the step is over. The thread that finishes the last unit of a step
lays out the shares of the next one, and then opens it.
"""

from __future__ import annotations

from collections.abc import Callable

from llvmlite import ir

from atrous.engine.emit import I32, I64, PTR, VOID, Arguments, Emitter, Value
from atrous.engine.parking import Turns, change, endless, slot, wait_while, wake

#: What the native function does: run a job, serve as a worker until dismissed, dismiss the workers.
RUN, SERVE, DISMISS = 0, 1, 2
#: The words of a job. ``patches`` lists (place, base, offset): ``words[place] = bases[base] + offset`` before the first step.
#: ``rouse`` is whether workers that sleep are worth waking up.
JOB = ("steps", "count", "threads", "largest", "stopped", "patches", "patch_count", "words", "bases", "team", "rouse")
#: Words of two cache lines, which processors fetch as pairs: what different threads write to lies that far apart.
LINE = 16
#: The lines of a team: the open step, the units left of it, then for each thread its share and its mailbox.
_OPEN, _LEFT, _FIRST = 0, 1, 2
STEP_WORDS = 3
#: States of a mailbox: its worker waits, is called, works, is to go.
_IDLE, _CALLED, _WORKS, _DISMISSED = range(4)
_UNIT_BITS = 40
_FLUSH_DENORMALS = 0x8040  # MXCSR: flush to zero, denormals are zero
KERNEL = ir.FunctionType(VOID, [PTR, I64, I64])


def team_words(threads: int) -> int:
    """How many 64-bit words a team of so many threads takes."""
    return LINE * (_FIRST + 2 * threads)


def emit_region(e: Emitter) -> None:
    """``region(pointer, role, thread)``: a job to run, or a team to serve in or to dismiss."""
    pointer, role, thread = e.function.args
    for number, part in ((SERVE, _serve), (DISMISS, _dismiss)):
        with e.when(e.b.icmp_signed("==", role, e.i64(number))):
            part(e, pointer, thread)
            e.end()
    _run(e, pointer)
    e.end()


def _run(e: Emitter, pointer: Value) -> None:
    """Run a job as its caller: alone, or as thread 0 of its team."""
    job = Arguments(e, pointer, JOB)
    _patch(e, job)
    saved = _flush(e)
    threads = job.number("threads")
    with e.choose(e.less(1, threads)) as (several, alone):
        with several:
            team = job.pointer("team")
            _lay_out(e, job, team, e.i64(0))
            e.b.atomic_rmw("xchg", _line(e, team, _OPEN), ir.Constant(I32, 0), "release")
            rouse = job.number("rouse")
            with e.loop(1, threads) as each:
                _call(e, _mailbox(e, team, each.index), pointer, rouse)
            _share_steps(e, job, team, e.i64(0))
            with e.loop(1, threads) as each:
                _recall(e, _mailbox(e, team, each.index))
        with alone:
            _steps_alone(e, job)
    _restore(e, saved)


def _patch(e: Emitter, job: Arguments) -> None:
    """Put the addresses of this run into the words of the kernels."""
    patches, words, bases = job.pointer("patches"), job.pointer("words"), job.pointer("bases")
    with e.loop(0, job.number("patch_count")) as each:
        patch = e.at(patches, e.mul(each.index, 3), I64)
        place, base, offset = (e.load(e.at(patch, i, I64), I64) for i in range(3))
        e.store(e.add(e.load(e.at(bases, base, I64), I64), offset), e.at(words, place, I64))


def _call(e: Emitter, mailbox: Value, job: Value, rouse: Value) -> None:
    """Hand the job to a worker that is awake, or to any with ``rouse``."""
    b, asleep = e.b, e.load(e.at(mailbox, 1, I64), I64)
    with e.when(b.or_(_differs(e, rouse, 0), b.not_(_differs(e, asleep, 0)))):
        e.store(job, e.at(mailbox, 2, I64))
        change(e, mailbox, ir.Constant(I32, _CALLED))


def _recall(e: Emitter, mailbox: Value) -> None:
    """A worker that has not begun need not begin any more; one that has is waited for."""
    e.b.cmpxchg(mailbox, ir.Constant(I32, _CALLED), ir.Constant(I32, _IDLE), "seq_cst", "seq_cst")
    wait_while(e, mailbox, ir.Constant(I32, _WORKS))


def _serve(e: Emitter, team: Value, thread: Value) -> None:
    """The life of a worker: wait to be called, work, until dismissed."""
    b, mailbox = e.b, _mailbox(e, team, thread)
    called, works, idle = (ir.Constant(I32, state) for state in (_CALLED, _WORKS, _IDLE))
    _flush(e)
    with endless(e) as loop:
        wait_while(e, mailbox, idle)
        begun = b.extract_value(b.cmpxchg(mailbox, called, works, "seq_cst", "seq_cst"), 1)
        with e.when(b.not_(begun)):  # recalled, or dismissed
            state = b.load_atomic(mailbox, "acquire", 4, typ=I32)
            b.cbranch(b.icmp_signed("==", state, ir.Constant(I32, _DISMISSED)), loop.leave, loop.again)
        job = Arguments(e, e.load(e.at(mailbox, 2, I64), PTR), JOB)
        _share_steps(e, job, team, thread)
        done = b.extract_value(b.cmpxchg(mailbox, works, idle, "seq_cst", "seq_cst"), 1)
        with e.when(b.not_(done)):
            b.branch(loop.leave)
        wake(e, mailbox)  # the caller, if it sleeps until this worker is done


def _dismiss(e: Emitter, team: Value, last: Value) -> None:
    """Send the workers up to this number home."""
    with e.loop(1, e.add(last, 1)) as each:
        change(e, _mailbox(e, team, each.index), ir.Constant(I32, _DISMISSED))


# -- steps --------------------------------------------------------------------------------------------------------------
def _steps_alone(e: Emitter, job: Arguments) -> None:
    """All steps on the calling thread."""
    steps, largest, stopped = job.pointer("steps"), job.number("largest"), _stop_word(job)
    done = e.function.append_basic_block("done")
    with e.loop(0, job.number("count")) as each:
        kernel, words, units = _step(e, steps, each.index)
        with e.loop(0, units, largest) as chunk:
            with e.when(_is_set(e, stopped)):
                e.b.branch(done)
            e.b.call(Indirect(kernel, KERNEL), [words, chunk.index, e.min(units, e.add(chunk.index, largest))])
    e.b.branch(done)
    e.b.position_at_end(done)


def _share_steps(e: Emitter, job: Arguments, team: Value, thread: Value) -> None:
    """All steps as one of several threads."""
    b = e.b
    steps, count, threads = job.pointer("steps"), job.number("count"), job.number("threads")
    opened, left, did = _line(e, team, _OPEN), _line(e, team, _LEFT), slot(e)
    with endless(e) as turn:
        number = b.zext(b.load_atomic(opened, "acquire", 4, typ=I32), I64)
        with e.when(b.not_(e.less(number, count))):
            b.branch(turn.leave)
        kernel, words, units = _step(e, steps, number)
        e.store(e.i64(0), did)
        with e.loop(0, threads, nonempty=True) as others:
            whose = e.add(thread, others.index)
            whose = b.select(e.less(whose, threads), whose, e.sub(whose, threads))

            def work(lo: Value, hi: Value, kernel: Value = kernel, words: Value = words) -> None:
                b.call(Indirect(kernel, KERNEL), [words, lo, hi])
                e.store(e.add(e.load(did, I64), e.sub(hi, lo)), did)

            end = b.udiv(e.mul(units, e.add(whose, 1)), threads)
            _take_chunks(e, job, _share(e, team, whose), number, end, turn, work)
        mine = e.load(did, I64)
        with e.when(e.less(0, mine)):
            before = b.atomic_rmw("sub", left, mine, "acq_rel")
            with e.when(b.icmp_signed("==", before, mine)):  # nobody else works on this step any more
                following = e.add(number, 1)
                with e.when(e.less(following, count)):
                    _lay_out(e, job, team, following)
                change(e, opened, b.trunc(following, I32))
                b.branch(turn.again)
        wait_while(e, opened, b.trunc(number, I32))


def _take_chunks(
    e: Emitter, job: Arguments, share: Value, step: Value, end: Value, turn: Turns, work: Callable[[Value, Value], None]
) -> None:
    """Take chunks of a share, each a quarter of what is left of it, until nothing is left or the step is over."""
    b, largest, stopped = e.b, job.number("largest"), _stop_word(job)
    with endless(e) as loop:
        with e.when(_is_set(e, stopped)):
            change(e, _line(e, job.pointer("team"), _OPEN), b.trunc(job.number("count"), I32))
            b.branch(turn.leave)
        seen = b.load_atomic(share, "monotonic", 8, typ=I64)
        with e.when(b.icmp_signed("!=", b.lshr(seen, e.i64(_UNIT_BITS)), step)):
            b.branch(loop.leave)
        first = b.and_(seen, e.i64((1 << _UNIT_BITS) - 1))
        rest = e.sub(end, first)
        with e.when(b.icmp_signed("<=", rest, e.i64(0))):
            b.branch(loop.leave)
        size = e.min(b.lshr(e.add(rest, 3), e.i64(2)), largest)
        taken = b.extract_value(b.cmpxchg(share, seen, e.add(seen, size), "acq_rel", "acquire"), 1)
        with e.when(taken):
            work(first, e.add(first, size))


def _lay_out(e: Emitter, job: Arguments, team: Value, step: Value) -> None:
    """The shares of a step that is about to be opened."""
    b, threads = e.b, job.number("threads")
    _, _, units = _step(e, job.pointer("steps"), step)
    b.atomic_rmw("xchg", _line(e, team, _LEFT), units, "monotonic")
    tag = b.shl(step, e.i64(_UNIT_BITS))
    with e.loop(0, threads, nonempty=True) as each:
        first = b.udiv(e.mul(units, each.index), threads)
        b.atomic_rmw("xchg", _share(e, team, each.index), e.add(tag, first), "release")


def _step(e: Emitter, steps: Value, number: Value) -> tuple[Value, Value, Value]:
    """A step's kernel, the address of its words, and its units."""
    step = e.at(steps, e.mul(number, STEP_WORDS), I64)
    return e.load(step, PTR), e.load(e.at(step, 1, I64), PTR), e.load(e.at(step, 2, I64), I64)


def _line(e: Emitter, team: Value, number: int) -> Value:
    return e.at(team, LINE * number, I64)


def _share(e: Emitter, team: Value, thread: Value) -> Value:
    return e.at(team, e.mul(e.add(e.mul(thread, 2), _FIRST), LINE), I64)


def _mailbox(e: Emitter, team: Value, thread: Value) -> Value:
    return e.at(team, e.mul(e.add(e.mul(thread, 2), _FIRST + 1), LINE), I64)


def _stop_word(job: Arguments) -> Value:
    return job.place("stopped")


def _is_set(e: Emitter, word: Value) -> Value:
    return _differs(e, e.b.load_atomic(word, "monotonic", 8, typ=I64), 0)


def _differs(e: Emitter, value: Value, number: int) -> Value:
    return e.b.icmp_signed("!=", value, e.i64(number))


class Indirect:
    """A function pointer with the type that llvmlite needs to write the call."""

    def __init__(self, pointer: Value, signature: ir.FunctionType) -> None:
        self.function_type = signature
        self.type = pointer.type
        self._pointer = pointer

    def get_reference(self) -> str:
        return str(self._pointer.get_reference())


# -- floating point -----------------------------------------------------------------------------------------------------
def _flush(e: Emitter) -> Value | None:
    """Flush denormals to zero from here on; where the state before is kept, for ``_restore``."""
    if e.target.arch != "x86_64":
        return None
    saved = slot(e, I32, 2)
    e.b.call(e.intrinsic("llvm.x86.sse.stmxcsr", VOID, [PTR]), [saved])
    state = e.b.or_(e.load(saved, I32), ir.Constant(I32, _FLUSH_DENORMALS))
    work = e.at(saved, 1, I32)
    e.store(state, work)
    e.b.call(e.intrinsic("llvm.x86.sse.ldmxcsr", VOID, [PTR]), [work])
    return saved


def _restore(e: Emitter, saved: Value | None) -> None:
    if saved is not None:
        e.b.call(e.intrinsic("llvm.x86.sse.ldmxcsr", VOID, [PTR]), [saved])
