// Starts the gateway under test as its users do: one binary, a fresh data directory, a small configuration, no provider's key.

import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { existsSync, mkdtempSync, openSync, closeSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";

// A debug build on a busy machine of two cores opens its store in well under this.
const READY_MS_MAX = 60_000;
// Nothing streams any more when the tests end: a drain takes no longer.
const STOP_MS_MAX = 20_000;

/** The binary under test: $PORTOLAN_BIN, else the debug build of this workspace. */
function binary() {
  const root = fileURLToPath(new URL("../../..", import.meta.url));
  const path = process.env.PORTOLAN_BIN ?? join(process.env.CARGO_TARGET_DIR ?? join(root, "target"), "debug", "portolan");
  if (!existsSync(path)) throw new Error(`${path} is missing: run \`cargo build\`, or set PORTOLAN_BIN`);
  return path;
}

async function freePort() {
  const probe = createServer().listen(0, "127.0.0.1");
  await once(probe, "listening");
  const { port } = probe.address();
  probe.close();
  await once(probe, "close");
  return port;
}

/** A running `portolan serve` on loopback: `{ key, openaiUrl, openrouterUrl, stop() }`. */
export async function startGateway() {
  const key = `sk-or-v1-${randomBytes(32).toString("hex")}`;
  const listen = `127.0.0.1:${await freePort()}`;
  // Short, because the admin socket lives in it and the paths of sockets are limited.
  const dir = mkdtempSync(join(tmpdir(), "portolan-"));
  const logPath = join(dir, "serve.log");
  const log = openSync(logPath, "a");
  // Built up, not filtered: a provider's key in the caller's environment would switch the simulator off.
  const env = {
    PATH: process.env.PATH,
    HOME: dir,
    XDG_CONFIG_HOME: dir,
    XDG_DATA_HOME: dir,
    PORTOLAN_INIT_API_KEY: key,
    PORTOLAN_ADMIN__LISTEN: `127.0.0.1:${await freePort()}`,
  };
  const config = fileURLToPath(new URL("../portolan.toml", import.meta.url));
  const words = ["serve", "--config", config, "--data-dir", join(dir, "data"), "--listen", listen];
  const child = spawn(binary(), words, { cwd: dir, env, stdio: ["ignore", log, log] });
  closeSync(log);
  const ended = once(child, "exit");
  const lastLines = () => readFileSync(logPath, "utf8").split("\n").slice(-40).join("\n");

  async function stop() {
    const timer = setTimeout(() => child.kill("SIGKILL"), STOP_MS_MAX);
    child.kill("SIGTERM");
    const [status] = child.exitCode === null && child.signalCode === null ? await ended : [child.exitCode];
    clearTimeout(timer);
    rmSync(dir, { recursive: true, force: true });
    return status;
  }

  const deadline = Date.now() + READY_MS_MAX;
  for (;;) {
    const ready = await fetch(`http://${listen}/readyz`).then((answer) => answer.status === 200, () => false);
    if (ready) return { key, openaiUrl: `http://${listen}/v1`, openrouterUrl: `http://${listen}/api/v1`, lastLines, stop };
    if (child.exitCode !== null || Date.now() > deadline) {
      const lines = lastLines();
      await stop();
      throw new Error(`serve is not ready:\n${lines}`);
    }
    await pause(50);
  }
}
