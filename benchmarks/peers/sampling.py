"""How often a peer's run is timed, by the rules of benchmarks/kernels/sampling.h and clocks.h, whose numbers these are.

Without torch, so that it is tested without.
"""
import ctypes
import math
import time

LEAST, MOST = 10, 1000
BETWEEN_LOOKS = 5
PATIENCE = 5  # times the seconds of a timing, where samples are dropped
REST_SECONDS = 0.01
FULL = 0.95  # of the highest clock that was seen
HELD_DOWN_BY = {0x40: "too hot (hardware)", 0x20: "too hot", 0x80: "power brake", 0x4: "power cap",
                0x8: "hardware slowdown", 0x10: "boost in step with others"}
IDLE = 0x1
SM_CLOCK, MEMORY_CLOCK = 1, 2


def median_interval(ordered):
    """The values between which the median lies with 95 %; of less than 6, the smallest and the largest."""
    n, k = len(ordered), 0
    exactly = less = 0.5 ** n
    while k < n // 2:
        exactly *= (n - k) / (k + 1)
        if less + exactly > 0.025:
            break
        less += exactly
        k += 1
    return ordered[k], ordered[n - 1 - k]


def precision_percent(ordered):
    low, high = median_interval(ordered)
    return 50 * (high - low) / quantile(ordered, 0.5)


def quantile(ordered, q):
    return ordered[math.floor(q * (len(ordered) - 1) + 0.5)]


class Nvml:
    """read() -> (SM MHz, memory MHz, bits of what holds them down), or None. OSError or AttributeError without a driver."""

    def __init__(self, pci_bus_id, library="libnvidia-ml.so.1"):
        self.library = ctypes.CDLL(library)
        name = "nvmlDeviceGetCurrentClocksEventReasons"
        former = "nvmlDeviceGetCurrentClocksThrottleReasons"
        self.reasons = getattr(self.library, name if hasattr(self.library, name) else former)
        self.device = ctypes.c_void_p()
        if self.library.nvmlInit_v2() != 0:
            raise OSError(f"{library} does not begin")
        status = self.library.nvmlDeviceGetHandleByPciBusId_v2(pci_bus_id.encode(), ctypes.byref(self.device))
        if status != 0 or self.read() is None:
            raise OSError(f"{library} does not tell the clocks of device {pci_bus_id}")

    def clock(self, kind):
        mhz = ctypes.c_uint()
        status = self.library.nvmlDeviceGetClockInfo(self.device, kind, ctypes.byref(mhz))
        return mhz.value if status == 0 else 0

    def read(self):
        bits = ctypes.c_ulonglong()
        if self.reasons(self.device, ctypes.byref(bits)) != 0:
            bits.value = 0
        sm = self.clock(SM_CLOCK)
        return (sm, self.clock(MEMORY_CLOCK), bits.value) if sm else None


class Sampler:
    """Of one timing after another: what counts as the full clock is the highest that was seen in any."""

    def __init__(self, clocks=None, now=time.perf_counter, rest=time.sleep):
        """clocks: whose read() tells, or None."""
        self.clocks, self.now, self.rest = clocks, now, rest
        self.highest = [0, 0]

    def refuse(self, states):
        """Why a sample between these does not count, or None."""
        states = [state for state in states if state]
        for sm, memory, _ in states:
            self.highest = [max(self.highest[0], sm), max(self.highest[1], memory)]
        for sm, memory, bits in states:
            for bit, why in HELD_DOWN_BY.items():
                if bits & bit:
                    return why
            if bits & IDLE:  # its clocks say nothing of those under work
                continue
            for name, mhz, highest in (("SM", sm, self.highest[0]), ("memory", memory, self.highest[1])):
                if 0 < mhz < FULL * highest:
                    return f"low {name} clock"
        return None

    def read(self):
        return self.clocks.read() if self.clocks else None

    def wants_more(self, kept, dropped, passed, seconds, precision):
        if len(kept) >= MOST:
            return False
        if len(kept) < LEAST:
            return not dropped or passed < PATIENCE * seconds
        if passed >= seconds:
            return False
        return (len(kept) - LEAST) % BETWEEN_LOOKS != 0 or precision_percent(sorted(kept)) > precision

    def sample(self, take, seconds, precision):
        """The numbers of one timing, by the endings that they have in a row; take(): one sample, in microseconds."""
        kept, everything, dropped = [], [], {}
        begin, before = self.now(), None  # none where the GPU has rested
        while self.wants_more(kept, dropped, self.now() - begin, seconds, precision):
            sample = take()
            after = self.read()
            everything.append(sample)
            why = self.refuse([before, after])
            before = after
            if why is None:
                kept.append(sample)
                continue
            dropped[why] = dropped.get(why, 0) + 1
            self.rest(REST_SECONDS)
            before = None
        held_down = len(kept) < LEAST
        ordered = sorted(everything if held_down else kept)
        low, high = median_interval(ordered)
        return {"us": quantile(ordered, 0.5), "p20_us": quantile(ordered, 0.2), "p80_us": quantile(ordered, 0.8),
                "low_us": low, "high_us": high, "samples": len(ordered), "dropped": sum(dropped.values()),
                "held_down": held_down}
