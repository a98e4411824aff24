#!/usr/bin/env python3
"""What compares benchmarks of kernels, without a GPU and without PyTorch: made-up results and a made-up program."""
import copy
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

SOURCE = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(SOURCE / "benchmarks/peers"))
import sampling  # noqa: E402  pylint: disable=wrong-import-position

DEVICE = {"name": "Made-up GPU", "cuda": 13000, "driver": "580.65", "commit": "aaaa", "clocks": "watched", "sm_mhz": 1980,
          "memory_mhz": 3201, "highest_sm_mhz": 1980, "power_limit_watts": 700, "copy_gb_per_s": 4000,
          "empty_stream_us": 2.5, "empty_graph_us": 1.5}


def timed(kernel, us, side="tern", half_width=0.5, **others):
    """A row whose medians are known to half_width percent."""
    row = {"side": side, "kernel": kernel, "shape": "64x88", "dtype": "float32", "ideal_bytes": 45056, "launches": 1,
           "largest_error": 1e-7, "largest_error_after": 1e-7, "wrong": False, "noise_percent": 0.1, "dropped": {}}
    for mode in ("stream", "graph"):
        row |= {f"{mode}_us": us, f"{mode}_p20_us": us * 0.99, f"{mode}_p80_us": us * 1.02, f"{mode}_samples": 12,
                f"{mode}_low_us": us * (1 - half_width / 100), f"{mode}_high_us": us * (1 + half_width / 100),
                f"{mode}_dropped": 0}
    return row | others


def results(*rows, failed=(), left_out=(), **device):
    return {"device": DEVICE | device, "rows": list(rows), "failed": list(failed), "left_out": list(left_out)}


class Folder(unittest.TestCase):
    def setUp(self):
        self.temporary = tempfile.TemporaryDirectory()
        self.folder = pathlib.Path(self.temporary.name)
        self.addCleanup(self.temporary.cleanup)

    def run_script(self, name, *arguments):
        command = [sys.executable, "-B", str(SOURCE / "benchmarks" / name), *map(str, arguments)]
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=self.folder)
        return done.returncode, done.stdout, done.stderr


