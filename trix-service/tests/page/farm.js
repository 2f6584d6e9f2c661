// A farm in a temporary folder: `trixd serve` with its settings, its masters and its users.
//
// Everything that a farm starts ends with it, and nothing else does.

import { execFileSync, spawn } from "node:child_process";
import fs from "node:fs";
import net from "node:net";
import os from "node:os";
import path from "node:path";
import { setTimeout as pause } from "node:timers/promises";

const PROGRAM = process.env.TRIXD;
const ENGINE = process.env.TRIX_TEMPORAL;
export const PASSWORD = "a long password";

/** A port that is free now. */
export const freePort = () => new Promise((resolve, reject) => {
  const server = net.createServer().on("error", reject);
  server.listen(0, "127.0.0.1", () => {
    const { port } = server.address();
    server.close(() => resolve(port));
  });
});

/** Waits until `find` gives something, and tells after how many milliseconds. An error of `find` counts as nothing. */
export async function until(what, seconds, find) {
  const began = performance.now();
  let error;
  for (;;) {
    try {
      const found = await find();
      if (found) return { found, took: performance.now() - began };
      error = undefined;
    } catch (wrong) {
      error = wrong;
    }
    const passed = performance.now() - began;
    if (passed > seconds * 1000) throw new Error(`${what}: not within ${seconds} s`, { cause: error });
    // Looks at what takes long are rarer.
    await pause(Math.min(50 + passed / 50, 250));
  }
}

/** A value as TOML writes it. */
function value(own) {
  if (Array.isArray(own)) return `[${own.map(value).join(", ")}]`;
  if (typeof own === "object") return `{ ${Object.entries(own).map(([key, one]) => `${key} = ${value(one)}`).join(", ")} }`;
  return JSON.stringify(own);
}

/** Settings as TOML: sections of values. */
const toml = (sections) => Object.entries(sections)
  .map(([name, section]) => [`[${name}]`, ...Object.entries(section).map(([key, own]) => `${key} = ${value(own)}`), ""].join("\n")).join("\n");

/** The processes below `pid`: [{ pid, words }]. */
export function below(pid) {
  const all = fs.readdirSync("/proc").filter((name) => /^\d+$/.test(name)).flatMap((name) => {
    try {
      const stat = fs.readFileSync(`/proc/${name}/stat`, "utf8");
      const parent = Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1]);
      const words = fs.readFileSync(`/proc/${name}/cmdline`, "utf8").split("\0").filter(Boolean);
      return [{ pid: Number(name), parent, words }];
    } catch {
      return []; // It has ended.
    }
  });
  const found = [];
  const take = (parent) => all.filter((own) => own.parent === parent).forEach((own) => { found.push(own); take(own.pid); });
  take(pid);
  return found;
}

function signal(pid, name) {
  try {
    process.kill(pid, name);
  } catch (error) {
    if (error.code !== "ESRCH") throw error;
  }
}

export class Farm {
  /** Makes the folder and the settings. `settings` replaces or adds values, by section. */
  static async make(settings = {}) {
    if (!PROGRAM || !ENGINE) throw new Error("TRIXD and TRIX_TEMPORAL name the programs: scripts/page.sh sets them");
    const farm = new Farm();
    farm.folder = fs.mkdtempSync(path.join(os.tmpdir(), "trixd-page-"));
    const under = (name) => path.join(farm.folder, name);
    for (const name of ["source", "output", "preview", "cache"]) fs.mkdirSync(under(name));
    const [api, engine] = [await freePort(), await freePort()];
    const own = {
      mounts: { source: under("source"), output: under("output"), preview: under("preview"), cache: under("cache") },
      catalogue: { url: `sqlite://${under("catalogue.db")}` },
      engine: { address: `http://127.0.0.1:${engine}`, program: ENGINE, folder: under("engine"), lease: 10 },
      api: { listen: `127.0.0.1:${api}` },
      worker: { name: "worker-1", pause: 0.2 },
      logs: { folder: under("logs") },
    };
    for (const [name, section] of Object.entries(settings)) own[name] = { ...own[name], ...section };
    farm.url = `http://${own.api.listen}`;
    farm.settings = under("trixd.toml");
    fs.writeFileSync(farm.settings, toml(own));
    return farm;
  }

  /** Makes a farm with a film, users of each role, and all its processes. */
  static async start(settings = {}, seconds = 20) {
    const farm = await Farm.make(settings);
    farm.addFilm("film", seconds);
    await farm.serve();
    for (const role of ["viewer", "operator"]) {
      await farm.ask("POST", "/api/users", { name: role, password: PASSWORD, role });
    }
    return farm;
  }

