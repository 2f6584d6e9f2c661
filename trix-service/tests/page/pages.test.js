// Every page in light and dark, wide and narrow, in both languages: axe finds nothing, and nothing is wider than the window.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { browse, get, look, newPage, open, picture, press, signIn, tooWide, violations } from "./browser.js";
import { Farm, until } from "./farm.js";

const WIDE = { width: 1280, height: 800 };
const NARROW = { width: 360, height: 740 };

let farm, browser, page, jobs;

before(async () => {
  // A master in the watch folder waits for a decision.
  const rule = { name: "mail", masters: "incoming/*.mov", title: "{stem}", profiles: ["preview"], submits: false };
  farm = await Farm.start({ watch: { every: 1, stable: 1, rules: [rule] } }, 4);
  farm.addBroken("broken.mov");
  farm.addBroken("incoming/mailed.mov");
  const submission = { title: "A film with a name of some length, part two", source: "film.mov", tracks: [{ files: ["film_ru.wav"], language: "ru" }] };
  const done = farm.job(submission);
  const failed = farm.job({ title: "Broken", source: "broken.mov" }, ["failed"]);
  jobs = { done: await done, failed: await failed };
  // One job runs, one waits, one is paused.
  jobs.paused = await farm.ask("POST", "/api/jobs", { title: "Paused", source: "film.mov", priority: 5 });
  await farm.ask("POST", `/api/jobs/${jobs.paused.id}/pause`, {});
  await farm.ask("PUT", "/api/notice", { text: "The farm rests at nine, for an hour." });
  browser = await browse();
  page = await newPage(browser);
});

after(async () => {
  await browser?.close();
  await farm?.end();
});

/** Shows the plan of a submission. */
async function plan() {
  const button = await page.$("::-p-aria([name='Dry run'][role='button'])") ?? await page.$("main form button[type=button]");
  await button.click();
  await until("the plan", 30, () => page.evaluate(() => /decisions|решения/i.test(document.querySelector("main").innerText)));
}

const PLACES = [
  ["queue", "#/queue"],
  ["masters", "#/masters", () => page.waitForFunction(() => document.querySelector("main").innerText.includes("mailed.mov"))],
  ["submit", "#/submit?source=film.mov&title=Planned", plan],
  ["title-done", () => `#/title/${jobs.done.id}`, () => page.waitForSelector("main video")],
  ["title-failed", () => `#/title/${jobs.failed.id}`],
  ["title-paused", () => `#/title/${jobs.paused.id}`],
  ["workers", "#/workers"],
  ["system", "#/system"],
];

/** What is wrong with the page as it is now, in each look. */
async function wrong(name) {
  const found = [];
  for (const [size, viewport] of [["wide", WIDE], ["phone", NARROW]]) {
    await page.setViewport(viewport);
    for (const scheme of ["light", "dark"]) {
      await look(page, scheme);
      // Colours may pass into each other.
      await page.evaluate(() => Promise.all(document.getAnimations().map((own) => own.finished.catch(() => {}))));
      for (const own of await violations(page)) found.push(`${name}, ${size}, ${scheme}: ${own}`);
      await picture(page, `${name}-${size}-${scheme}`);
    }
    const pixels = await tooWide(page);
    if (pixels > 0) found.push(`${name}, ${size}: ${pixels} pixels too wide, because of ${await page.evaluate(widest)}`);
  }
  await page.setViewport(WIDE);
  return found;
}

/** The element that goes furthest beyond the window. */
function widest() {
  const right = (own) => own.getBoundingClientRect().right;
  const inner = (own) => own.closest(".scroll") === null || own.matches(".scroll");
  const all = [...document.querySelectorAll("body *")].filter(inner).sort((one, other) => right(other) - right(one));
  return all[0]?.outerHTML.slice(0, 160);
}

