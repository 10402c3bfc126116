"""The order of events: what the walk over the event trees calls must, may, unknown or nothing at all.

The automaton here is the simplest one: a `backward()` after a step of `opt` with no clearing in between is wrong. Marks
stand at the end of the line of the `backward()`.
"""

from __future__ import annotations

import re
from collections.abc import Hashable

import pytest
from dry_debug.program.automata import Automaton, Context, collect, run
from dry_debug.program.events import Event
from dry_debug.program.host import NullHost
from dry_debug.program.parsing import parse
from dry_debug.program.program import Program
from dry_debug.text.document import Document

PRELUDE = r"""
import contextlib
import functools
import random
import torch
from torch import nn
model = nn.Linear(2, 2)
opt = torch.optim.SGD(model.parameters(), lr=0.1)
other_model = nn.Linear(2, 2)
other = torch.optim.SGD(other_model.parameters(), lr=0.1)
"""


class Again(Automaton):
    kinds = frozenset(("zero_grad", "backward", "optimizer_step"))
    start = "clear"

    def __init__(self, ident: Hashable) -> None:
        self.ident = ident

    def step(self, state: Hashable, event: Event, context: Context) -> tuple[Hashable, Hashable | None]:
        if event.kind == "backward":
            return state, "again" if state == "stepped" else None
        if context.same(event.obj, self.ident) is False:
            return state, None
        return ("stepped" if event.kind == "optimizer_step" else "clear"), None


class AtOnce(Again):
    seldom = False  # without the first look that remembers no guard


def program_of(source: str) -> Program:
    document = Document.from_text(source)
    tree = parse(document)
    assert not hasattr(tree, "message"), tree
    return Program(document, tree, NullHost())


def answers(source: str, which: int = 0) -> dict[int, str]:
    """Line of each wrong backward and how sure that is, for the `which`-th optimizer that the program makes."""
    program = program_of(source)
    made = program.events.of_kind("create")
    ident = made[which].obj.base.ident if made else collect(program, "optimizer_step")[0][1].base.ident
    found = {hit.event.line: hit.certainty for hit in run(Again(ident), program)}
    assert found == {hit.event.line: hit.certainty for hit in run(AtOnce(ident), program)}
    return found


def check(body: str) -> None:
    source = PRELUDE + body
    marks = {}
    for number, line in enumerate(source.split("\n"), 1):
        found = re.search(r"#\s*(must|may|unknown)$", line)
        if found:
            marks[number] = found.group(1)
    assert answers(source) == marks


