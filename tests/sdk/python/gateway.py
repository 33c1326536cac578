"""Starts the gateway under test as its users do: one binary, a fresh data directory, a small configuration, no provider's key."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

# A debug build on a busy machine of two cores opens its store in well under this.
READY_SECONDS_MAX = 60
# Nothing streams any more when a test ends its gateway: a drain takes no longer.
STOP_SECONDS_MAX = 20


def binary() -> Path:
    """The binary under test: $PORTOLAN_BIN, else the debug build of this workspace."""
    root = Path(__file__).resolve().parents[3]
    target = Path(os.environ.get("CARGO_TARGET_DIR", root / "target"))
    path = Path(os.environ.get("PORTOLAN_BIN", target / "debug" / "portolan"))
    if not path.is_file():
        raise FileNotFoundError(f"{path} is missing: run `cargo build`, or set PORTOLAN_BIN")
    return path


def new_key() -> str:
    return "sk-or-v1-" + secrets.token_hex(32)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Gateway:
    """A `portolan serve` on loopback. Its directory outlives a restart and is removed by `close`."""

    def __init__(self, key: str | None = None) -> None:
        self.key = key
        # Short, because the admin socket lives in it and the paths of sockets are limited.
        self.dir = Path(tempfile.mkdtemp(prefix="portolan-"))
        self.data_dir = self.dir / "data"
        self.log = self.dir / "serve.log"
        self.origin = ""
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def openrouter_url(self) -> str:
        return f"{self.origin}/api/v1"

    @property
    def openai_url(self) -> str:
        return f"{self.origin}/v1"

    def environment(self) -> dict[str, str]:
        # Built up, not filtered: a provider's key in the caller's environment would switch the simulator off.
        home = str(self.dir)
        env = {"PATH": os.environ["PATH"], "HOME": home, "XDG_CONFIG_HOME": home, "XDG_DATA_HOME": home}
        if self.key:
            env["PORTOLAN_INIT_API_KEY"] = self.key
        return env

    def start(self) -> Gateway:
        self.origin = f"http://127.0.0.1:{free_port()}"
        config = Path(__file__).resolve().parents[1] / "portolan.toml"
        command = [str(binary()), "serve", "--config", str(config), "--data-dir", str(self.data_dir), "--listen", self.origin.removeprefix("http://")]
        env = self.environment() | {"PORTOLAN_ADMIN__LISTEN": f"127.0.0.1:{free_port()}"}
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(command, cwd=self.dir, env=env, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        deadline = time.monotonic() + READY_SECONDS_MAX
        while not self.ready():
            if self.process.poll() is not None:
                raise RuntimeError(f"serve ended with status {self.process.returncode}:\n{self.log_tail()}")
            if time.monotonic() > deadline:
                self.stop()
                raise TimeoutError(f"serve is not ready after {READY_SECONDS_MAX} s:\n{self.log_tail()}")
            time.sleep(0.05)
        return self

    def ready(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.origin}/readyz", timeout=5) as answer:
                return answer.status == 200
        except (urllib.error.URLError, OSError):
            return False

    def stop(self) -> int:
        """Drains it and answers its exit status."""
        assert self.process is not None, "it was not started"
        self.process.terminate()
        try:
            return self.process.wait(STOP_SECONDS_MAX)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise

    def close(self) -> None:
        try:
            if self.process is not None and self.process.poll() is None:
                self.stop()
        finally:
            shutil.rmtree(self.dir, ignore_errors=True)

    def log_tail(self, lines: int = 40) -> str:
        text = self.log.read_text(errors="replace") if self.log.exists() else ""
        return "\n".join(text.splitlines()[-lines:])

    def cli(self, *words: str, stdin: str | None = None) -> subprocess.CompletedProcess[str]:
        """Runs `portolan ...` on the same data directory, beside the server where one runs."""
        command = [str(binary()), *words, "--data-dir", str(self.data_dir)]
        return subprocess.run(command, cwd=self.dir, env=self.environment(), input=stdin, capture_output=True, text=True, timeout=60)

    def cli_json(self, *words: str, stdin: str | None = None) -> dict:
        """The same with --json: only JSON may stand on standard output."""
        done = self.cli(*words, "--json", stdin=stdin)
        assert done.returncode == 0, f"{words}: status {done.returncode}\n{done.stdout}\n{done.stderr}"
        return json.loads(done.stdout)

    def create_key(self, name: str, *words: str) -> tuple[str, str]:
        """A new key and its hash."""
        made = self.cli_json("keys", "create", "--name", name, *words)
        return made["key"], made["data"]["hash"]
