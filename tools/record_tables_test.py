#!/usr/bin/env python3
"""Tests of record_tables.py on records made up so that the answers are known."""
import contextlib
import csv
import io
import tempfile
import unittest
from pathlib import Path

import record_tables
from tables import algorithms, attention, clocks, memory, origin, page, products, records, waves

ORDINARY = {"clocks": "burst", "policy": "first", "launch": "graph", "cache": "cold", "take": 0, "status": "ok",
            "gpu": "h200", "held_out": "false"}
SETTINGS = ("clocks", "policy", "launch", "cache", "take", "status", "reason", "time_s", "power_w", "gpu", "held_out")


def record(kind, time_s=1e-3, **fields):
    """One as it comes from a file: every value a text."""
    row = {"kind": kind, **ORDINARY, "time_s": time_s, **fields}
    operator = ["kind"] + [name for name in fields if name not in SETTINGS and not name.startswith("algorithm.")]
    return records.Record({name: records.text_of(value) for name, value in row.items()}, operator)


def gemm(m, n, k, tflops=None, **fields):
    """A bf16 product of a rate, or of fields["time_s"]."""
    batch = fields.setdefault("batch", 1)
    if tflops:
        fields["time_s"] = 2 * batch * m * n * k / tflops / 1e12
    return record("gemm", m=m, n=n, k=k, **{"dtype": "bf16", "layout": "nt", "epilogue": "none", **fields})


class Gpu:
    facts = {"sms": 100, "bandwidth": 4.8e12, "boost_clock_hz": 1830e6}

    @staticmethod
    def peak_tflops(_dtype):
        return 1000


def written(section, given):
    made = page.Page()
    section(made, given, Gpu)
    return made.text()


class Numbers(unittest.TestCase):
    def test_quantiles_are_linear_between_values(self):
        self.assertEqual(page.median([4, 1, 2, 3]), 2.5)
        self.assertEqual(page.quantile([10, 20, 30], 0.9), 28)
        self.assertEqual(page.quantile([7], 0.1), 7)

    def test_numbers_have_three_digits_and_no_exponent(self):
        self.assertEqual([page.number(value) for value in (0, 0.00123456, 4.5678, 989.4, 12345.6)],
                         ["0", "0.00123", "4.57", "989", "12,346"])

    def test_an_edge_belongs_to_the_band_above(self):
        bands = page.Bands((10, 20), ("low", "middle", "high"))
        self.assertEqual([bands.of(value) for value in (9, 10, 19, 20)], ["low", "middle", "middle", "high"])

    def test_sentences_wrap_and_tables_say_what_they_are_made_of(self):
        made = page.Page()
        made.say("word " * 60)
        made.table(["a", "b"], [["x", 1]], "records of this test", 1234)
        self.assertLessEqual(max(map(len, made.text().splitlines())), 120)
        self.assertIn("| a | b |\n| --- | --: |\n| x | 1 |\n\nMade of 1,234 records: records of this test.",
                      made.text())


class Work(unittest.TestCase):
    def test_flop(self):
        self.assertEqual(records.flop(gemm(2, 3, 5, batch=7)), 420)
        fused = {"batch": 2, "queries": 4, "keys": 4, "heads": 3, "kv_heads": 1, "head_dim": 8, "dtype": "bf16"}
        self.assertEqual(records.flop(record("attention", **fused, causal=False, backward=False)), 2 * 3 * 16 * 4 * 8)
        self.assertEqual(records.flop(record("attention", **fused, causal=True, backward=False)), 2 * 3 * 10 * 4 * 8)
        self.assertEqual(records.flop(record("attention", **fused, causal=True, backward=True)), 2 * 3 * 10 * 10 * 8)
        self.assertEqual(records.cache_bytes(record("attention", **fused)), 2 * 4 * 1 * 16 * 2)

    def test_bytes(self):
        def moved(kind, **fields):
            return records.moved_bytes(record(kind, **{"dtype": "bf16", "backward": False, **fields}))
        self.assertEqual(moved("norm", rows=3, width=5, norm="rms_norm"), 60)
        self.assertEqual(moved("softmax", rows=3, columns=5, backward=True), 90)
        self.assertEqual(moved("activation", rows=3, width=5, gated=True), 90)
        self.assertEqual(moved("activation", rows=3, width=5, gated=True, backward=True), 150)
        self.assertEqual(moved("residual", rows=3, width=5, dropout=True), 105)
        self.assertEqual(moved("rotary", tokens=2, heads=3, dim=4), 96)
        self.assertEqual(moved("embedding", tokens=2, width=4), 48)
        self.assertEqual(moved("cross_entropy", rows=2, vocab=10), 64)
        self.assertEqual(moved("optimizer", parameters=10), 280)
        self.assertEqual(moved("optimizer", parameters=10, dtype="fp32"), 280)
        self.assertEqual(moved("pointwise", elements=10, read_bytes=2, write_bytes=0.5), 25)


