// The centre under test: the real binary with the demo city, on a port that was free.
import { spawn } from "node:child_process";
import { createWriteStream, mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

const PATIENCE = 240_000;

function freePort() {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}

// Starts `binary up --demo`; gives its address, and `stop`, which also takes its data away.
export async function start(binary, log) {
  const port = await freePort();
  const data = mkdtempSync(join(tmpdir(), "cozum-browser-"));
  const off = ["FILING", "TRACKING", "PUBLIC", "KEYS", "SIGN_IN"].map((it) => [`COZUM_LIMIT_${it}`, "off"]);
  // One person files, tracks and signs in as everybody here: the limits have tests of their own.
  const env = { PATH: process.env.PATH, HOME: process.env.HOME, TMPDIR: tmpdir(), ...Object.fromEntries(off) };
  const listen = `127.0.0.1:${port}`;
  const child = spawn(binary, ["up", "--demo", "--data", data, "--listen", listen], { env, stdio: ["ignore", "pipe", "pipe"] });
  const written = createWriteStream(log);
  child.stdout.pipe(written);
  child.stderr.pipe(written);
  const ended = new Promise((resolve) => child.once("exit", resolve));
  const stop = async () => {
    child.kill("SIGTERM");
    const late = setTimeout(() => child.kill("SIGKILL"), 20_000);
    await ended;
    clearTimeout(late);
    rmSync(data, { recursive: true, force: true });
  };
  const base = `http://${listen}`;
  const until = Date.now() + PATIENCE;
  while (!(await fetch(`${base}/readyz`).then((it) => it.ok, () => false))) {
    if (child.exitCode !== null || Date.now() > until) {
      await stop();
      throw new Error(`the centre did not come up: see ${log}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 250));
  }
  return { base, stop };
}
