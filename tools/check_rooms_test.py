#!/usr/bin/env python3
"""Tests of check_rooms.py on small trees."""
import tempfile
import unittest
from pathlib import Path

from check_rooms import check

CMAKE = """
gemmetry_room(base LINK fmt)
gemmetry_room(shape DEPENDS base
              EMBED models)
gemmetry_room(op DEPENDS base shape)
gemmetry_room(report DEPENDS base)
"""


class CheckRooms(unittest.TestCase):
    def complaints(self, files, cmake=CMAKE):
        with tempfile.TemporaryDirectory() as folder:
            root = Path(folder)
            (root / "CMakeLists.txt").write_text(cmake)
            for name, text in files.items():
                path = root / "src" / "gemmetry" / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text)
            return list(check(root.resolve()))

    def test_rooms_above_are_fine(self):
        self.assertEqual(self.complaints({"op/gemm.h": '#include <vector>\n#include "gemmetry/shape/model.h"\n'}), [])

    def test_a_room_below_is_not(self):
        (complaint,) = self.complaints({"shape/model.h": '#pragma once\n#include "gemmetry/op/gemm.h"\n'})
        self.assertTrue(complaint.startswith("src/gemmetry/shape/model.h:2: room 'shape' may not include 'op'"))

    def test_a_room_above_that_is_not_listed_is_not(self):
        (complaint,) = self.complaints({"report/table.cpp": '#include "gemmetry/op/gemm.h"\n'})
        self.assertIn("it may include: base", complaint)

    def test_headers_are_named_in_full(self):
        self.assertEqual(len(self.complaints({"op/gemm.cpp": '#include "gemm.h"\n#include <gemmetry/op/gemm.h>\n'})), 2)

    def test_unknown_rooms_are_named(self):
        self.assertIn("'attic' is no room", self.complaints({"attic/box.h": ""})[0])
        self.assertIn("is in no room", self.complaints({"op/gemm.h": '#include "gemmetry/attic/box.h"\n'})[0])

    def test_a_cycle_of_rooms_is_refused(self):
        (complaint,) = self.complaints({}, "gemmetry_room(a DEPENDS b)\ngemmetry_room(b DEPENDS a)\n")
        self.assertIn("room 'a' depends on 'b'", complaint)


if __name__ == "__main__":
    unittest.main()