  environment() {
    // Settings come from the file alone.
    return Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith("TRIXD_")));
  }

  /** Runs `trixd` with these words to its end. */
  run(words, input = "") {
    const options = { env: this.environment(), input, encoding: "utf8", stdio: ["pipe", "pipe", "inherit"] };
    return execFileSync(PROGRAM, ["--config", this.settings, ...words], options);
  }

  /** Starts `trixd serve`, waits until it answers, and signs the first user in. */
  async serve(role = "serve") {
    const log = fs.openSync(path.join(this.folder, "stderr"), "a");
    this.process = spawn(PROGRAM, ["--config", this.settings, role], { env: this.environment(), detached: true, stdio: ["ignore", "pipe", log] });
    fs.closeSync(log);
    this.ended = new Promise((resolve) => this.process.once("exit", resolve));
    let text = "";
    this.process.stdout.setEncoding("utf8").on("data", (part) => { text += part; });
    await until("the API server", 30, async () => (await fetch(`${this.url}/healthz`)).ok);
    const first = /first user: (\S+), password: (\S+)/.exec(text);
    if (first) [this.name, this.password] = first.slice(1);
    if (this.password) this.cookie = await this.signIn(this.name, this.password);
  }

  /** The cookie of a new session. */
  async signIn(name, password = PASSWORD) {
    const body = JSON.stringify({ name, password });
    const answer = await fetch(`${this.url}/api/sign-in`, { method: "POST", headers: { "Content-Type": "application/json" }, body });
    if (!answer.ok) throw new Error(`${name} is not signed in: ${await answer.text()}`);
    return answer.headers.get("set-cookie").split(";")[0];
  }

  /** Asks as the first user. The document; an error if it is refused. */
  async ask(method, where, body, headers = {}) {
    const own = { Cookie: this.cookie, "Content-Type": "application/json", ...headers };
    const answer = await fetch(this.url + where, { method, headers: own, body: body === undefined ? undefined : JSON.stringify(body) });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${method} ${where}: ${answer.status} ${text}`);
    return text ? JSON.parse(text) : null;
  }

  /** Submits a film, and waits until the job is in one of the states. */
  async job(submission, states = ["done"], seconds = 180) {
    const { id } = await this.ask("POST", "/api/jobs", submission);
    const { found } = await until(`${submission.title} is ${states}`, seconds, async () => {
      const job = await this.ask("GET", `/api/jobs/${id}`);
      if (job.state === "failed" && !states.includes("failed")) throw new Error(JSON.stringify(job.error));
      return states.includes(job.state) && job;
    });
    return found;
  }

  source(name) {
    return path.join(this.folder, "source", name);
  }

  /** A master of 640x360, two sound files of other languages, and its checksum. */
  addFilm(stem, seconds) {
    const ffmpeg = (...words) => execFileSync("ffmpeg", ["-hide_banner", "-loglevel", "error", "-nostdin", "-y", ...words]);
    const sound = (hertz) => ["-f", "lavfi", "-i", `sine=frequency=${hertz}:sample_rate=48000:duration=${seconds}`];
    ffmpeg("-f", "lavfi", "-i", `testsrc2=size=640x360:rate=25:duration=${seconds}`, ...sound(440),
      "-c:v", "libx264", "-preset", "ultrafast", "-crf", "16", "-pix_fmt", "yuv420p", "-c:a", "pcm_s16le", this.source(`${stem}.mov`));
    for (const [language, hertz] of [["ru", 550], ["en", 660]]) ffmpeg(...sound(hertz), "-c:a", "pcm_s16le", this.source(`${stem}_${language}.wav`));
    const sum = execFileSync("md5sum", [`${stem}.mov`], { cwd: this.source(""), encoding: "utf8" });
    fs.writeFileSync(this.source(`${stem}.mov.md5`), sum);
  }

  /** A file that no decoder takes. */
  addBroken(name) {
    fs.mkdirSync(path.dirname(this.source(name)), { recursive: true });
    fs.writeFileSync(this.source(name), Buffer.alloc(4096, "this is no film "));
  }

  /** The process of a part: "api", "worker", "dispatcher" or "engine". */
  part(name) {
    const is = ({ words }) => (name === "engine" ? words[0] === ENGINE : words.at(-1) === name);
    const found = below(this.process.pid).find(is);
    if (!found) throw new Error(`there is no process of the ${name}`);
    return found.pid;
  }

  /** Ends all processes of the farm, and removes its folder. */
  async end() {
    if (this.process) {
      const all = below(this.process.pid).map(({ pid }) => pid);
      all.forEach((pid) => signal(pid, "SIGCONT"));
      signal(this.process.pid, "SIGTERM");
      await Promise.race([this.ended, pause(5000, undefined, { ref: false })]);
      signal(-this.process.pid, "SIGKILL");
      await this.ended;
    }
    if (!process.env.TRIX_KEEP) fs.rmSync(this.folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
  }
}