class CompareResults(Folder):
    def compare(self, before, after, *options):
        for name, data in (("before.json", before), ("after.json", after)):
            (self.folder / name).write_text(data if isinstance(data, str) else json.dumps(data))
        return self.run_script("compare_results.py", "before.json", "after.json", *options)

    def test_beyond_noise_and_within(self):
        before = results(timed("steady", 10), timed("slower", 10), timed("faster", 10), timed("noisy", 10, half_width=6))
        after = results(timed("steady", 10.08), timed("slower", 10.3), timed("faster", 8), timed("noisy", 11, half_width=6))
        code, out, _ = self.compare(before, after)
        self.assertEqual(code, 0)
        self.assertEqual(out.count("1 slower, 1 faster, 2 the same"), 2)
        self.assertIn("| slower 64x88 float32 of tern | 10.00 | 10.30 | +3.0 % | 1.0 % |", out)
        self.assertIn("| faster 64x88 float32 of tern | 10.00 | 8.00 | -20.0 % | 0.9 % |", out)
        self.assertNotIn("steady 64x88", out)
        self.assertNotIn("noisy 64x88", out)
        self.assertIn("Nothing differs in device, driver, CUDA and commit.", out)
        self.assertEqual(self.compare(before, after, "--fail")[0], 1)
        self.assertEqual(self.compare(after, after, "--fail")[0], 0)
        self.assertIn("0 slower, 1 faster, 3 the same", self.compare(before, after, "--least", "5")[1])

    def test_a_report_of_gpu_check(self):
        before, after = ({"gpu": "Made-up GPU", "kernels": results(timed("k", us))} for us in (10, 20))
        self.assertIn("1 slower, 0 faster, 0 the same", self.compare(before, after)[1])

    def test_two_timings_that_differed_are_noise_too(self):
        before, after = results(timed("k", 10, noise_percent=4)), results(timed("k", 10.3))
        self.assertIn("0 slower, 0 faster, 1 the same", self.compare(before, after)[1])

    def test_files_without_intervals(self):
        before, after = (results({key: value for key, value in timed("k", us).items()
                                  if not key.endswith(("low_us", "high_us"))}) for us in (10, 10.2))
        self.assertIn("0 slower, 0 faster, 1 the same", self.compare(before, after)[1])  # p20 to p80 is 3 %

    def test_missing_failed_and_wrong(self):
        gone, failed = timed("gone", 10), timed("failed", 10)
        failure = {"side": "tern", "kernel": "failed", "shape": "64x88", "dtype": "float32", "message": "no launch"}
        code, out, _ = self.compare(results(gone, failed, timed("broken", 10)),
                                    results(timed("new", 10), timed("broken", 10, wrong=True), failed=[failure]), "--fail")
        self.assertEqual(code, 1)
        self.assertIn("- gone 64x88 float32 of tern: not there in after.json", out)
        self.assertIn("- failed 64x88 float32 of tern: failed: no launch in after.json", out)
        self.assertIn("- new 64x88 float32 of tern: not there in before.json", out)
        self.assertIn("WRONG now: broken 64x88 float32 of tern", out)

    def test_sides_are_rows_of_their_own(self):
        before = results(timed("k", 10), timed("k", 10, side="mine"))
        after = results(timed("k", 10), timed("k", 20, side="mine"))
        after["peer_rows"] = [timed("k", 30, side="eager")]
        before["peer_rows"] = [timed("k", 10, side="eager")]
        code, out, _ = self.compare(before, after, "--fail")
        self.assertIn("2 slower, 0 faster, 1 the same", out)
        self.assertIn("| k 64x88 float32 of mine |", out)
        self.assertEqual(code, 1)
        after["rows"][1] = before["rows"][1]
        self.assertEqual(self.compare(before, after, "--fail")[0], 0)  # PyTorch's pace is nobody's fault here

    def test_what_differs_around_the_kernels(self):
        code, out, _ = self.compare(results(timed("k", 10)), results(timed("k", 10), name="Other GPU", driver="590.1",
                                                                     commit="bbbb", sm_mhz=1965, memory_mhz=2619))
        self.assertEqual(code, 0)
        for line in ("- device: Made-up GPU -> Other GPU", "- driver: 580.65 -> 590.1", "- commit: aaaa -> bbbb",
                     "- memory clock, MHz: 3201 -> 2619", "- **Different devices:"):
            self.assertIn(line, out)
        self.assertNotIn("SM clock", out)  # a step

    def test_held_down_rows_say_nothing(self):
        before, after = results(timed("k", 10)), results(timed("k", 20, held_down=True))
        code, out, _ = self.compare(before, after, "--fail")
        self.assertEqual(code, 0)
        self.assertIn("0 slower, 0 faster, 0 the same within noise and 1 %, 1 of which a side was held down", out)

    def test_counts_have_no_noise(self):
        row = {"side": "mine", "kernel": "k", "shape": "64x88", "dtype": "float32", "launches": 1, "moved_bytes": 1024,
               "distinct_bytes": 1024, "predicted_us": 1.5, "wrong": False}
        emulator = {"device": {"name": "emulator", "predicted": "H100"}, "rows": [row]}
        after = copy.deepcopy(emulator)
        self.assertIn("0 changed", self.compare(emulator, after, "--fail")[1])
        after["rows"][0]["moved_bytes"] = 1056
        code, out, _ = self.compare(emulator, after, "--fail")
        self.assertEqual(code, 1)
        self.assertIn("| k 64x88 float32 of mine | moved bytes | 1024 | 1056 |", out)
        code, _, err = self.compare(emulator, results(timed("k", 10)))
        self.assertEqual(code, 2)
        self.assertIn("wanted times twice or counts twice, got emulator and Made-up GPU", err)

    def test_files_that_are_none(self):
        for text in ("{", "[]", '{"device": null, "rows": []}'):
            code, _, err = self.compare(text, results())
            self.assertEqual(code, 2)
            self.assertIn("compare_results: before.json: wanted results", err)


