"""Two clocks that need no clock on the wall."""

from jupyter_sysdesign.simulation.protocols.timekeeping.frame import Process


class Clocks(Process):
    def __init__(self, ctx):
        super().__init__(ctx)
        self.lamport = 0
        self.vector = {}

    def tick(self):
        me = self.ctx.id
        self.lamport = self.ctx.now()
        self.vector[me] = self.vector.get(me, 0) + 1

    def local(self):
        self.tick()

    def send(self):
        self.tick()
        return self.lamport, dict(self.vector)

    def receive(self, stamp):
        time, vector = stamp
        for process, count in vector.items():
            self.vector[process] = max(self.vector.get(process, 0), count)
        self.tick()

    def order(self, one, other):
        everybody = {**one, **other}
        behind = any(one.get(each, 0) < other.get(each, 0) for each in everybody)
        ahead = any(one.get(each, 0) > other.get(each, 0) for each in everybody)
        if behind and ahead:
            return "concurrent"
        if behind:
            return "before"
        return "after" if ahead else "equal"
