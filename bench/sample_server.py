"""Our sampler in a process of its own, for benchmarks that alternate with it."""
import os
import subprocess


class Server:
    """Our sampler in a process of its own: text lines in, text lines out."""

    def __init__(self, path):
        self.process = subprocess.Popen([path, "cuda", os.path.dirname(path) or "."], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1)

    def ask(self, line):
        self.process.stdin.write(line + "\n")
        answer = self.process.stdout.readline()
        if not answer:
            raise RuntimeError(f"the server ended at: {line}")
        word, _, rest = answer.strip().partition(" ")
        if word != "ok":
            raise RuntimeError(f"{line}: {rest}")
        return rest

    def add(self, kind, key="", **fields):
        """Plans, fills and verifies an operator; gives its number."""
        words = [f"{name}={value}" for name, value in fields.items()]
        return int(self.ask(" ".join(["add", kind, *words, *([f"key={key}"] if key else [])])))

    def bytes(self, number):
        """Compulsory bytes of one execution."""
        return float(self.ask(f"bytes {number}"))

    def tune(self, kind, **fields):
        """The key of the best algorithm."""
        return self.ask(" ".join(["tune", kind, *[f"{name}={value}" for name, value in fields.items()]]))

    def sample(self, number):
        return float(self.ask(f"sample {number}"))

    def drop(self, number):
        self.ask(f"drop {number}")
