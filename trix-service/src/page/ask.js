// Questions to the server, and what it refuses.

import { word } from "./words.js";

/** The longest that an answer takes. */
const PATIENCE = 20_000;

/** The server has refused. */
class Refusal extends Error {
  constructor(status, document) {
    super(text(status, document?.error));
    this.status = status;
  }
}

/** The message, and the mistakes that it does not name. */
function text(status, error) {
  if (!error) return word("refused", { status });
  const others = (error.mistakes ?? []).filter((own) => !error.message.includes(own.problem));
  const lines = others.map((own) => [own.line, own.place, own.value && `${own.value}`, own.problem].filter(Boolean).join(": "));
  return [error.message, ...lines].join("\n");
}

let isSignedOut = () => {};
/** `work` is called when nobody is signed in any more. */
export const whenSignedOut = (work) => {
  isSignedOut = work;
};

let skew = 0;
/** The time of the server: the clock of this machine may be wrong. */
export const serverTime = () => Date.now() + skew;

export async function ask(path, { method = "GET", body, headers = {} } = {}) {
  const isJson = body !== undefined;
  let answer;
  try {
    answer = await fetch(path, {
      method,
      headers: { ...(isJson ? { "Content-Type": "application/json" } : {}), ...headers },
      body: isJson ? JSON.stringify(body) : undefined,
      signal: AbortSignal.timeout(PATIENCE),
    });
  } catch {
    throw new Error(word("noAnswer"));
  }
  const date = Date.parse(answer.headers.get("Date"));
  if (date) skew = Math.abs(date - Date.now()) > 3000 ? date - Date.now() : 0;
  const found = await answer.json().catch(() => null);
  if (answer.status === 401 && path !== "/api/sign-in") isSignedOut();
  if (!answer.ok) throw new Refusal(answer.status, found);
  return found;
}

export const post = (path, body = {}, headers = {}) => ask(path, { method: "POST", body, headers });

/** A path with its parts encoded: at("/api/jobs", id, "outputs"). */
export const at = (base, ...parts) => [base, ...parts.map(encodeURIComponent)].join("/");

/** A path with a query; values that are empty are left out. */
export function query(base, values) {
  const own = new URLSearchParams(Object.entries(values).filter(([, value]) => value != null && value !== ""));
  return `${own}` ? `${base}?${own}` : base;
}

/** Identifies a request. Browsers offer randomUUID only with https. */
export const key = () =>
  Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
