#!/usr/bin/env python3
"""Holds every room's includes to the rooms it depends on.

The rooms, their order and what each may include are the gemmetry_room(NAME DEPENDS ...) lines of CMakeLists.txt.
Prints file:line for each include that breaks a rule and exits 1.
"""
import re
import sys
from pathlib import Path

ROOM = re.compile(r"^gemmetry_room\((\w+)([^)]*)\)", re.MULTILINE)
INCLUDE = re.compile(r'^\s*#\s*include\s*(["<])([^">]+)[">]')
KEYWORDS = {"DEPENDS", "FOLDERS", "LINK", "EMBED"}


def read_rooms(cmake_text):
    """The rooms in their order, each with the list of rooms it may include."""
    rooms = {}
    for name, arguments in ROOM.findall(cmake_text):
        depends, keyword = [], None
        for word in arguments.split():
            if word in KEYWORDS:
                keyword = word
            elif keyword == "DEPENDS":
                depends.append(word)
        rooms[name] = depends
    return rooms


def check_order(rooms):
    """A room that depends only on rooms above it can be part of no cycle."""
    above = set()
    for name, depends in rooms.items():
        for other in depends:
            if other not in above:
                yield f"CMakeLists.txt: room '{name}' depends on '{other}', which is not above it"
        above.add(name)


def check_file(path, room, rooms, root):
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        found = INCLUDE.match(line)
        if not found:
            continue
        bracket, header = found.groups()
        where = f"{path.relative_to(root)}:{number}"
        parts = header.split("/")
        if parts[0] != "gemmetry":
            if bracket == '"':
                yield f'{where}: "{header}": write the full path, "gemmetry/<room>/...", or <...> for another library'
        elif bracket == "<":
            yield f'{where}: <{header}>: write "{header}"'
        elif len(parts) < 3 or parts[1] not in rooms:
            yield f'{where}: "{header}" is in no room'
        elif parts[1] != room and parts[1] not in rooms[room]:
            allowed = ", ".join(rooms[room]) or "nothing"
            yield f"{where}: room '{room}' may not include '{parts[1]}' (\"{header}\"); it may include: {allowed}"


def check(root):
    rooms = read_rooms((root / "CMakeLists.txt").read_text(encoding="utf-8"))
    yield from check_order(rooms)
    source = root / "src" / "gemmetry"
    for path in sorted(source.rglob("*")):
        if path.suffix not in {".h", ".cpp", ".cu"}:
            continue
        room = path.relative_to(source).parts[0]
        if room in rooms:
            yield from check_file(path, room, rooms, root)
        else:
            yield f"{path.relative_to(root)}: '{room}' is no room; add a gemmetry_room line to CMakeLists.txt"


def main():
    root = Path(sys.argv[1] if len(sys.argv) > 1 else Path(__file__).parent.parent).resolve()
    complaints = list(check(root))
    for complaint in complaints:
        print(complaint, file=sys.stderr)
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main())
