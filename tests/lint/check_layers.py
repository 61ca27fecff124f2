#!/usr/bin/python3
"""Hold every #include to layers.txt.

Usage: check_layers.py SOURCE_ROOT

Checked: which folder includes which; that layers.txt itself goes in no circle;
that no headers include each other in a circle; which file may touch which
third-party library; headers that must not leave their folder; that every
quoted include can be placed.  Prints each violation as file:line and exits 1
if there is one.
"""
import pathlib
import re
import sys

INCLUDE = re.compile(r'^\s*#\s*include\s+([<"])([^>"]+)[>"]')
ROOTS = ("", "daemon/")                 # what -I offers, in order
GENERATED = (".pb-c.h", ".gen.h")
CHECKED = ("proto", "daemon", "client", "bench")


def read_rules(path):
    rules = {}
    for text in path.read_text().splitlines():
        text = text.split("#")[0].strip()
        if text:
            left, _, right = text.partition(" :")
            rules[left.strip()] = right.split()
    return rules


def circle(graph):
    """Return one circle of the graph as a list of its nodes, or None."""
    state = {}

    def visit(node, path):
        if state.get(node) == "done":
            return None
        if node in path:
            return path[path.index(node):] + [node]
        for after in graph.get(node, ()):
            if (found := visit(after, path + [node])):
                return found
        state[node] = "done"
        return None

    for node in list(graph):
        if (found := visit(node, [])):
            return found
    return None


class Checker:
    def __init__(self, root):
        self.root = root
        rules = read_rules(root / "tests/lint/layers.txt")
        self.private = rules.pop("private", [])
        self.library = {k: v for k, v in rules.items() if k[0] == "<"}
        self.folder = {k: v for k, v in rules.items() if k[0] != "<"}
        self.headers = {}
        self.errors = []

    def place(self, home, target):
        for base in ROOTS:
            if (self.root / (base + target)).is_file():
                return base + target
        if (self.root / home / target).is_file():
            return f"{home}/{target}"
        return None

    def system(self, where, name, home, target):
        for prefix, users in self.library.items():
            if f"<{target}>".startswith(prefix) and not {name, home} & set(users):
                self.errors.append(f"{where}: {name} may not use <{target}>")

    def quoted(self, where, name, home, target):
        if target.endswith(GENERATED):
            return
        hit = self.place(home, target)
        if hit is None:
            self.errors.append(f"{where}: cannot place \"{target}\"")
            return
        there = hit.rpartition("/")[0]
        if there != home and there not in self.folder[home]:
            self.errors.append(f"{where}: {home} may not include {hit}")
        if there != home and hit in self.private:
            self.errors.append(f"{where}: {hit} is private to {there}")
        if name.endswith(".h"):
            self.headers.setdefault(name, []).append(hit)

    def file(self, path):
        name = path.relative_to(self.root).as_posix()
        home = name.rpartition("/")[0]
        if home not in self.folder:
            self.errors.append(f"{name}:1: the folder {home} is not in layers.txt")
            return
        for number, text in enumerate(path.read_text().splitlines(), 1):
            if (match := INCLUDE.match(text)):
                check = self.system if match[1] == "<" else self.quoted
                check(f"{name}:{number}", name, home, match[2])

    def run(self):
        files = [p for top in CHECKED for p in (self.root / top).rglob("*.[ch]")]
        for path in sorted(files):
            self.file(path)
        for what, graph in (("layers.txt", self.folder), ("headers", self.headers)):
            if (found := circle(graph)):
                self.errors.append(f"{what}: a circle: {' -> '.join(found)}")
        print("\n".join(self.errors) or
              f"layers: {len(self.folder)} folders, {len(files)} files, no violation")
        return 1 if self.errors or not files else 0


if __name__ == "__main__":
    sys.exit(Checker(pathlib.Path(sys.argv[1]).resolve()).run())