class Products(unittest.TestCase):
    def test_rows_of_16_bytes_are_aligned(self):
        self.assertTrue(products.aligned(gemm(1, 8, 8)))
        self.assertFalse(products.aligned(gemm(8, 4, 8)))
        self.assertFalse(products.aligned(gemm(1, 8, 8, layout="tn")))
        self.assertTrue(products.aligned(gemm(8, 8, 1, layout="tn")))
        self.assertFalse(products.aligned(gemm(8, 8, 8, dtype="fp8")))
        self.assertTrue(products.aligned(gemm(8, 8, 16, dtype="fp8")))

    def test_every_product_has_one_class(self):
        shapes = {"batched": gemm(64, 64, 64, batch=2), "misaligned": gemm(4096, 4095, 4096),
                  "decode": gemm(1, 4096, 4096), "skinny": gemm(4096, 64, 4096), "training": gemm(4096, 4096, 4096)}
        for name, product in shapes.items():
            self.assertEqual(products.product_class(product), name)

    def test_alignment_shows_what_an_odd_size_leaves(self):
        given = [gemm(2048, 2048, 64 * i, tflops=800) for i in range(16, 20)]
        for step in (1, 2):
            given += [gemm(2048 + step * i, 2048, 2048, tflops=800) for i in (1, 3, 5)]
            given += [gemm(2048, 2048 + step * i, 2048, tflops=200 * step) for i in (1, 3, 5)]
            given += [gemm(2048, 2048, 2048 + step * i, tflops=200 * step) for i in (1, 3, 5)]
        given += [gemm(2049, 2049, 2048, tflops=1), gemm(512, 2049, 2048, tflops=1)]  # two odd; too small
        text = written(products.alignment, given)
        self.assertIn("100 % is 800 TFLOP/s, 80 % of the datasheet's peak.", text)
        self.assertIn("| divides | m | n | k |\n| --- | --: | --: | --: |\n| 1 | 100 % (3) | 25 % (3) | 25 % (3) |\n"
                      "| 2 | 100 % (3) | 50 % (3) | 50 % (3) |\n| 4 |  |  |  |\n", text)
        self.assertIn("| divides | bf16 along rows | bf16 across |\n| --- | --: | --: |\n| 1 | 25 % (6) | 100 % (3) |",
                      text)
        self.assertIn("a tenth or more is lost: bf16 up to 2 elements (4 bytes).", text)
        self.assertIn("Made of 22 records: bf16 nt products", text)

    def test_best_and_typical_rates_are_of_large_products(self):
        given = [gemm(2048, 2048, 2048 + 8 * i, tflops=700 + i) for i in range(5)]
        given.append(gemm(2048, 2048, 1024, tflops=900))
        self.assertIn("| bf16 | burst | first | 5 | 704 | 2048x2048x2080 nt | 700 | 702 | 704 | 70 % | 70 % |",
                      written(products.rates, given))


