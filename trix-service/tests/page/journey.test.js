// From the sign-in to the preview of a title.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";

import { browse, fill, get, go, newPage, press, shows, signIn } from "./browser.js";
import { Farm, until } from "./farm.js";

const SECONDS = 20;

let farm, browser, page, requests;

before(async () => {
  farm = await Farm.start({}, SECONDS);
  browser = await browse();
  page = await newPage(browser);
  requests = [];
  page.on("response", (answer) => requests.push({ path: new URL(answer.url()).pathname, status: answer.status() }));
});

after(async () => {
  await browser?.close();
  await farm?.end();
});

const video = (read) => page.$eval("main video", read);
const time = () => video((own) => own.currentTime);

test("sign in and look at a master", { timeout: 30_000 }, async () => {
  await signIn(page, farm);
  await go(page, "Masters");
  // The sound files and the checksum stand with their master.
  await shows(page, "3 files of this film");
  await press(page, "button", "Look at film.mov");
  await get(page, "heading", "What film.mov holds");
  await shows(page, "640×360");
});

test("choose it, see the plan, and submit it", { timeout: 60_000 }, async () => {
  await press(page, "link", "Choose film.mov");
  await get(page, "heading", "Submit");
  await get(page, "checkbox", "Use film_ru.wav");
  await get(page, "checkbox", "Use film_en.wav");
  assert.equal(await (await get(page, "textbox", "Language of film_ru.wav")).evaluate((field) => field.value), "ru");
  await fill(page, "Title", "The Film");
  const began = performance.now();
  await press(page, "button", "Dry run");
  await shows(page, "Time on one worker", 30);
  console.log(`dry run: ${Math.round(performance.now() - began)} ms`);
  await shows(page, "Decisions (");
  await shows(page, "500");
  assert.deepEqual(await farm.ask("GET", "/api/jobs"), [], "a dry run starts nothing");
  await press(page, "button", "Submit");
  await get(page, "heading", "The Film");
});

test("the queue shows how far it is, until it is done", { timeout: 240_000 }, async () => {
  await go(page, "Queue");
  const seen = new Set();
  await until("the job is done", 220, async () => {
    const row = await page.$eval("main tbody tr", (own) => ({ text: own.innerText, value: own.querySelector("progress")?.value }));
    if (row.value != null) seen.add(row.value);
    return /\bdone\b/.test(row.text);
  });
  const steps = [...seen].filter((value) => value > 0 && value < 1);
  console.log(`progress in the queue: ${steps.map((value) => value.toFixed(2)).join(" ")}`);
  assert.ok(steps.length >= 3, "the bar grows");
  assert.deepEqual(steps, [...steps].sort((one, other) => one - other), "the bar never goes back");
});

test("the preview plays as HLS", { timeout: 60_000 }, async () => {
  await press(page, "link", "The Film");
  await page.waitForSelector("main video");
  await video((own) => { own.muted = true; return own.play(); });
  await until("the preview plays", 20, async () => (await time()) > 0.5);
  const before = await time();
  await until("the preview goes on", 10, async () => (await time()) > before + 1);
  const [width, height, source] = await video((own) => [own.videoWidth, own.videoHeight, own.currentSrc]);
  assert.ok(width > 0 && height > 0, `${width}x${height}`);
  assert.match(source, /^blob:/, "it is fed by script");
  const preview = requests.filter(({ path }) => path.startsWith("/preview/"));
  assert.ok(preview.some(({ path, status }) => path.endsWith(".m3u8") && status === 200));
  assert.ok(preview.some(({ path, status }) => path.endsWith(".m4s") && status < 300));
  assert.deepEqual(preview.filter(({ status }) => status >= 400), []);
});

test("it goes on while the page changes", { timeout: 30_000 }, async () => {
  await video((own) => { own.marked = true; own.addEventListener("pause", () => { own.hasPaused = true; }); });
  const began = await time();
  for (let number = 0; number < 6; number += 1) {
    await farm.ask("PUT", "/api/notice", { text: `Notice ${number}` });
    const other = await farm.ask("POST", "/api/jobs", { title: `Other ${number}`, source: "film.mov" });
    await farm.ask("POST", `/api/jobs/${other.id}/cancel`, {});
    await pause(400);
  }
  await shows(page, "Notice 5");
  const [isSame, hasPaused, ended] = await video((own) => [own.marked === true, own.hasPaused === true, own.ended]);
  assert.ok(isSame && (!hasPaused || ended), "it is the same element, and was not stopped");
  assert.ok((await time()) > began + 1.5 || ended);
  await farm.ask("PUT", "/api/notice", { text: "" });
});

test("thumbnails and waveform are there, and seek", { timeout: 60_000 }, async () => {
  await video((own) => own.pause());
  const isLoaded = (selector) => page.waitForFunction((own) => document.querySelector(own)?.naturalWidth > 0, {}, selector);
  await isLoaded("main img[src$='.waveform.png']");
  assert.ok(requests.some(({ path, status }) => path.endsWith(".sprites.jpg") && status === 200), "the thumbnails were fetched");
  const thumbs = await page.$$("::-p-aria([role='button'])");
  const names = await Promise.all(thumbs.map((own) => own.evaluate((button) => button.getAttribute("aria-label") ?? button.innerText)));
  const places = names.map((name, at) => [/^Go to (\d\d):(\d\d):(\d\d)$/.exec(name), thumbs[at]]).filter(([found]) => found);
  assert.ok(places.length >= 2, `${places.length} thumbnails`);
  const [found, thumb] = places.at(-1);
  const wanted = Number(found[1]) * 3600 + Number(found[2]) * 60 + Number(found[3]);
  await thumb.click();
  await until(`the preview is at ${wanted} s`, 10, async () => Math.abs((await time()) - wanted) < 1.1);
  // The arrow keys move within the waveform.
  const slider = await page.waitForSelector("main [role='slider'], main input[type='range']");
  await slider.focus();
  await video((own) => { own.currentTime = 5; });
  await until("the preview is at 5 s", 5, async () => Math.abs((await time()) - 5) < 0.5);
  await page.keyboard.press("ArrowRight");
  await until("the arrow key seeks", 5, async () => (await time()) > 5.5);
});

test("checks, frames, scores and curves are shown", { timeout: 30_000 }, async () => {
  const shown = async (words) => shows(page, words, 5);
  await shown("checks passed");
  await shown("500 decoded");
  await shown("SSIM");
  await shown("SHA-256");
  const curves = await page.$$eval("main svg", (all) => all.map((own) => own.getBoundingClientRect().width));
  assert.ok(curves.some((width) => width > 100), "a curve is drawn");
  const details = await page.$$("main details:not([open]) > summary");
  for (const summary of details.slice(0, 3)) await summary.click();
  const outputs = await farm.ask("GET", `/api/jobs/${page.url().split("/").at(-1)}/outputs`);
  assert.ok(outputs.length > 5);
  assert.deepEqual(page.said, []);
});
