#!/usr/bin/python3
"""Hold the sources to what STYLE.md says and a compiler does not check.

Usage: check_style.py SOURCE_ROOT

Checked: calls that are not made, lines over 80 columns, tabs, functions above
100 lines, .c files above 600 lines, and marks of things left undone.
"""
import pathlib
import re
import sys

CHECKED = ("proto", "daemon", "client", "bench")
BANNED = re.compile(r"\b(strcpy|strcat|sprintf|vsprintf|gets|atoi|atol|strtok|"
                    r"alloca|system|popen|tmpnam|mktemp)\s*\(")
UNDONE = re.compile(r"\b(TO" r"DO|FIX" r"ME|X" r"XX|HA" r"CK)\b")
NAME = re.compile(r"^([a-z_0-9]+)\(")
FUNCTION_MAX, FILE_MAX, COLUMNS = 100, 600, 80


def check_lines(name, lines, errors):
    for number, text in enumerate(lines, 1):
        where = f"{name}:{number}"
        if (match := BANNED.search(text)):
            errors.append(f"{where}: {match[1]}() is not called here")
        if UNDONE.search(text):
            errors.append(f"{where}: something is left undone")
        if len(text) > COLUMNS:
            errors.append(f"{where}: {len(text)} columns")
        if "\t" in text:
            errors.append(f"{where}: a tab")


def check_functions(name, lines, errors):
    begin, function = None, None
    for number, text in enumerate(lines, 1):
        if (match := NAME.match(text)):
            function = match[1]
        elif text == "{":
            begin = number
        elif text == "}" and begin is not None:
            if number - begin > FUNCTION_MAX:
                errors.append(f"{name}:{begin}: {function}() has "
                              f"{number - begin} lines")
            begin = None


def main(root):
    errors, files = [], []
    for top in CHECKED:
        files += sorted((root / top).rglob("*.[ch]"))
    for path in files:
        name = path.relative_to(root).as_posix()
        lines = path.read_text().splitlines()
        check_lines(name, lines, errors)
        if name.endswith(".c"):
            check_functions(name, lines, errors)
            if len(lines) > FILE_MAX:
                errors.append(f"{name}:1: {len(lines)} lines")
    print("\n".join(errors) or f"style: {len(files)} files, no violation")
    return 1 if errors or not files else 0


if __name__ == "__main__":
    sys.exit(main(pathlib.Path(sys.argv[1]).resolve()))
