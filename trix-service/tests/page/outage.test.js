// What the page says while a part of the farm is away.

import assert from "node:assert/strict";
import fs from "node:fs";
import { after, before, test } from "node:test";

import { browse, newPage, open, press, shows, signIn, text } from "./browser.js";
import { Farm, until } from "./farm.js";

let farm, browser, page;

before(async () => {
  farm = await Farm.start({}, 2);
  browser = await browse();
  page = await newPage(browser);
  await signIn(page, farm);
});

after(async () => {
  await browser?.close();
  await farm?.end();
});

const gone = (words, seconds) => until(`the page no longer shows ${words}`, seconds, async () => !(await text(page)).includes(words));
const round = (milliseconds) => `${(milliseconds / 1000).toFixed(1)} s`;

test("an API server that was killed", { timeout: 60_000 }, async () => {
  // What was shown stays, and what happens meanwhile is seen afterwards.
  await open(page, farm, "#/queue");
  await shows(page, "No job matches.");
  process.kill(farm.part("api"), "SIGKILL");
  const away = await shows(page, "The server has not answered since", 10);
  assert.match(await text(page), /No job matches\./);
  const back = await gone("The server has not answered", 20);
  console.log(`API server killed: told after ${round(away.took)}, connected again after further ${round(back.took)}`);
  await farm.ask("PUT", "/api/notice", { text: "After the outage." });
  await shows(page, "After the outage.", 5);
  await farm.ask("PUT", "/api/notice", { text: "" });
});

test("an API server that is frozen", { timeout: 60_000 }, async () => {
  const pid = farm.part("api");
  process.kill(pid, "SIGSTOP");
  try {
    const away = await shows(page, "The server has not answered since", 15);
    console.log(`API server frozen: told after ${round(away.took)}`);
    assert.ok(away.took < 10_000, "within 10 s");
  } finally {
    process.kill(pid, "SIGCONT");
  }
  const back = await gone("The server has not answered", 20);
  console.log(`API server goes on: connected again after ${round(back.took)}`);
});

test("an engine that is frozen", { timeout: 90_000 }, async () => {
  const pid = farm.part("engine");
  process.kill(pid, "SIGSTOP");
  try {
    const away = await shows(page, "The workflow engine has not answered since", 20);
    console.log(`engine frozen: told after ${round(away.took)}`);
  } finally {
    process.kill(pid, "SIGCONT");
  }
  const back = await gone("The workflow engine has not answered", 30);
  console.log(`engine goes on: told after ${round(back.took)}`);
});

test("a mount of masters that is gone", { timeout: 60_000 }, async () => {
  const [here, there] = [farm.source(""), `${farm.folder}/away`];
  await open(page, farm, "#/submit?source=film.mov&title=Refused");
  await page.waitForSelector("main form");
  fs.renameSync(here, there);
  try {
    const away = await shows(page, "The mount of masters has not answered since", 15);
    console.log(`mount gone: told after ${round(away.took)}`);
    await press(page, "button", "Submit");
    const refused = await shows(page, "mount source does not answer", 15);
    console.log(`submission refused after ${round(refused.took)}`);
    assert.deepEqual(await farm.ask("GET", "/api/jobs"), []);
  } finally {
    fs.renameSync(there, here);
  }
  const back = await gone("The mount of masters has not answered", 15);
  console.log(`mount back: told after ${round(back.took)}`);
  // The form is as it was, and the submission goes through now.
  await press(page, "button", "Submit");
  await until("the job", 10, async () => (await farm.ask("GET", "/api/jobs")).length === 1);
});