class CompareKernels(Folder):
    def test_a_kernel_from_outside_has_its_line_without_a_list_of_it(self):
        rows = [timed("softmax_forward", 12, side="mine", stream_dropped=2, dropped={"power cap": 2}),
                timed("softmax_forward", 10)]
        (self.folder / "results").write_text(json.dumps(results(*rows)))
        program = self.folder / "bench_kernels"
        program.write_text('#!/bin/sh\n[ "$1" = --list ] && { printf "softmax\\ttern\\nsoftmax\\tmine\\n"; exit; }\n'
                           'echo "$@" >>asked\ncp results "$3"\n')
        program.chmod(0o755)
        code, out, err = self.run_script("compare_kernels.py", "--build", self.folder, "--python", "no-such-python",
                                         "--side-by-side", "--json", "all.json")
        self.assertEqual((code, err), (0, ""))
        asked = (self.folder / "asked").read_text()
        self.assertRegex(asked, r"^softmax --json \S+ --timing-seconds \S+ --precision 0.5 --side-by-side")
        lines = [line for line in out.splitlines() if line.startswith("| softmax_forward")]
        self.assertEqual(len(lines), 4)
        self.assertTrue(lines[0].startswith("| softmax_forward | 64x88 | float32 | tern | 10.00 |"), lines[0])
        self.assertTrue(lines[1].startswith("| softmax_forward | 64x88 | float32 | mine | 12.00 |"), lines[1])
        self.assertIn("| 12, 2 dropped |", lines[1])
        self.assertIn("| 1.0e-07 | 0.83 |", lines[1])  # tern takes 10 of its 12 us
        self.assertIn("samples dropped under lower clocks: power cap 2", out)
        self.assertEqual(len(json.loads((self.folder / "all.json").read_text())["rows"]), 2)
        code, _, err = self.run_script("compare_kernels.py", "--build", self.folder, "sofmax")
        self.assertEqual(code, 2)
        self.assertIn("wanted kernels of softmax, got sofmax", err)


class Sampling(unittest.TestCase):
    """The same rules as tests/test_sampling.cpp holds the other side to."""

    def setUp(self):
        self.seconds = 0

    def rest(self, seconds):
        self.seconds += seconds

    def sample(self, times, clocks=None, seconds=0.3):
        """times(n): of the n-th sample, in milliseconds."""
        taken = iter(range(10 ** 6))

        def take():
            time = times(next(taken))
            self.seconds += time / 1e3
            return time

        return sampling.Sampler(clocks, lambda: self.seconds, self.rest).sample(take, seconds, 0.5)

    @unittest.skipUnless("TERN_MADE_UP_NVML" in os.environ, "CTest knows where the made-up library is")
    def test_the_drivers_library(self):
        library = os.environ["TERN_MADE_UP_NVML"]
        clocks = sampling.Nvml("0000:3b:00.0", library)
        self.assertEqual([clocks.read() for _ in range(2)], [(1950, 3201, 0x20), (1935, 3201, 0x20)])
        for bus, name in (("0000:5e:00.0", library), ("0000:ff:00.0", library), ("0000:3b:00.0", "libnone.so.1")):
            with self.assertRaises(OSError):
                sampling.Nvml(bus, name)

    def test_intervals(self):
        for n, low, high in ((1, 1, 1), (5, 1, 5), (6, 1, 6), (9, 2, 8), (20, 6, 15), (100, 40, 61)):
            self.assertEqual(sampling.median_interval(list(range(1, n + 1))), (low, high))

    def test_narrow_and_wide(self):
        self.assertEqual(self.sample(lambda n: 1 + n % 2 / 1000)["samples"], 10)
        wide = self.sample(lambda n: 1 + n % 5)
        self.assertEqual((wide["samples"], wide["us"], wide["p20_us"], wide["p80_us"]), (100, 3, 2, 4))

    def test_lowered_clocks(self):
        class Clocks:
            states = [(1980, 3201, 0)] * 3 + [(1410, 3201, 0x20), (1410, 3201, 0)] + [(1980, 3201, 0)] * 20

            def read(self):
                return self.states.pop(0)

        timing = self.sample(lambda n: 2.0 if n in (3, 4) else 1.0, Clocks())
        self.assertEqual(timing["dropped"], 2)
        self.assertEqual((timing["samples"], timing["high_us"], timing["held_down"]), (10, 1.0, False))

    def test_always_held_down(self):
        class Clocks:
            @staticmethod
            def read():
                return 1200, 3201, 4

        timing = self.sample(lambda n: 1.0, Clocks(), seconds=0.04)
        self.assertTrue(timing["held_down"])
        self.assertEqual(timing["samples"], timing["dropped"])
        self.assertLess(self.seconds, 0.25)


if __name__ == "__main__":
    unittest.main()
