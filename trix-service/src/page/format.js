// Numbers, times and sizes in the language of the page.

import { language, word } from "./words.js";

const kept = new Map();
function format(kind, options) {
  const key = `${language()} ${kind} ${JSON.stringify(options)}`;
  if (!kept.has(key)) kept.set(key, new Intl[kind](language(), options));
  return kept.get(key);
}

export const number = (value, digits = 0) =>
  value == null ? "–" : format("NumberFormat", { maximumFractionDigits: digits, minimumFractionDigits: digits }).format(value);

export const percent = (value) =>
  format("NumberFormat", { style: "percent", maximumFractionDigits: value > 0 && value < 0.02 ? 1 : 0 }).format(value);

/** Day and time. The day is left out if it is today. */
export function time(at) {
  if (!at) return "";
  const isToday = new Date(at).toDateString() === new Date().toDateString();
  const day = isToday ? {} : { day: "numeric", month: "short", year: "numeric" };
  return format("DateTimeFormat", { ...day, hour: "2-digit", minute: "2-digit", second: "2-digit", hour12: false }).format(at);
}

const UNITS = ["byte", "kilobyte", "megabyte", "gigabyte", "terabyte", "petabyte"];

export function size(bytes) {
  if (bytes == null) return "–";
  let [value, at] = [bytes, 0];
  while (value >= 999.5 && at < UNITS.length - 1) {
    value /= 1000;
    at += 1;
  }
  const digits = at === 0 || value >= 99.95 ? 0 : 1;
  return format("NumberFormat", {
    style: "unit",
    unit: UNITS[at],
    unitDisplay: at ? "short" : "long",
    maximumFractionDigits: digits,
    minimumFractionDigits: digits,
  }).format(value);
}

const quantity = (value, unit, digits = 0) =>
  format("NumberFormat", { style: "unit", unit, unitDisplay: "short", maximumFractionDigits: digits }).format(value);

/** How long something takes: two units at most. */
export function span(seconds) {
  if (seconds == null) return "–";
  if (seconds < 60) return quantity(seconds, "second", seconds < 10 ? 1 : 0);
  const whole = Math.round(seconds);
  if (whole < 3600) return `${quantity(Math.floor(whole / 60), "minute")} ${quantity(whole % 60, "second")}`;
  if (whole < 172800)
    return `${quantity(Math.floor(whole / 3600), "hour")} ${quantity(Math.floor((whole % 3600) / 60), "minute")}`;
  return `${quantity(Math.floor(whole / 86400), "day")} ${quantity(Math.floor((whole % 86400) / 3600), "hour")}`;
}

/** A place in a film: 00:01:02. */
export function clock(seconds) {
  const whole = Math.max(0, Math.floor(seconds + 1e-6));
  return [whole / 3600, (whole / 60) % 60, whole % 60].map((own) => String(Math.floor(own)).padStart(2, "0")).join(":");
}

/** A rate "30000/1001" in frames a second. */
export function rate(text) {
  const [above, below = 1] = (text ?? "").split("/").map(Number);
  return above && below ? `${number(above / below, Number.isInteger(above / below) ? 0 : 3)} ${word("framesASecond")}` : "";
}

/** The name of a language by its code. */
export function spoken(code) {
  if (!code || code === "und") return "";
  try {
    return format("DisplayNames", { type: "language" }).of(code);
  } catch {
    return code;
  }
}
