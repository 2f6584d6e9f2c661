// The queue with 10,000 jobs in the catalogue.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import fs from "node:fs";
import path from "node:path";
import { after, before, test } from "node:test";

import { browse, newPage, open, signIn } from "./browser.js";
import { Farm, PASSWORD } from "./farm.js";

const JOBS = 10_000;
/** What the page shows at first. */
const ROWS = 100;

let farm, browser;

/** A backup of an empty catalogue, with jobs added. */
function withJobs(backup) {
  const lines = backup.trimEnd().split("\n").slice(0, -1);
  const day = 86_400_000;
  for (let number = 0; number < JOBS; number += 1) {
    const state = number % 50 === 0 ? "failed" : "done";
    const title = `Film ${number}`;
    const at = String(1_780_000_000_000 - 30 * day + number * 250_000);
    const row = {
      // The ids of later jobs come later.
      id: `018f${String(number).padStart(28, "0")}`, title, title_folded: title.toLowerCase(), submitter: "admin", request_key: `key-${number}`,
      submission: JSON.stringify({ title, source: `films/${number}.mov`, profiles: ["archive", "preview"], priority: 3 }), profiles: "archive preview",
      state, detail: "", error: state === "failed" ? JSON.stringify({ kind: "malformed_input", stage: "source", message: "source: it ends too early" }) : null,
      priority: "3", is_paused: "0", is_cancelling: "0", run: "1", handed_run: "1", units: "12", units_done: "12", created_at: at, started_at: at, ended_at: at,
    };
    lines.push(JSON.stringify({ table: "jobs", row }));
  }
  const body = `${lines.join("\n")}\n`;
  const sha256 = createHash("sha256").update(body).digest("hex");
  return `${body}${JSON.stringify({ rows: lines.length - 1, sha256 })}\n`;
}

before(async () => {
  farm = await Farm.make();
  [farm.name, farm.password] = ["admin", PASSWORD];
  farm.run(["user", "admin", "--role", "administrator"], `${PASSWORD}\n`);
  const [first, second] = ["first", "second"].map((name) => path.join(farm.folder, name));
  farm.run(["backup", first]);
  fs.writeFileSync(second, withJobs(fs.readFileSync(first, "utf8")));
  for (const name of fs.readdirSync(farm.folder)) if (name.startsWith("catalogue.db")) fs.rmSync(path.join(farm.folder, name));
  farm.run(["restore", second]);
  await farm.serve();
  browser = await browse();
});

after(async () => {
  await browser?.close();
  await farm?.end();
});

test("the queue of 10,000 jobs shows its first rows within a second", { timeout: 60_000 }, async () => {
  const page = await newPage(browser);
  await signIn(page, farm);
  const times = [];
  for (let round = 0; round < 5; round += 1) {
    await page.goto("about:blank");
    const began = performance.now();
    await open(page, farm, "#/queue");
    await page.waitForFunction((rows) => {
      const found = document.querySelectorAll("main table tbody tr");
      return found.length >= rows && found[rows - 1].getClientRects().length > 0;
    }, { polling: "raf" }, ROWS);
    times.push(performance.now() - began);
  }
  const shown = times.map((time) => Math.round(time));
  const median = [...shown].sort((one, other) => one - other)[2];
  console.log(`queue of ${JOBS} jobs, ms from navigation to ${ROWS} rows: ${shown.join(", ")}; median ${median}`);
  assert.ok(median < 1000, `${median} ms`);
});

test("a search among 10,000 titles finds one", { timeout: 30_000 }, async () => {
  const page = await newPage(browser);
  await signIn(page, farm);
  const began = performance.now();
  await open(page, farm, "#/queue?title=Film%207777");
  await page.waitForFunction(() => document.querySelectorAll("main table tbody tr").length === 1 && document.querySelector("main").innerText.includes("Film 7777"));
  console.log(`search among ${JOBS} titles: ${Math.round(performance.now() - began)} ms`);
});