class Algorithms(unittest.TestCase):
    def test_gains_pair_the_same_product(self):
        given = []
        for i, gain in enumerate((1.0, 1.02, 1.1, 1.3)):
            given += [gemm(4096, 4096, 64 * (i + 16), time_s=gain * 1e-3),
                      gemm(4096, 4096, 64 * (i + 16), time_s=1e-3, policy="tuned", **{"algorithm.id": i})]
        given.append(gemm(4096, 4096, 8192, time_s=1, policy="tuned"))
        self.assertIn("| training | 4 | 0 % | 75 % | 50 % | 25 % | 1.099x | 1.060x | 1.270x | 1.300x | 1.000x |",
                      written(algorithms.default_against_best, given))

    def test_choices_are_shares_of_a_class(self):
        chosen = {"algorithm.library": "cublasLt", "algorithm.tile_m": 128, "algorithm.tile_n": 256}
        given = [gemm(4096, 4096, 4096 + 64 * i, tflops=700, **{**chosen, "algorithm.split_k": 1 + i // 3})
                 for i in range(4)]
        text = written(algorithms.choices, given)
        self.assertIn("| Tiles (m x n) | training (4) |", text)
        self.assertIn("| 128x256 | 100.0 % |", text)
        self.assertIn("| 1 | 75.0 % |\n| 2 | 25.0 % |", text)
        self.assertIn("| - | 100.0 % |", text)


class Waves(unittest.TestCase):
    def series(self, visible):
        """Tiles of 128 x 128 on 100 SMs, whose time follows the whole waves to the given part."""
        for m in range(1024, 8192, 128):
            number = (m // 128) * 16 / 100
            time_s = 2e-6 + 1e-5 * (number + visible * (waves.math.ceil(number) - number))
            yield gemm(m, 2048, 2048, time_s=time_s, **{"algorithm.tile_m": 128, "algorithm.tile_n": 128})

    def test_the_coefficient_is_found(self):
        for visible in (0, 0.3, 1):
            found, error = waves.coefficient([waves.fitted(list(self.series(visible)), 100)])
            self.assertAlmostEqual(found, visible, 5)
            self.assertLess(error, 1e-5)

    def test_it_is_not_found_where_nothing_can_be_told(self):
        self.assertIsNone(waves.coefficient([]))
        whole = [gemm(m, 12800, 2048, time_s=m * 1e-8, **{"algorithm.tile_m": 128, "algorithm.tile_n": 128})
                 for m in range(128, 1280, 128)]
        self.assertIsNone(waves.coefficient([waves.fitted(whole, 100)]))

    def test_the_library_s_number_tells_how_the_tile_lies(self):
        wide = [gemm(128, 25600, 2048, time_s=1e-3, **{"algorithm.tile_m": 64, "algorithm.tile_n": 256,
                                                       "algorithm.waves": 2}) for _ in range(3)]
        self.assertIn("for 100 % (100 % if", waves.orientation_sentence(wide, 100))
        self.assertIn("the tile is as recorded", waves.orientation_sentence(wide, 100))

    def test_a_full_last_wave_is_full(self):
        self.assertEqual(waves.last_fill(3), 1)
        self.assertEqual(waves.last_fill(2.25), 0.25)


class Clocks(unittest.TestCase):
    def test_the_same_operator_is_compared(self):
        given = []
        for k, power, slower in ((1024, 150, 1.0), (2048, 650, 1.25)):
            given += [gemm(4096, 4096, k, time_s=1e-4),
                      gemm(4096, 4096, k, time_s=slower * 1e-4, clocks="sustained", power_w=power)]
        text = written(clocks.sustained, given)
        self.assertIn("1.000x where a long run draws under 200 W and 1.250x where it draws 600 W and more",
                      " ".join(text.split()))
        self.assertIn("| gemm bf16 | 2 | 1.025x | 1.125x | 1.225x |", text)


class Attention(unittest.TestCase):
    def test_the_three_parts_are_found_by_their_sizes(self):
        fused = record("attention", 1e-4, batch=2, queries=1024, keys=1024, heads=8, kv_heads=2, head_dim=64,
                       value_dim=64, window=0, causal=True, backward=False, dtype="bf16")
        parts = [gemm(1024, 1024, 64, batch=16, time_s=1e-4), gemm(1024, 64, 1024, batch=16, time_s=2e-4, layout="nn"),
                 record("softmax", 3e-4, rows=16 * 1024, columns=1024, masked=True, backward=False, dtype="bf16")]
        other = gemm(1024, 1024, 64, batch=8, time_s=1)
        text = written(attention.fused_against_unfused, [fused, other, *parts])
        self.assertIn("| 1024 | 16 | 64 | 100 | 100 | 300 | 200 | 6.00x |", text)
        self.assertNotIn("6.00x", written(attention.fused_against_unfused, [fused, other, *parts[:2]]))

    def test_decode_is_the_cache_over_the_time(self):
        given = [record("attention", 1e-3, batch=4, queries=1, keys=4096, heads=32, kv_heads=8, head_dim=128,
                        value_dim=128, window=0, causal=True, backward=False, dtype="bf16") for _ in range(3)]
        text = written(attention.decode, given)
        self.assertIn("| 2048 to 8191 | 0.0671 (3) |", text)  # 4 x 4096 x 8 x 256 x 2 bytes
        self.assertIn("| 16 to 256 MiB |  | 0.0671 (3) |  |", text)


class Memory(unittest.TestCase):
    def copy(self, elements, time_s):
        return record("pointwise", time_s, function="copy", elements=elements, read_bytes=2, write_bytes=2)

    def test_a_kernel_is_laid_beside_a_copy_of_as_many_bytes(self):
        copies = [self.copy(2**20, 2e-6), self.copy(2**24, 32e-6), self.copy(2**28, 512e-6)]
        kernel = record("norm", 4e-4, rows=2**14, width=2**12, norm="rms_norm", backward=False, dtype="bf16")
        text = written(memory.row_wise, copies + [kernel])
        self.assertIn("under 80 % of the copy's speed for norm rms_norm (32 %).", " ".join(text.split()))
        self.assertIn("| norm rms_norm |  |  |  | 32 % (1) |  |", text)

    def test_launches_are_copies_of_a_few_elements(self):
        given = [record("pointwise", time_s, function="copy", elements=1, read_bytes=2, write_bytes=2, launch=launch)
                 for launch, time_s in (("graph", 2e-6), ("stream", 3.2e-6))] + [self.copy(8192, 1)]
        text = written(memory.launches, given)
        self.assertIn("| 1 | 2.00 (1) | 3.20 (1) |", text)


class LeftOut(unittest.TestCase):
    def test_untrusted_records_are_in_no_table_but_listed(self):
        bad = gemm(4096, 4096, 4096, time_s=1e-9, status="untrusted", reason="above the peak | twice")
        skipped = [gemm(2**20, 2**20, k, time_s="", status="skipped", reason=f"{k} GB needed") for k in (200, 300)]
        self.assertEqual(records.usable([bad] + skipped), [])
        text = written(lambda made, given, _gpu: origin.left_out(made, given), [bad] + skipped)
        self.assertIn("| skipped | gemm | N GB needed | 2 |", text)
        self.assertIn("m=4096 n=4096 k=4096", text)
        self.assertIn("untrusted, above the peak / twice", " ".join(text.split()))


class Program(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        self.out = self.folder / "page.md"

    def write(self, name, rows, operator=("kind", "batch", "m", "n", "k", "dtype", "layout", "epilogue")):
        with open(self.folder / name, "w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, [*operator, *SETTINGS], extrasaction="ignore")
            writer.writeheader()
            writer.writerows(rows)

    def run_it(self, *more):
        errors = io.StringIO()
        with contextlib.redirect_stderr(errors):
            code = record_tables.main([str(self.folder), "--out", str(self.out), *more])
        return code, errors.getvalue()

    def test_the_page_is_written_and_checked(self):
        self.write("gemm.csv", [gemm(2048, 2048, 2048, tflops=700)])
        self.assertEqual(self.run_it("--check")[0], 1)
        self.assertFalse(self.out.exists())
        self.assertEqual(self.run_it(), (0, ""))
        self.assertEqual(self.run_it("--check"), (0, ""))
        self.assertIn("# NVIDIA H200 SXM 141 GB, recorded", self.out.read_text(encoding="utf-8"))
        self.write("more.csv", [gemm(2048, 2048, 4096, tflops=700)])
        code, error = self.run_it("--check")
        self.assertEqual(code, 1)
        self.assertIn("is out of date: run tools/record_tables.py", error)

    def test_the_page_does_not_hang_on_which_columns_a_file_leaves_out(self):
        self.write("gemm.csv", [gemm(2048, 2048, 2048, tflops=700), gemm(2048, 2048, 2048, tflops=710, policy="tuned")])
        self.run_it()
        text = self.out.read_text(encoding="utf-8")
        self.write("gemm.csv", [gemm(2048, 2048, 2048, tflops=700)],
                   ("kind", "batch", "m", "n", "k", "dtype", "layout", "epilogue", "queries", "heads"))
        self.write("tuned.csv", [gemm(2048, 2048, 2048, tflops=710, policy="tuned")])
        self.run_it()
        self.assertEqual(self.out.read_text(encoding="utf-8"), text)

    def test_what_cannot_be_read_is_said(self):
        self.assertEqual(self.run_it()[0], 2)
        (self.folder / "other.csv").write_text("a,b\n1,2\n", encoding="utf-8")
        code, error = self.run_it()
        self.assertEqual(code, 2)
        self.assertIn("no column 'clocks'", error)
        (self.folder / "other.csv").unlink()
        self.write("gemm.csv", [gemm(2048, 2048, 2048, tflops=700, gpu="abacus")])
        self.assertEqual(self.run_it()[0], 2)


if __name__ == "__main__":
    unittest.main()