PROGRAMS = {
    "nothing clears": r"""
for x in loader:
    model(x).sum().backward()  # must
    opt.step()
""",
    "cleared at the start": r"""
for x in loader:
    opt.zero_grad()
    model(x).sum().backward()
    opt.step()
""",
    "cleared at the end, which meets the start": r"""
for x in loader:
    model(x).sum().backward()
    opt.step()
    opt.zero_grad()
""",
    "cleared outside the inner loop only": r"""
for epoch in range(3):
    opt.zero_grad()
    for x in loader:
        model(x).sum().backward()  # must
        opt.step()
""",
    "cleared in one branch": r"""
for x in loader:
    if flag:
        opt.zero_grad()
    model(x).sum().backward()  # may
    opt.step()
""",
    "cleared in both branches": r"""
for x in loader:
    if flag:
        opt.zero_grad()
    else:
        opt.zero_grad(set_to_none=True)
    model(x).sum().backward()
    opt.step()
""",
    "the other branch calls what always raises": r"""
def fail(kind):
    print(kind)
    raise ValueError(kind)
for x in loader:
    if flag:
        opt.zero_grad()
    else:
        fail(1)
    model(x).sum().backward()
    opt.step()
""",
    "the other branch calls what raises on some way": r"""
def fail(kind):
    if kind:
        raise ValueError(kind)
for x in loader:
    if flag:
        opt.zero_grad()
    else:
        fail(kind)
    model(x).sum().backward()  # may
    opt.step()
""",
    "the other branch calls a hook of subclasses": r"""
class Base:
    def clear(self):
        raise NotImplementedError
    def go(self):
        for x in loader:
            if flag:
                opt.zero_grad()
            else:
                self.clear()
            model(x).sum().backward()  # may
            opt.step()
Base().go()
""",
    "the same test twice": r"""
for x in loader:
    model(x).sum().backward()
    if flag:
        opt.step()
    if flag:
        opt.zero_grad()
""",
    "a test and its negation": r"""
for x in loader:
    model(x).sum().backward()
    if not flag:
        opt.step()
    if flag:
        pass
    else:
        opt.zero_grad()
""",
    "is None and is not None": r"""
for x in loader:
    model(x).sum().backward()
    if scaler is not None:
        opt.step()
    if scaler is None:
        continue
    opt.zero_grad()
""",
    "truth and is not None": r"""
for x in loader:
    model(x).sum().backward()
    if scaler:
        opt.step()
    if scaler is not None:
        opt.zero_grad()
""",
    "equal and not equal": r"""
for x in loader:
    model(x).sum().backward()
    if mode == "fast":
        opt.step()
    if mode != "fast":
        continue
    opt.zero_grad()
""",
    "two values of one variable exclude each other": r"""
for phase in ["a", "b"]:
    if phase == "a":
        opt.zero_grad()
        opt.step()
    if phase == "b":
        opt.zero_grad()
        model(x).sum().backward()
    if phase == "a":
        opt.zero_grad()
""",
    "a conjunction implies its parts": r"""
for x in loader:
    model(x).sum().backward()
    if amp and ready:
        opt.step()
    if ready:
        opt.zero_grad()
""",
    "a part does not imply the conjunction": r"""
for x in loader:
    model(x).sum().backward()  # may
    if ready:
        opt.step()
    if amp and ready:
        opt.zero_grad()
""",
    "one remainder of a counter guards both": r"""
for i, x in enumerate(loader):
    model(x).sum().backward()
    if (i + 1) % 4 == 0:
        opt.step()
    if (i + 1) % 4 == 0:
        opt.zero_grad()
""",
    "two remainders of one counter": r"""
for i, x in enumerate(loader):
    if i % 4 == 0:
        opt.zero_grad()
    model(x).sum().backward()  # unknown
    if (i + 1) % 4 == 0:
        opt.step()
""",
    "one remainder of a counter, and more": r"""
for i, x in enumerate(loader):
    model(x).sum().backward()
    if i % 4 == 0 and ready:
        opt.step()
        opt.zero_grad()
""",
    "another remainder of a counter, and more": r"""
for i, x in enumerate(loader):
    if i % 8 == 0 and ready:
        opt.zero_grad()
    model(x).sum().backward()  # unknown
    if i % 4 == 0:
        opt.step()
""",
    "a guard forgets when its variable changes": r"""
ready = True
for x in loader:
    model(x).sum().backward()  # may
    if ready:
        opt.step()
    ready = x.mean() > 0
    if ready:
        opt.zero_grad()
""",
    "a test that may answer differently each time": r"""
for x in loader:
    model(x).sum().backward()  # may
    if random.random() < 0.5:
        opt.step()
    if random.random() < 0.5:
        opt.zero_grad()
""",
    "continue before the clearing": r"""
for x in loader:
    model(x).sum().backward()  # may
    opt.step()
    if x is None:
        continue
    opt.zero_grad()
""",
    "one iteration in total": r"""
for x in loader:
    model(x).sum().backward()
    opt.step()
    break
""",
    "break leaves an endless loop": r"""
while True:
    opt.zero_grad()
    model(x).sum().backward()
    opt.step()
    if done():
        break
model(x).sum().backward()  # must
""",
    "return leaves the function": r"""
def once():
    for x in loader:
        model(x).sum().backward()
        opt.step()
        return
once()
""",
    "the loop's else runs when nothing broke": r"""
for x in loader:
    opt.zero_grad()
    model(x).sum().backward()
    opt.step()
else:
    opt.zero_grad()
model(x).sum().backward()
""",
    "break skips the loop's else": r"""
while step < total:
    opt.zero_grad()
    opt.step()
    if done():
        break
else:
    opt.zero_grad()
model(x).sum().backward()  # may
""",
    "an exception skips the clearing, which nobody counts": r"""
for x in loader:
    try:
        opt.zero_grad()
        model(x).sum().backward()
        opt.step()
    except RuntimeError:
        print("skipped")
""",
    "finally clears": r"""
for x in loader:
    try:
        model(x).sum().backward()
        opt.step()
    finally:
        opt.zero_grad()
""",
    "a handler that goes on": r"""
for x in loader:
    try:
        model(x).sum().backward()  # must
    except RuntimeError:
        continue
    opt.step()
""",
    "raise ends the path": r"""
for x in loader:
    model(x).sum().backward()
    opt.step()
    if x.isnan().any():
        raise ValueError
    opt.zero_grad()
""",
    "a helper clears": r"""
def prepare(o):
    o.zero_grad()

for x in loader:
    prepare(opt)
    model(x).sum().backward()
    opt.step()
""",
    "a helper clears another one": r"""
def prepare(o):
    o.zero_grad()

for x in loader:
    prepare(other)
    model(x).sum().backward()  # must
    opt.step()
""",
    "one helper for two optimizers": r"""
def update(o, loss):
    o.zero_grad()
    loss.backward()
    o.step()

for x in loader:
    update(opt, model(x).sum())
    opt.zero_grad()
    update(other, other_model(x).sum())
    opt.zero_grad()
""",
    "a helper steps": r"""
def finish(o):
    o.step()

for x in loader:
    model(x).sum().backward()  # must
    finish(opt)
""",
    "a parameter that only its caller knows": r"""
def go(thing, batches):
    for x in batches:
        model(x).sum().backward()  # must
        thing.step()
go(opt, loader)
""",
    "a parameter's default decides": r"""
def finish(clear=True):
    opt.step()
    if clear:
        opt.zero_grad()

for x in loader:
    model(x).sum().backward()
    finish()
""",
    "an argument decides": r"""
def finish(clear=True):
    opt.step()
    if clear:
        opt.zero_grad()

for x in loader:
    model(x).sum().backward()  # must
    finish(clear=False)
""",
    "a missing optimizer means evaluation": r"""
def epoch(batches, o=None):
    for x in batches:
        if o is not None:
            o.zero_grad()
        loss = model(x).sum()
        if o is not None:
            loss.backward()
            o.step()

for _ in range(3):
    epoch(loader, opt)
    epoch(held_out)
""",
    "methods of one object": r"""
class Trainer:
    def __init__(self):
        self.o = opt
    def forward_backward(self, x):
        model(x).sum().backward()
    def update(self):
        self.o.step()
        self.o.zero_grad()
    def run(self):
        for x in loader:
            self.forward_backward(x)
            self.update()
Trainer().run()
""",
    "methods that never clear": r"""
class Trainer:
    def __init__(self):
        self.o = opt
    def forward_backward(self, x):
        model(x).sum().backward()  # must
    def run(self):
        for x in loader:
            self.forward_backward(x)
            self.o.step()
Trainer().run()
""",
    "an inherited method clears": r"""
class Base:
    def begin(self):
        opt.zero_grad()
class Trainer(Base):
    def run(self):
        for x in loader:
            self.begin()
            model(x).sum().backward()
            opt.step()
Trainer().run()
""",
    "an attribute that another method changes": r"""
class Trainer:
    def __init__(self):
        self.ready = False
    def decide(self, x):
        self.ready = x.mean() > 0
    def run(self):
        for x in loader:
            model(x).sum().backward()  # may
            if self.ready:
                opt.step()
            self.decide(x)
            if not self.ready:
                opt.zero_grad()
Trainer().run()
""",
    "a callable object": r"""
class Scaler:
    def __call__(self, loss, o):
        o.zero_grad()
        loss.backward()
        o.step()
scale = Scaler()
for x in loader:
    scale(model(x).sum(), opt)
""",
    "a closure that clears": r"""
def closure():
    opt.zero_grad()
    loss = model(x).sum()
    loss.backward()
    return loss
for x in loader:
    opt.step(closure)
""",
    "a nested function": r"""
def main():
    def step(x):
        model(x).sum().backward()  # must
        opt.step()
    for x in loader:
        step(x)
main()
""",
    "a function that is made by another": r"""
def make(o):
    def step(x):
        o.zero_grad()
        model(x).sum().backward()
        o.step()
    return step
train_step = make(opt)
for x in loader:
    train_step(x)
""",
    "recursion is not followed for ever": r"""
def down(n):
    opt.zero_grad()
    model(x).sum().backward()
    opt.step()
    if n:
        down(n - 1)
down(3)
""",
    "a decorator of the project clears": r"""
def cleared(fn):
    @functools.wraps(fn)
    def inner(*args):
        opt.zero_grad()
        return fn(*args)
    return inner

@cleared
def step(x):
    model(x).sum().backward()
    opt.step()

for x in loader:
    step(x)
""",
    "an unknown decorator may do anything": r"""
from somewhere import cleared

@cleared
def finish():
    opt.step()

for x in loader:
    model(x).sum().backward()  # unknown
    finish()
""",
    "a context manager of the project clears behind its block": r"""
@contextlib.contextmanager
def update():
    yield
    opt.step()
    opt.zero_grad()

for x in loader:
    with update():
        model(x).sum().backward()
""",
    "a context manager of the project only steps": r"""
@contextlib.contextmanager
def update():
    yield
    opt.step()

for x in loader:
    with update():
        model(x).sum().backward()  # must
""",
    "a block is left by return, and its context manager clears": r"""
@contextlib.contextmanager
def update():
    yield
    opt.step()
    opt.zero_grad()

def one(x):
    with update():
        loss = model(x).sum()
        loss.backward()
        return loss.item()

for x in loader:
    one(x)
""",
    "a block is left by return, and its context manager only steps": r"""
@contextlib.contextmanager
def update():
    try:
        yield
    finally:
        opt.step()

def one(x):
    with update():
        loss = model(x).sum()
        loss.backward()  # must
        return loss.item()

for x in loader:
    one(x)
""",
    "a block is left by continue and by break, and its context manager clears": r"""
@contextlib.contextmanager
def update(often):
    if often:
        yield
    else:
        yield
    opt.step()
    opt.zero_grad()

for x in loader:
    with update(often):
        model(x).sum().backward()
        if small:
            continue
        if done:
            break
        log(x)
""",
    "a block is left by continue, and its context manager clears only before it": r"""
@contextlib.contextmanager
def update():
    opt.zero_grad()
    yield
    opt.step()

for x in loader:
    with update():
        model(x).sum().backward()
        if small:
            model(x).mean().backward()
            continue
    model(x).sum().backward()  # must
""",
    "a context manager class": r"""
class Update:
    def __enter__(self):
        opt.zero_grad()
    def __exit__(self, *error):
        opt.step()

for x in loader:
    with Update():
        model(x).sum().backward()
""",
    "a generator drives the loop": r"""
def batches():
    for x in loader:
        opt.zero_grad()
        yield x

for x in batches():
    model(x).sum().backward()
    opt.step()
""",
    "a generator that somebody else drives": r"""
def batches():
    opt.zero_grad()
    yield 1

for x in loader:
    stream = batches()
    model(x).sum().backward()  # unknown
    opt.step()
""",
    "a conditional expression": r"""
for x in loader:
    model(x).sum().backward()
    opt.step() if flag else None
    opt.zero_grad() if flag else None
""",
    "a short circuit": r"""
for x in loader:
    model(x).sum().backward()  # may
    opt.step()
    flag and opt.zero_grad()
""",
    "all optimizers of a list": r"""
for x in loader:
    for o in [opt, other]:
        o.zero_grad()
    model(x).sum().backward()
    opt.step()
""",
    "match": r"""
for x in loader:
    match mode:
        case "a":
            opt.zero_grad()
        case _:
            pass
    model(x).sum().backward()  # may
    opt.step()
""",
    "the other optimizer's turn": r"""
for x in loader:
    opt.zero_grad()
    model(x).sum().backward()
    opt.step()
    other.zero_grad()
    other_model(x).sum().backward()  # must
    other.step()
""",
    "exit of the process": r"""
for x in loader:
    model(x).sum().backward()
    opt.step()
    if bad:
        exit(1)
    opt.zero_grad()
""",
    "under the main guard": r"""
def main():
    for x in loader:
        model(x).sum().backward()  # must
        opt.step()
if __name__ == "__main__":
    main()
""",
    "a generator cleans up behind each batch": r"""
def batches():
    for x in loader:
        try:
            yield x
        finally:
            opt.zero_grad()

for x in batches():
    model(x).sum().backward()
    opt.step()
""",
    "a generator that hands on another one": r"""
def inner():
    for x in loader:
        opt.zero_grad()
        yield x

def outer():
    yield from inner()

for x in outer():
    model(x).sum().backward()
    opt.step()
""",
    "a generator that clears before its first batch only": r"""
def batches():
    opt.zero_grad()
    for x in loader:
        yield x

for x in batches():
    model(x).sum().backward()  # must
    opt.step()
""",
    "an object that clears when it gives a batch": r"""
class Batches:
    def __iter__(self):
        for x in loader:
            opt.zero_grad()
            yield x

for x in Batches():
    model(x).sum().backward()
    opt.step()
""",
    "the inner loop's else comes too late": r"""
for epoch in range(3):
    for x in loader:
        model(x).sum().backward()  # must
        opt.step()
    else:
        opt.zero_grad()
""",
    "else of a try": r"""
for x in loader:
    try:
        loss = model(x).sum()
    except RuntimeError:
        continue
    else:
        opt.zero_grad()
    loss.backward()
    opt.step()
""",
    "only the handler clears": r"""
for x in loader:
    try:
        model(x).sum().backward()  # must
        opt.step()
    except RuntimeError:
        opt.zero_grad()
""",
    "finally runs after a return": r"""
def once(x):
    try:
        model(x).sum().backward()
        opt.step()
        return 1
    finally:
        opt.zero_grad()

for x in loader:
    once(x)
""",
    "finally runs after a continue": r"""
for x in loader:
    try:
        model(x).sum().backward()
        opt.step()
        if skip(x):
            continue
        log(x)
    finally:
        opt.zero_grad()
""",
    "functions that call each other": r"""
def even(n):
    model(x).sum().backward()
    opt.step()
    if n:
        odd(n - 1)

def odd(n):
    opt.zero_grad()
    if n:
        even(n - 1)

even(4)
""",
    "nested functions that clear for each other": r"""
def main():
    def clear():
        opt.zero_grad()
    def step(x):
        clear()
        model(x).sum().backward()
        opt.step()
    for x in loader:
        step(x)
main()
""",
    "a function that is passed in": r"""
def every(batches, act):
    for x in batches:
        act(x)

def update(x):
    model(x).sum().backward()  # must
    opt.step()

every(loader, update)
""",
    "a lambda clears": r"""
clear = lambda: opt.zero_grad()
for x in loader:
    clear()
    model(x).sum().backward()
    opt.step()
""",
    "a lambda that clears what it is given": r"""
for x in loader:
    list(map(lambda o: o.zero_grad(), [opt, other]))
    model(x).sum().backward()
    opt.step()
""",
    "a comprehension clears": r"""
for x in loader:
    [o.zero_grad() for o in (opt, other)]
    model(x).sum().backward()
    opt.step()
""",
    "a partial clears": r"""
def prepare(o):
    o.zero_grad()

clear = functools.partial(prepare, opt)
for x in loader:
    clear()
    model(x).sum().backward()
    opt.step()
""",
    "a partial that steps what it was given": r"""
def finish(o, x):
    x.sum().backward()  # must
    o.step()

end = functools.partial(finish, opt)
for x in loader:
    end(model(x))
""",
    "a helper that returns early": r"""
def finish(x):
    opt.step()
    if x is None:
        return
    opt.zero_grad()

for x in loader:
    model(x).sum().backward()  # may
    finish(x)
""",
    "a test that was kept in a variable": r"""
for i, x in enumerate(loader):
    last = (i + 1) % 4 == 0
    model(x).sum().backward()
    if last:
        opt.step()
    if last:
        opt.zero_grad()
""",
    "a remainder or the last batch": r"""
for i, x in enumerate(loader):
    model(x).sum().backward()
    if (i + 1) % 4 == 0 or i + 1 == len(loader):
        opt.step()
    if (i + 1) % 4 == 0 or i + 1 == len(loader):
        opt.zero_grad()
""",
    "tests one in another": r"""
for x in loader:
    model(x).sum().backward()
    if amp:
        if ready:
            opt.step()
    if amp and ready:
        opt.zero_grad()
""",
    "continue unless it is time": r"""
for i, x in enumerate(loader):
    model(x).sum().backward()
    if (i + 1) % 4 != 0:
        continue
    opt.step()
    opt.zero_grad()
""",
    "the opposite of either is neither": r"""
for x in loader:
    model(x).sum().backward()
    if amp or ready:
        opt.step()
    if not amp and not ready:
        continue
    opt.zero_grad()
""",
    "a counter that starts again": r"""
count = 0
for x in loader:
    model(x).sum().backward()
    count += 1
    if count == 4:
        opt.step()
        opt.zero_grad()
        count = 0
""",
    "an iterator that ends the loop": r"""
stream = iter(loader)
while True:
    try:
        x = next(stream)
    except StopIteration:
        break
    opt.zero_grad()
    model(x).sum().backward()
    opt.step()
""",
    "a context manager object in a variable": r"""
class Update:
    def __enter__(self):
        opt.zero_grad()
    def __exit__(self, *error):
        opt.step()

update = Update()
for x in loader:
    with update:
        model(x).sum().backward()
""",
    "a context manager that is a method": r"""
class Trainer:
    @contextlib.contextmanager
    def update(self):
        opt.zero_grad()
        yield
        opt.step()
    def run(self):
        for x in loader:
            with self.update():
                model(x).sum().backward()
Trainer().run()
""",
    "micro-batches": r"""
for x in loader:
    for part in x.chunk(4):
        model(part).sum().backward()
    opt.step()
    opt.zero_grad(set_to_none=True)
""",
    "micro-batches that nothing clears": r"""
for x in loader:
    for part in x.chunk(4):
        model(part).sum().backward()  # must
    opt.step()
""",
    "the discriminator's turn clears its own only": r"""
for i, x in enumerate(loader):
    opt.zero_grad()
    other_model(x).sum().backward()
    opt.step()
    if i % 5 == 0:
        other.zero_grad()
        model(x).sum().backward()  # must
        other.step()
""",
    "a closure that forgets to clear": r"""
def closure():
    loss = model(x).sum()
    loss.backward()  # must
    return loss
for x in loader:
    opt.step(closure)
""",
    "a lambda as the closure": r"""
def run(x):
    opt.zero_grad()
    loss = model(x).sum()
    loss.backward()
    return loss
for x in loader:
    opt.step(lambda: run(x))
""",
    "a flag of an object that stays": r"""
class Trainer:
    def __init__(self, clear):
        self.clear = clear
    def run(self):
        for x in loader:
            if self.clear:
                opt.zero_grad()
            model(x).sum().backward()
            if self.clear:
                opt.step()
Trainer(True).run()
""",
    "an early return in the middle of an epoch": r"""
def epoch():
    for x in loader:
        opt.zero_grad()
        model(x).sum().backward()
        opt.step()
        if stop(x):
            return
    opt.zero_grad()
epoch()
model(x).sum().backward()  # may
""",
    "optimizers in a dict": r"""
optimizers = {"a": opt, "b": other}
for x in loader:
    for o in optimizers.values():
        o.zero_grad()
    model(x).sum().backward()
    optimizers["a"].step()
""",
    "optimizers in a dict by name": r"""
optimizers = {"a": opt, "b": other}
for x in loader:
    for name in optimizers:
        optimizers[name].zero_grad()
    model(x).sum().backward()
    optimizers["a"].step()
""",
    "the wrong one of a dict": r"""
optimizers = {"a": opt, "b": other}
for x in loader:
    optimizers["b"].zero_grad()
    model(x).sum().backward()  # must
    optimizers["a"].step()
""",
    "a generator behind enumerate": r"""
def batches():
    for x in loader:
        opt.zero_grad()
        yield x

for i, x in enumerate(batches()):
    model(x).sum().backward()
    opt.step()
""",
    "a context manager object that clears, and a step behind it": r"""
class Fresh:
    def __enter__(self):
        opt.zero_grad()
    def __exit__(self, *error):
        pass

fresh = Fresh()
for x in loader:
    with fresh:
        model(x).sum().backward()
    opt.step()
""",
    "an attribute that holds a lambda": r"""
class Trainer:
    def __init__(self):
        self.clear = lambda: opt.zero_grad()
    def run(self):
        for x in loader:
            self.clear()
            model(x).sum().backward()
            opt.step()
Trainer().run()
""",
    "a lambda that is only kept": r"""
later = lambda: opt.zero_grad()
for x in loader:
    model(x).sum().backward()  # must
    opt.step()
""",
    "a lambda that a library is given": r"""
for x in loader:
    profiler.record(lambda: opt.zero_grad())
    model(x).sum().backward()
    opt.step()
""",
    "a lambda steps": r"""
advance = lambda o: o.step()
for x in loader:
    model(x).sum().backward()  # must
    advance(opt)
""",
    "tests on both sides of an else": r"""
for x in loader:
    model(x).sum().backward()
    if kind != "a" and kind != "b":
        pass
    else:
        opt.step()
    if kind == "a" or kind == "b":
        opt.zero_grad()
""",
    "an elif that excludes": r"""
for x in loader:
    model(x).sum().backward()  # may
    if kind == "a":
        opt.step()
    elif kind == "b":
        opt.zero_grad()
""",
    "a break out of the inner loop": r"""
for epoch in range(3):
    for x in loader:
        opt.zero_grad()
        if x is None:
            break
        model(x).sum().backward()
        opt.step()
""",
    "an exception of our own ends the run": r"""
def check(x):
    if x.isnan().any():
        raise ValueError(x)
for x in loader:
    model(x).sum().backward()
    opt.step()
    check(x)
    opt.zero_grad()
""",
    "two nested handlers": r"""
for x in loader:
    try:
        try:
            model(x).sum().backward()
            opt.step()
        finally:
            log(x)
    except RuntimeError:
        opt.zero_grad()
        continue
    opt.zero_grad()
""",
    "while with a counter and an else": r"""
i = 0
while i < 10:
    opt.zero_grad()
    model(x).sum().backward()
    opt.step()
    i += 1
else:
    opt.zero_grad()
model(x).sum().backward()
""",
    "no_sync around all but the last": r"""
for i, x in enumerate(loader):
    last = (i + 1) % 4 == 0
    with contextlib.nullcontext() if last else model.no_sync():
        model(x).sum().backward()
    if last:
        opt.step()
        opt.zero_grad()
""",
    "not a remainder": r"""
for i, x in enumerate(loader):
    if not (i % 4):
        opt.zero_grad()
    model(x).sum().backward()  # may
    if not (i % 4):
        opt.step()
""",
    "a method that yields batches": r"""
class Source:
    def batches(self):
        for x in loader:
            opt.zero_grad()
            yield x
for x in Source().batches():
    model(x).sum().backward()
    opt.step()
""",
    "an async loop": r"""
async def run():
    async for x in stream():
        model(x).sum().backward()  # must
        opt.step()
""",
    "a phase loop": r"""
for epoch in range(3):
    for phase in ["train", "val"]:
        for x in loaders[phase]:
            opt.zero_grad()
            with torch.set_grad_enabled(phase == "train"):
                loss = model(x).sum()
                if phase == "train":
                    loss.backward()
                    opt.step()
""",
    "a walrus in the loop's test": r"""
while (x := next(stream, None)) is not None:
    model(x).sum().backward()  # must
    opt.step()
""",
    "a parameter and the caller's test on the argument": r"""
def ready(phase):
    if phase == "train":
        opt.zero_grad()
for x in loader:
    ready(phase)
    if phase == "train":
        model(x).sum().backward()
        opt.step()
""",
    "a parameter with another name": r"""
def ready(mode):
    if mode == "train":
        opt.zero_grad()
def run(phase):
    for x in loader:
        ready(phase)
        if phase == "train":
            model(x).sum().backward()
            opt.step()
run(sys.argv[1])
""",
    "a parameter that the caller tests for another value": r"""
def ready(mode):
    if mode == "train":
        opt.zero_grad()
def run(phase):
    for x in loader:
        ready(phase)
        if phase == "tune":
            model(x).sum().backward()  # must
            opt.step()
run(sys.argv[1])
""",
    "another argument than the one that is tested": r"""
def ready(mode):
    if mode == "train":
        opt.zero_grad()
def run(phase, other_phase):
    for x in loader:
        ready(other_phase)
        if phase == "train":
            model(x).sum().backward()  # may
            opt.step()
run(*sys.argv)
""",
    "a constant argument decides": r"""
def ready(mode, sure):
    if mode in ("train", "tune") and sure:
        opt.zero_grad()
for x in loader:
    ready("tune", True)
    model(x).sum().backward()
    opt.step()
""",
    "a constant argument decides for the worse": r"""
def ready(mode, sure):
    if mode in ("train", "tune") and sure:
        opt.zero_grad()
for x in loader:
    ready("test", True)
    model(x).sum().backward()  # must
    opt.step()
""",
    "a test as the argument": r"""
def ready(x, train):
    if train:
        opt.zero_grad()
def run(phase):
    for x in loader:
        ready(x, train=phase == "train")
        if phase != "train":
            continue
        model(x).sum().backward()
        opt.step()
run(sys.argv[1])
""",
    "the opposite of a test as the argument": r"""
def ready(x, frozen):
    if not frozen:
        opt.zero_grad()
def run(train):
    for x in loader:
        ready(x, frozen=not train)
        if train:
            model(x).sum().backward()
            opt.step()
run(bool(sys.argv[1]))
""",
    "a default decides beside what is given": r"""
def ready(flag, enabled=True):
    if enabled and flag:
        opt.zero_grad()
def run(train):
    for x in loader:
        ready(train)
        if train:
            model(x).sum().backward()
            opt.step()
run(bool(sys.argv[1]))
""",
    "a default that is not what is given": r"""
def ready(flag, enabled=False):
    if enabled and flag:
        opt.zero_grad()
def run(train):
    for x in loader:
        ready(train)
        if train:
            model(x).sum().backward()  # must
            opt.step()
run(bool(sys.argv[1]))
""",
    "a run that ends where nothing is chosen": r"""
def run(mode):
    for x in loader:
        if mode == "clear":
            opt.zero_grad()
        elif mode == "none":
            opt.zero_grad(set_to_none=True)
        else:
            sys.exit(f"unknown: {mode}")
        model(x).sum().backward()
        opt.step()
run(sys.argv[1])
""",
    "an assertion that always fails": r"""
def run(mode):
    for x in loader:
        if mode == "clear":
            opt.zero_grad()
        else:
            assert False, mode
        model(x).sum().backward()
        opt.step()
run(sys.argv[1])
""",
    "a choice by value is the same in every iteration": r"""
def run(mode):
    for x in loader:
        model(x).sum().backward()
        opt.step()
        if mode == "clear":
            opt.zero_grad()
        else:
            break
run(sys.argv[1])
""",
    "a method that is given an attribute": r"""
class Runner:
    def __init__(self, train):
        self.train = train
    def ready(self, flag):
        if flag:
            opt.zero_grad()
    def run(self):
        for x in loader:
            self.ready(self.train)
            if self.train:
                model(x).sum().backward()
                opt.step()
Runner(sys.argv[1]).run()
""",
    "an attribute of an object under two names": r"""
def ready(cfg):
    if cfg.train:
        opt.zero_grad()
def run(args):
    for x in loader:
        ready(args)
        if args.train:
            model(x).sum().backward()
            opt.step()
run(parse())
""",
    "attributes of two objects under one name": r"""
def ready(cfg):
    if cfg.train:
        opt.zero_grad()
def run(cfg, old):
    for x in loader:
        ready(old)
        if cfg.train:
            model(x).sum().backward()  # may
            opt.step()
run(parse(), parse())
""",
    "a parameter through two calls": r"""
def clear(wanted):
    if wanted:
        opt.zero_grad()
def ready(x, flag):
    clear(flag)
def run(train):
    for x in loader:
        ready(x, train)
        if train:
            model(x).sum().backward()
            opt.step()
run(bool(sys.argv[1]))
""",
    "two helpers that are given the same": r"""
def ready(flag):
    if flag:
        opt.zero_grad()
def learn(x, go):
    if go:
        model(x).sum().backward()
        opt.step()
def run(train):
    for x in loader:
        ready(train)
        learn(x, go=train)
run(bool(sys.argv[1]))
""",
    "two helpers that are given different things": r"""
def ready(flag):
    if flag:
        opt.zero_grad()
def learn(x, go):
    if go:
        model(x).sum().backward()  # may
        opt.step()
def run(train, reset):
    for x in loader:
        ready(reset)
        learn(x, go=train)
run(*sys.argv)
""",
    "a parameter that the helper binds anew": r"""
def ready(flag):
    flag = decide(flag)
    if flag:
        opt.zero_grad()
def run(train):
    for x in loader:
        ready(train)
        if train:
            model(x).sum().backward()  # may
            opt.step()
run(bool(sys.argv[1]))
""",
    "an argument that is bound anew behind its test": r"""
def ready(flag):
    if flag:
        opt.zero_grad()
def run(train):
    for x in loader:
        ready(train)
        if train:
            model(x).sum().backward()
            opt.step()
        train = decide(train)
run(bool(sys.argv[1]))
""",
    "an argument that the caller binds anew": r"""
def ready(flag):
    if flag:
        opt.zero_grad()
def run(train):
    for x in loader:
        ready(train)
        train = decide(train)
        if train:
            model(x).sum().backward()  # may
            opt.step()
        train = decide(train)
run(bool(sys.argv[1]))
""",
    "an argument that changes between two helpers": r"""
def ready(flag):
    if flag:
        opt.zero_grad()
def learn(x, go):
    if go:
        model(x).sum().backward()  # may
        opt.step()
def run(train):
    for x in loader:
        ready(train)
        train = decide(train)
        learn(x, train)
        train = decide(train)
run(bool(sys.argv[1]))
""",
    "an attribute that the helper sets anew": r"""
def ready(cfg):
    if cfg.train:
        opt.zero_grad()
    cfg.train = decide(cfg)
def run(args):
    for x in loader:
        ready(args)
        if args.train:
            model(x).sum().backward()  # may
            opt.step()
        args.train = decide(args)
run(parse())
""",
    "a helper's own variable with the name of the argument": r"""
def ready(flag):
    if flag:
        opt.zero_grad()
    train = flag
    if train:
        model.train()
def run(train):
    for x in loader:
        ready(train)
        if train:
            model(x).sum().backward()
            opt.step()
run(bool(sys.argv[1]))
""",
    "a global that a function tests": r"""
TRAIN = bool(input())
def ready():
    if TRAIN:
        opt.zero_grad()
for x in loader:
    ready()
    if TRAIN:
        model(x).sum().backward()
        opt.step()
""",
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_order(name: str) -> None:
    check(PROGRAMS[name])


def test_optimizers_of_two_objects_of_one_class_are_two() -> None:
    source = r"""
import torch
from torch import nn
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(2, 2)
        self.opt = torch.optim.Adam(self.parameters())
actor, critic = Net(), Net()
for x in loader:
    actor.opt.zero_grad()
    critic.opt.zero_grad()
    actor(x).sum().backward()
    actor.opt.step()
    critic(x).sum().backward()
    critic.opt.step()
"""
    program = program_of(source)
    idents = {optimizer.base.ident for _, optimizer, _ in collect(program, "optimizer_step")}
    assert len(idents) == 2
    found = [{hit.event.line for hit in run(Again(ident), program)} for ident in idents]
    assert sorted(found, key=len) == [set(), {15}]  # actor's was stepped before critic's backward, critic's was not


def test_a_hit_knows_its_loops_and_the_calls_that_lead_to_it() -> None:
    source = (
        PRELUDE
        + r"""
def step(x):
    model(x).sum().backward()
    opt.step()
for epoch in range(3):
    for x in loader:
        step(x)
"""
    )
    program = program_of(source)
    (hit,) = run(Again(program.events.of_kind("create")[0].obj.base.ident), program)
    assert [program.line(loop) for loop in hit.loops] == [15, 16]
    assert [program.line(tree.call) for tree in hit.calls] == [17]
    assert [o.event.kind for o in hit.trace] == ["optimizer_step"]


MANY = range(7)  # conditions, all asked twice: more ways through them than are kept apart
ONCE = "".join(f"if f{n}:\n    other.zero_grad()\n" for n in MANY)
TWICE = "".join(f"if f{n}:\n    other.step()\n" for n in MANY)


@pytest.mark.parametrize(
    ("before", "last", "expected"),
    [
        ("opt.step()", "model(x).sum().backward()", "must"),  # every way is wrong, those that may be none as well
        ("if key:\n    opt.step()", "model(x).sum().backward()", "may"),
        ("if key:\n    opt.step()", "if key:\n    model(x).sum().backward()", "may"),
        # Only a way that has forgotten what `key` is comes there with a step behind it: that is none.
        ("if key:\n    opt.step()", "if not key:\n    model(x).sum().backward()", "unknown"),
        # Nobody knows when a generator runs that is not driven here, so nobody knows what any of the ways has done.
        ("def later():\n    yield\n    opt.zero_grad()\nopt.step()\nlater()", "model(x).sum().backward()", "unknown"),
    ],
)
def test_ways_of_which_it_is_forgotten_what_their_conditions_said(before: str, last: str, expected: str) -> None:
    assert list(answers(f"{PRELUDE}{before}\n{ONCE}{TWICE}{last}\n").values()) == [expected]


def test_a_hostile_tree_ends() -> None:
    deep = "".join(f"{' ' * i}for x{i} in loader:\n{' ' * (i + 1)}if f{i}: opt.zero_grad()\n" for i in range(12))
    found = answers(PRELUDE + deep + " " * 12 + "model(x).sum().backward()\n" + " " * 12 + "opt.step()\n")
    assert set(found.values()) <= {"may", "unknown"} and len(found) == 1