for (const language of ["English", "Русский"]) {
  test(`sign-in, ${language}`, { timeout: 60_000 }, async () => {
    await open(page, farm, "");
    await page.waitForSelector("input[type=password]");
    if (language !== "English") await press(page, "button", "Русский");
    assert.equal(await page.$eval("html", (own) => own.lang), language === "English" ? "en" : "ru");
    assert.deepEqual(await wrong(`sign-in-${language === "English" ? "en" : "ru"}`), []);
    if (language === "English") return;
    await press(page, "button", "English");
    await signIn(page, farm);
    await press(page, "button", "Русский");
  });
}

for (const [at, language] of ["ru", "en"].entries()) {
  for (const [name, where, prepare] of PLACES) {
    test(`${name}, ${language}`, { timeout: 60_000 }, async () => {
      if (at === 1 && (await page.$eval("html", (own) => own.lang)) === "ru") await press(page, "button", "English");
      await open(page, farm, typeof where === "function" ? where() : where);
      await page.waitForSelector("main h1");
      await prepare?.();
      await until("the page is loaded", 10, () => page.evaluate(() => document.querySelector("main").innerText.length > 60));
      assert.equal(await page.$eval("html", (own) => own.lang), language);
      assert.deepEqual(await wrong(`${name}-${language}`), []);
    });
  }
}

test("a job that runs", { timeout: 90_000 }, async () => {
  farm.addFilm("long", 30);
  const { id } = await farm.ask("POST", "/api/jobs", { title: "Long", source: "long.mov" });
  for (const [name, where] of [["title-running", `#/title/${id}`], ["queue-running", "#/queue"], ["workers-running", "#/workers"]]) {
    await open(page, farm, where);
    await until(`${name}: a unit runs`, 20, () => page.evaluate(() => document.querySelector("main progress") !== null));
    assert.deepEqual(await wrong(name), []);
  }
  assert.equal((await farm.ask("GET", `/api/jobs/${id}`)).state, "running");
  await farm.ask("POST", `/api/jobs/${id}/cancel`, {});
});

test("the question before a job is cancelled", { timeout: 60_000 }, async () => {
  await open(page, farm, "#/queue");
  await press(page, "button", "Cancel: Paused");
  await page.waitForSelector("dialog[open]");
  assert.deepEqual(await wrong("cancel"), []);
  await page.keyboard.press("Escape");
});

test("a page that does not exist, and a sign-in that was refused", { timeout: 60_000 }, async () => {
  for (const [name, where] of [["none", "#/none"], ["refused", "#/refused?why=vera%20has%20no%20known%20group"], ["title-none", "#/title/none"]]) {
    await open(page, farm, where);
    await page.waitForSelector("main h1");
    assert.deepEqual(await wrong(name), []);
  }
});

test("the texts of both languages are complete", { timeout: 60_000 }, async () => {
  const missing = await page.evaluate(async () => {
    const [{ english }, { russian }] = await Promise.all([import("/words-en.js"), import("/words-ru.js")]);
    const values = (text) => (JSON.stringify(text).match(/\{\w+\}/g) ?? []).filter((own, at, all) => all.indexOf(own) === at).sort().join();
    const names = new Set([...Object.keys(english), ...Object.keys(russian)]);
    return [...names].filter((name) => !(name in english && name in russian) || values(english[name]) !== values(russian[name]));
  });
  assert.deepEqual(missing, []);
});

test("pale text and a field without a name are found", { timeout: 60_000 }, async () => {
  await open(page, farm, "#/queue");
  await get(page, "heading", "Queue");
  await page.evaluate(() => {
    const pale = Object.assign(document.createElement("p"), { textContent: "pale" });
    Object.assign(pale.style, { color: "rgb(200, 200, 200)", background: "white" });
    document.querySelector("main").append(pale, document.createElement("input"));
  });
  const rules = (await violations(page)).map((own) => own.split(" ")[0]);
  assert.deepEqual(rules.sort(), ["color-contrast", "label"]);
  await page.reload();
});

test("no script of the page has failed", () => {
  // Refused requests of the tests above are said by the browser.
  assert.deepEqual(page.said.filter((own) => !/status of 40[14]/.test(own)), []);
});
