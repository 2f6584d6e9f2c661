// What one user changes is seen by the others, and disturbs nobody.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";

import { browse, fill, get, newPage, open, press, shows, signIn } from "./browser.js";
import { Farm, PASSWORD, until } from "./farm.js";

let farm, browser;

before(async () => {
  farm = await Farm.start({}, 2);
  browser = await browse();
});

after(async () => {
  await browser?.close();
  await farm?.end();
});

const asOperator = async () => {
  const page = await newPage(browser);
  await signIn(page, farm, "operator", PASSWORD);
  return page;
};

/** Changes jobs and the notice `count` times, three times a second. */
async function changes(job, count) {
  for (let number = 0; number < count; number += 1) {
    await farm.ask("POST", `/api/jobs/${job}/priority`, { priority: 1 + (number % 5) });
    await farm.ask("PUT", "/api/notice", { text: `Notice ${number}` });
    await pause(300);
  }
}

test("a notice is seen on other pages within two seconds", { timeout: 60_000 }, async () => {
  const administrator = await newPage(browser);
  await signIn(administrator, farm);
  await open(administrator, farm, "#/system");
  const others = [await asOperator(), await newPage(browser)];
  await signIn(others[1], farm, "viewer", PASSWORD);
  await open(others[1], farm, "#/workers");
  await get(others[1], "heading", "Workers");
  await fill(administrator, "Notice on every page", "The farm rests at nine.");
  const field = await get(administrator, "textbox", "Notice on every page");
  const save = await field.evaluateHandle((own) => own.form.querySelector("button"));
  const told = others.map((page) => shows(page, "The farm rests at nine.", 5));
  await save.click();
  for (const { took } of await Promise.all(told)) {
    console.log(`notice seen after ${Math.round(took)} ms`);
    assert.ok(took < 2000);
  }
  const isReadOut = await others[0].$$eval("[role=status]", (all) => all.some((own) => own.innerText.includes("The farm rests at nine.")));
  assert.ok(isReadOut, "screen readers are told");
  await farm.ask("PUT", "/api/notice", { text: "" });
});

test("typing into a form goes on while changes arrive", { timeout: 60_000 }, async () => {
  const paused = await farm.ask("POST", "/api/jobs", { title: "Other", source: "film.mov", profiles: ["preview"] });
  await farm.ask("POST", `/api/jobs/${paused.id}/pause`, {});
  const page = await asOperator();
  await open(page, farm, "#/submit?source=film.mov");
  const title = await get(page, "textbox", "Title");
  await title.evaluate((field) => field.select());
  const text = "A title of some length";
  const busy = changes(paused.id, 8);
  await title.type(text, { delay: 90 });
  await busy;
  const found = await title.evaluate((field) => [field.isConnected, field.value, document.activeElement === field, field.selectionStart]);
  assert.deepEqual(found, [true, text, true, text.length]);
  await farm.ask("POST", `/api/jobs/${paused.id}/cancel`, {});
});

test("typing a search goes on while the queue changes", { timeout: 60_000 }, async () => {
  const job = await farm.ask("POST", "/api/jobs", { title: "Searched", source: "film.mov", profiles: ["preview"], priority: 5 });
  await farm.ask("POST", `/api/jobs/${job.id}/pause`, {});
  const page = await asOperator();
  await open(page, farm, "#/queue");
  const search = await get(page, "searchbox", "Search titles");
  const busy = changes(job.id, 6);
  await search.type("Searched", { delay: 150 });
  await busy;
  const found = await search.evaluate((field) => [field.isConnected, field.value, document.activeElement === field]);
  assert.deepEqual(found, [true, "Searched", true]);
  assert.equal((await page.$$("main tbody tr")).length, 1);
});

test("details stay open, and the focus stays, while changes arrive", { timeout: 60_000 }, async () => {
  const [job] = await farm.ask("GET", "/api/jobs?title=Searched");
  const page = await asOperator();
  await open(page, farm, `#/title/${job.id}`);
  await shows(page, "Searched");
  const details = await page.waitForSelector("main details summary");
  await details.focus();
  await page.keyboard.press("Enter");
  const isOpen = () => details.evaluate((summary) => [summary.isConnected, summary.parentElement.open, document.activeElement === summary]);
  assert.deepEqual(await isOpen(), [true, true, true]);
  await changes(job.id, 6);
  await shows(page, "Notice 5");
  await pause(1500);
  assert.deepEqual(await isOpen(), [true, true, true]);
});

test("a priority that one user sets is seen in the queue of another", { timeout: 90_000 }, async () => {
  const page = await asOperator();
  await open(page, farm, "#/queue");
  const [job] = await farm.ask("GET", "/api/jobs?title=Searched");
  for (const priority of [2, 4]) {
    await farm.ask("POST", `/api/jobs/${job.id}/priority`, { priority });
    const began = performance.now();
    await page.waitForFunction((wanted) => document.querySelector("main select[aria-label='Priority of Searched']")?.value === wanted, { polling: 50 }, `${priority}`);
    console.log(`priority seen after ${Math.round(performance.now() - began)} ms`);
  }
  await press(page, "button", "Resume: Searched");
  await page.waitForFunction(() => /\bdone\b/.test([...document.querySelectorAll("main tbody tr")].find((row) => row.innerText.includes("Searched"))?.innerText), { timeout: 60_000 });
});

test("the bar of a job grows, and never goes back", { timeout: 120_000 }, async () => {
  farm.addFilm("long", 20);
  const page = await asOperator();
  await open(page, farm, "#/queue");
  const { id } = await farm.ask("POST", "/api/jobs", { title: "Long", source: "long.mov", check: "structure" });
  const seen = [];
  // The second of its two chunks is in work.
  await until("the job is half done", 100, async () => {
    const value = await page.$eval("main tbody tr", (own) => (own.innerText.includes("Long") ? own.querySelector("progress")?.value : null));
    if (value > 0 && value !== seen.at(-1)) seen.push(value);
    return value > 0.6 && value < 0.9;
  });
  await farm.ask("POST", `/api/jobs/${id}/cancel`, {});
  console.log(`progress in the queue: ${seen.map((value) => value.toFixed(2)).join(" ")}`);
  assert.ok(seen.length >= 3, "the bar grows");
  assert.deepEqual(seen, [...seen].sort((one, other) => one - other), "the bar never goes back");
});
