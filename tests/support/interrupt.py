#!/usr/bin/python3
"""Interrupt `vouch publish` while it uploads, with standard error on a
terminal and in a file: it must end as if by the signal, with a word on what
to do and a clean line, and nothing may be published.

The variables of an association's environment must be set."""

import os
import pty
import re
import select
import signal
import subprocess
import sys
import time

HEADER = b"credential_type,number,family,birth_date,status\n"
SECONDS = 30


def begin(stderr, *flags):
    return subprocess.Popen(
        ["vouch", "publish", "-", "--association", "ascp-boc", *flags],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=stderr)


def feed(process, first, rows):
    process.stdin.write(b"".join(
        b"ascp-pbt,%d,Interrupted,1990,ACTIVE\n" % number
        for number in range(first, first + rows)))
    process.stdin.flush()


def read_now(terminal, seconds):
    text = b""
    while select.select([terminal], [], [], seconds)[0]:
        try:
            some = os.read(terminal, 4096)
        except OSError:
            break
        if not some:
            break
        text += some
    return text


def on_a_terminal(number, *flags):
    """Feed until a line of progress shows, or two seconds if --quiet."""
    ours, theirs = pty.openpty()
    process = begin(theirs, *flags)
    os.close(theirs)
    process.stdin.write(HEADER)
    text, first, end = b"", 1000000, time.monotonic() + SECONDS
    quiet_end = time.monotonic() + 2
    while b"rows" not in text and time.monotonic() < end and not (
            flags and time.monotonic() > quiet_end):
        feed(process, first, 1000)
        first += 1000
        text += read_now(ours, 0.05)
    process.send_signal(number)
    process.wait(SECONDS)
    text += read_now(ours, 0.2)
    os.close(ours)
    process.stdin.close()
    assert process.stdout.read() == b""
    process.stdout.close()
    return process.returncode, text.decode()


def look(code, text, number):
    assert code == -number, (code, text)
    found = re.search(r"--request-id ([0-9a-f-]{36})", text)
    assert "interrupted" in text and found, text
    shown = subprocess.run(["vouch", "publication", "show", found[1]],
                           stdout=subprocess.DEVNULL,
                           stderr=subprocess.DEVNULL, check=False)
    assert shown.returncode == 8, shown.returncode


def main():
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        code, text = on_a_terminal(number)
        look(code, text, number)
        assert re.search(r"\r\x1b\[K\d+ rows, \d+/s", text), text
        # What is left on the last line is the word, not the progress.
        assert "\r\x1b[Kvouch publish: interrupted\r\n" in text, text
    code, text = on_a_terminal(signal.SIGINT, "--quiet")
    look(code, text, signal.SIGINT)
    assert "rows" not in text and "\x1b" not in text, text

    with open(sys.argv[1], "wb+") as file:
        process = begin(file)
        process.stdin.write(HEADER)
        feed(process, 1000000, 3000)
        time.sleep(0.5)
        process.send_signal(signal.SIGINT)
        process.wait(SECONDS)
        process.stdin.close()
        process.stdout.close()
        file.seek(0)
        text = file.read().decode()
        look(process.returncode, text, signal.SIGINT)
        assert "\x1b" not in text, text


if __name__ == "__main__":
    main()
