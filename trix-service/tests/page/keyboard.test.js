// The whole way of an operator with the keyboard alone.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { browse, get, newPage, open, shows } from "./browser.js";
import { Farm, until } from "./farm.js";

let farm, browser, page;

before(async () => {
  farm = await Farm.start({}, 2);
  // Jobs wait: their buttons stay.
  await farm.ask("POST", "/api/workers/worker-1/drain", { is_draining: true });
  browser = await browse();
  page = await newPage(browser);
});

after(async () => {
  await browser?.close();
  await farm?.end();
});

/** What has the focus: its role and name as a screen reader tells them, and whether the focus is seen. */
const focused = () => page.evaluate(() => {
  const own = document.activeElement;
  const style = getComputedStyle(own);
  const isSeen = (style.outlineStyle !== "none" && parseFloat(style.outlineWidth) > 0) || style.boxShadow !== "none";
  const name = own.getAttribute("aria-label") || own.labels?.[0]?.innerText || own.innerText || own.id;
  const box = own.getBoundingClientRect();
  return { tag: own.tagName, name: name.trim(), isSeen, isInside: box.bottom > 0 && box.top < innerHeight, isMain: own.closest("main") !== null };
});

/** Presses Tab until an element of this name has the focus. Each stop has to show the focus. */
async function tabTo(name, tag, most = 60) {
  const passed = [];
  for (let count = 0; count < most; count += 1) {
    const found = await focused();
    if (found.name.split("\n")[0] === name && (!tag || found.tag === tag)) {
      assert.ok(found.isSeen, `the focus on ${name} is seen`);
      return;
    }
    if (found.tag !== "BODY" && found.tag !== "MAIN" && found.tag !== "H1") assert.ok(found.isSeen && found.isInside, `the focus on ${found.tag} ${found.name} is seen`);
    passed.push(`${found.tag} ${found.name.slice(0, 30)}`);
    await page.keyboard.press("Tab");
  }
  throw new Error(`Tab does not reach ${name}: ${passed.join(" | ")}`);
}

async function follow(name, heading) {
  await tabTo(name, "A");
  await page.keyboard.press("Enter");
  await get(page, "heading", heading);
  await until("the focus is in the content", 5, async () => (await focused()).isMain);
}

test("sign in", { timeout: 30_000 }, async () => {
  await open(page, farm, "");
  await get(page, "button", "Sign in");
  await tabTo("Name", "INPUT");
  await page.keyboard.type(farm.name);
  await page.keyboard.press("Tab");
  await page.keyboard.type(farm.password);
  await page.keyboard.press("Enter");
  await get(page, "heading", "Queue");
  await until("the focus is in the content", 5, async () => (await focused()).isMain);
});

test("the first stop skips to the content", { timeout: 30_000 }, async () => {
  await page.evaluate(() => { document.activeElement.blur(); });
  await page.reload();
  await get(page, "heading", "Queue");
  await page.evaluate(() => { document.activeElement.blur(); });
  await tabTo("Skip to content", "A", 10);
  await page.keyboard.press("Enter");
  assert.ok((await focused()).isMain);
});

test("choose a master and submit it", { timeout: 60_000 }, async () => {
  await page.reload();
  await get(page, "heading", "Queue");
  await follow("Masters", "Masters");
  await tabTo("Choose film.mov", "A");
  await page.keyboard.press("Enter");
  await get(page, "heading", "Submit");
  await until("the focus is in the content", 5, async () => (await focused()).isMain);
  await tabTo("Submit", "BUTTON");
  await page.keyboard.press("Space");
  await get(page, "heading", "film");
  assert.equal((await farm.ask("GET", "/api/jobs")).length, 1);
});

test("change the priority", { timeout: 60_000 }, async () => {
  await page.reload();
  await get(page, "heading", "film");
  await follow("Queue", "Queue");
  await tabTo("Priority of film", "SELECT");
  await page.keyboard.press("ArrowUp");
  await page.keyboard.press("Enter");
  await until("the priority is 2", 5, async () => (await farm.ask("GET", "/api/jobs"))[0].priority === 2);
  await shows(page, "film has priority 2 now.");
});

test("open the question before a job is cancelled, and leave it", { timeout: 60_000 }, async () => {
  await tabTo("Cancel: film", "BUTTON");
  await page.keyboard.press("Enter");
  await page.waitForSelector("dialog[open]");
  assert.ok(await page.evaluate(() => document.querySelector("dialog").contains(document.activeElement)), "the focus is in the question");
  // Tab stays inside.
  for (let count = 0; count < 5; count += 1) {
    await page.keyboard.press("Tab");
    assert.ok(await page.evaluate(() => document.activeElement === document.body || document.querySelector("dialog").contains(document.activeElement)));
  }
  await page.keyboard.press("Escape");
  await page.waitForFunction(() => !document.querySelector("dialog[open]"));
  assert.equal((await focused()).name, "Cancel: film", "the focus is back where it was");
  const [job] = await farm.ask("GET", "/api/jobs");
  assert.equal(job.state, "queued");
  assert.equal(job.is_cancelling, false);
});

test("cancel it", { timeout: 60_000 }, async () => {
  await tabTo("Cancel: film", "BUTTON");
  await page.keyboard.press("Enter");
  await page.waitForSelector("dialog[open]");
  await tabTo("Cancel the job", "BUTTON", 5);
  await page.keyboard.press("Space");
  await until("the job is cancelled", 20, async () => (await farm.ask("GET", "/api/jobs"))[0].state === "cancelled");
  await shows(page, "cancelled");
});
