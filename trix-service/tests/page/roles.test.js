// What users of each role see and may do, and tokens for scripts.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { browse, buttonOf, fill, find, get, newPage, open, press, shows, signIn, text } from "./browser.js";
import { Farm, PASSWORD, until } from "./farm.js";

let farm, browser, failed, waiting;

before(async () => {
  farm = await Farm.start({}, 2);
  farm.addBroken("broken.mov");
  failed = await farm.job({ title: "Broken", source: "broken.mov", profiles: ["preview"] }, ["failed"]);
  waiting = await farm.ask("POST", "/api/jobs", { title: "Waiting", source: "film.mov", profiles: ["preview"] });
  await farm.ask("POST", `/api/jobs/${waiting.id}/pause`, {});
  browser = await browse();
});

after(async () => {
  await browser?.close();
  await farm?.end();
});

const PAGES = ["#/queue", "#/masters", "#/workers", "#/system"];

/** The names of all buttons in the content of a page. */
async function buttons(page, where) {
  await open(page, farm, where);
  await page.waitForSelector("main h1");
  await until("the page is loaded", 5, async () => (await text(page)).length > 80);
  return page.$$eval("main button, main a.button, main select, main input, main textarea", (all) => all.map((own) => own.getAttribute("aria-label") || own.innerText || own.labels?.[0]?.innerText || own.name));
}

test("a viewer sees no button that would be refused", { timeout: 60_000 }, async () => {
  const page = await newPage(browser);
  await signIn(page, farm, "viewer", PASSWORD);
  const refused = /submit|choose|pause|cancel|retry|go on|priority of|take (no )?work|dismiss|remove|save|edit|notice|dry run|change/i;
  for (const where of [...PAGES, `#/title/${failed.id}`, `#/title/${waiting.id}`]) {
    const found = await buttons(page, where);
    assert.deepEqual(found.filter((name) => refused.test(name)), [], where);
  }
  // The page of submissions says why there is no form.
  await open(page, farm, "#/submit");
  await page.waitForSelector("main h1");
  assert.equal(await find(page, "button", "Submit"), null);
});

test("an operator changes jobs, but neither users nor the notice", { timeout: 60_000 }, async () => {
  const page = await newPage(browser);
  await signIn(page, farm, "operator", PASSWORD);
  const found = await buttons(page, "#/system");
  assert.deepEqual(found.filter((name) => /notice|user|remove|save/i.test(name)), []);
  assert.ok((await buttons(page, "#/queue")).includes("Cancel: Waiting"));
  assert.deepEqual((await buttons(page, "#/workers")).filter((name) => /work/i.test(name)), []);
  const status = await page.evaluate(async () => {
    const answer = await fetch("/api/notice", { method: "PUT", headers: { "Content-Type": "application/json" }, body: JSON.stringify({ text: "x" }) });
    return answer.status;
  });
  assert.equal(status, 403);
});

test("a failed title says why, and is tried again", { timeout: 60_000 }, async () => {
  const page = await newPage(browser);
  await signIn(page, farm, "operator", PASSWORD);
  await open(page, farm, `#/title/${failed.id}`);
  await shows(page, failed.error.message);
  await press(page, "button", "Retry: Broken");
  await until("the second run", 20, async () => (await farm.ask("GET", `/api/jobs/${failed.id}`)).run === 2);
});

test("a token from the page works for a script until it is revoked", { timeout: 60_000 }, async () => {
  const page = await newPage(browser);
  await signIn(page, farm, "operator", PASSWORD);
  await open(page, farm, "#/system");
  await fill(page, "Label", "night script");
  await press(page, "button", "Make a token");
  const secret = await (await get(page, "textbox", "The secret of the token. It is shown only now.")).evaluate((field) => field.value);
  const script = () => fetch(`${farm.url}/api/me`, { headers: { Authorization: `Bearer ${secret}` } });
  const me = await script();
  assert.equal(me.status, 200);
  assert.equal((await me.json()).role, "operator");
  const revoke = await until("the token is listed", 5, () => buttonOf(page, "Revoke night script"));
  await revoke.found.click();
  await page.waitForSelector("dialog[open]");
  await press(page, "button", "Revoke");
  await until("the token is refused", 5, async () => (await script()).status === 401);
  await until("the token is not listed", 5, async () => !(await buttonOf(page, "Revoke night script")));
});

test("a wrong password is refused, and who signs out is out", { timeout: 30_000 }, async () => {
  const page = await newPage(browser);
  await open(page, farm, "");
  await fill(page, "Name", "viewer");
  await page.type("input[type=password]", "another password");
  await press(page, "button", "Sign in");
  await shows(page, "No user has this name and this password.");
  await page.evaluate(() => { document.querySelector("input[type=password]").value = ""; });
  await signIn(page, farm, "viewer", PASSWORD);
  await press(page, "button", "Sign out");
  await get(page, "heading", "Sign in");
  assert.equal(await page.evaluate(async () => (await fetch("/api/jobs")).status), 401);
});
