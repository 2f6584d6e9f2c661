"use strict";
// The page of the ingest service: no other files, no network but this server.

const WORDS = {
  en: {
    skip: "Skip to content", queue: "Queue", submit: "Submit", masters: "Masters", workers: "Workers", system: "System", signOut: "Sign out",
    signIn: "Sign in", name: "Name", password: "Password", title: "Title", state: "State", progress: "Progress", submitted: "Submitted",
    priority: "Priority", nothing: "Nothing here yet.", source: "Master", profiles: "Profiles", overwrite: "Replace copies of this title",
    send: "Submit", pause: "Pause", resume: "Go on", cancel: "Cancel", retry: "Retry", outputs: "Copies", attempts: "Attempts", events: "Events",
    size: "Size", step: "Step", worker: "Worker", began: "Began", took: "Took", outcome: "Outcome", seen: "Last sign", work: "Work", drain: "Drain",
    take: "Take work", version: "Version", mount: "Mount", free: "Free", trouble: "Trouble", notice: "Notice on every page", save: "Save",
    choose: "Choose", probe: "Look", up: "Up", changed: "Changed", error: "Error", preview: "Preview", report: "Report", checks: "Checks",
    queued: "queued", running: "running", done: "done", failed: "failed", cancelled: "cancelled", paused: "paused", cancelling: "cancelling",
    isAway: "{part} does not answer since {time}: {why}", server: "The server does not answer since {time}. The page reconnects by itself.",
    part_catalogue: "The catalogue", part_engine: "The workflow engine", part_source: "The mount of masters", part_output: "The mount of copies",
    part_preview: "The mount of previews", part_cache: "The mount of scratch files", ledger: "Frames: {emitted} of {decoded} decoded",
    urgent: "1 (most urgent)", least: "5 (least)", more: "More", all: "All", who: "Who", what: "What", when: "When", sent: "The job is queued.", tracks: "Audio files of the same name", language: "Language", offset: "Later by (seconds)",
    arrivals: "From watch folders", dismiss: "Dismiss", rule: "Rule", waits: "waits", submittedState: "submitted", dismissed: "dismissed", search: "Search titles",
  },
  ru: {
    skip: "К содержанию", queue: "Очередь", submit: "Новая задача", masters: "Мастера", workers: "Исполнители", system: "Система", signOut: "Выйти",
    signIn: "Войти", name: "Имя", password: "Пароль", title: "Название", state: "Состояние", progress: "Ход", submitted: "Добавлено",
    priority: "Приоритет", nothing: "Пока пусто.", source: "Мастер", profiles: "Профили", overwrite: "Заменить копии с этим названием",
    send: "Отправить", pause: "Пауза", resume: "Продолжить", cancel: "Отменить", retry: "Повторить", outputs: "Копии", attempts: "Попытки", events: "События",
    size: "Размер", step: "Шаг", worker: "Исполнитель", began: "Начало", took: "Заняло", outcome: "Итог", seen: "Последний сигнал", work: "Работа", drain: "Не давать работу",
    take: "Давать работу", version: "Версия", mount: "Раздел", free: "Свободно", trouble: "Неполадка", notice: "Объявление на всех страницах", save: "Сохранить",
    choose: "Выбрать", probe: "Посмотреть", up: "Вверх", changed: "Изменён", error: "Ошибка", preview: "Просмотр", report: "Отчёт", checks: "Проверки",
    queued: "в очереди", running: "выполняется", done: "готово", failed: "ошибка", cancelled: "отменено", paused: "пауза", cancelling: "отменяется",
    isAway: "{part}: нет ответа с {time}: {why}", server: "Сервер не отвечает с {time}. Страница подключится сама.",
    part_catalogue: "Каталог", part_engine: "Движок задач", part_source: "Раздел мастеров", part_output: "Раздел копий",
    part_preview: "Раздел просмотра", part_cache: "Рабочий раздел", ledger: "Кадры: {emitted} из {decoded} декодированных",
    urgent: "1 (самый срочный)", least: "5 (наименее)", more: "Ещё", all: "Все", who: "Кто", what: "Что", when: "Когда", sent: "Задача в очереди.", tracks: "Звук с тем же именем", language: "Язык", offset: "Позже на (секунд)",
    arrivals: "Из наблюдаемых папок", dismiss: "Убрать", rule: "Правило", waits: "ждёт", submittedState: "отправлено", dismissed: "убрано", search: "Поиск по названию",
  },
};

let language = localStorage.getItem("language") || (navigator.language.startsWith("ru") ? "ru" : "en");
let user = null;
let parts = [];
let offlineSince = null;
let last = null;
let socket = null;

const word = (key, values = {}) => Object.entries(values).reduce((text, [name, value]) => text.replace(`{${name}}`, value), WORDS[language][key] ?? key);
const $ = (id) => document.getElementById(id);

/** Makes an element: make("td", { class: "number" }, "12"). */
function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value != null) element.setAttribute(name, value);
  }
  element.append(...children.flat().filter((child) => child != null));
  return element;
}

const time = (at) => (at ? new Date(at).toLocaleString(language) : "");
const size = (bytes) => {
  const units = ["B", "KB", "MB", "GB", "TB"];
  let at = 0;
  while (bytes >= 1000 && at < units.length - 1) { bytes /= 1000; at += 1; }
  return `${at ? bytes.toFixed(1) : bytes} ${units[at]}`;
};
const seconds = (milliseconds) => `${(milliseconds / 1000).toFixed(1)} s`;

function say(text) {
  const line = make("p", {}, text);
  $("said").append(line);
  setTimeout(() => line.remove(), 6000);
}

async function ask(path, options = {}) {
  const { body, ...rest } = options;
  const headers = body === undefined ? {} : { "Content-Type": "application/json" };
  const answer = await fetch(path, { ...rest, headers: { ...headers, ...options.headers }, body: body === undefined ? undefined : JSON.stringify(body) });
  const text = await answer.text();
  const found = text ? JSON.parse(text) : null;
  if (answer.status === 401 && path !== "/api/sign-in") { user = null; show(); }
  if (!answer.ok) throw new Error(found?.error?.message ?? `${answer.status}`);
  return found;
}
const post = (path, body = {}, headers = {}) => ask(path, { method: "POST", body, headers });

/** Calls `work`; what goes wrong is said. */
const tried = (work) => async (event) => {
  event?.preventDefault();
  try { await work(event); } catch (error) { say(error.message); }
};

function field(label, input) {
  const id = `field-${label}`;
  input.id = id;
  return [make("label", { for: id }, word(label)), input];
}

// ---- pages

function signInPage() {
  const name = make("input", { autocomplete: "username", required: true });
  const password = make("input", { type: "password", autocomplete: "current-password", required: true });
  const send = tried(async () => {
    user = await post("/api/sign-in", { name: name.value, password: password.value });
    connect();
    show();
  });
  return make("form", { class: "card narrow", onsubmit: send }, make("h1", {}, word("signIn")), field("name", name), field("password", password),
    make("p", {}, make("button", { class: "main" }, word("signIn"))));
}

function stateOf(job) {
  const name = job.is_cancelling ? "cancelling" : job.is_paused ? "paused" : job.state;
  return make("span", { class: `state ${job.state}` }, word(name));
}

function progressOf(job) {
  if (job.state !== "running" || !job.units) return job.detail || "";
  return [make("progress", { max: job.units, value: job.units_done, "aria-label": word("progress") }), make("span", { class: "soft" }, `${job.units_done} / ${job.units} ${job.detail}`)];
}

async function queuePage() {
  const query = new URLSearchParams(location.hash.split("?")[1] ?? "");
  const [state, title] = [query.get("state") ?? "", query.get("title") ?? ""];
  const jobs = await ask(`/api/jobs?limit=100${state ? `&state=${state}` : ""}${title ? `&title=${encodeURIComponent(title)}` : ""}`);
  const rows = jobs.map((job) => make("tr", {},
    make("td", {}, make("a", { href: `#/title/${job.id}` }, job.submission.title)),
    make("td", {}, stateOf(job)), make("td", {}, progressOf(job)), make("td", { class: "number" }, `${job.priority}`), make("td", {}, time(job.created_at))));
  const go = (values) => { location.hash = `#/queue?${new URLSearchParams({ state, title, ...values })}`; };
  const choice = make("select", { "aria-label": word("state"), onchange: (event) => go({ state: event.target.value }) },
    ["", "queued", "running", "done", "failed", "cancelled"].map((own) => make("option", { value: own, selected: own === state }, own ? word(own) : word("all"))));
  const search = make("input", { type: "search", "aria-label": word("search"), placeholder: word("search"), value: title, onchange: (event) => go({ title: event.target.value }) });
  return [make("div", { class: "row" }, make("h1", {}, word("queue")), make("div", {}, choice), make("div", {}, search)),
    rows.length ? make("div", { class: "card scroll" }, table(["title", "state", "progress", "priority", "submitted"], rows)) : make("p", { class: "soft" }, word("nothing"))];
}

/** Columns of numbers. */
const NUMBERS = ["size", "free", "priority", "took"];

function table(heads, rows) {
  return make("table", {}, make("thead", {}, make("tr", {}, heads.map((head) => make("th", { scope: "col", class: NUMBERS.includes(head) ? "number" : null }, head ? word(head) : "")))), make("tbody", {}, rows));
}

const AUDIO = /\.(wav|w64|bwf|flac|aiff?|ac3|eac3|m4a|mka|mp2|mp3)$/i;

/** The audio files beside a master whose names begin as its does, each with a choice, its language and its offset. */
async function tracksBeside(source) {
  const folder = source.split("/").slice(0, -1).join("/");
  const stem = source.split("/").pop().replace(/\.[^.]*$/, "");
  const entries = source ? await ask(`/api/masters?path=${encodeURIComponent(folder)}`).catch(() => []) : [];
  const names = entries.map((entry) => entry.name).filter((name) => AUDIO.test(name) && name.toLowerCase().startsWith(stem.toLowerCase()));
  return names.map((name) => {
    const wanted = make("input", { type: "checkbox", checked: true, "aria-label": name });
    const spoken = name.slice(stem.length).match(/[._ -]([a-z]{2,3})[._ -]/i)?.[1].toLowerCase() ?? "";
    const spokenIn = make("input", { value: spoken, size: 4, maxlength: 3, "aria-label": `${word("language")}, ${name}` });
    const later = make("input", { value: "", size: 6, inputmode: "decimal", "aria-label": `${word("offset")}, ${name}` });
    const file = folder ? `${folder}/${name}` : name;
    const row = make("tr", {}, make("td", {}, wanted), make("td", {}, name), make("td", {}, spokenIn), make("td", {}, later));
    return { row, track: () => (wanted.checked ? { files: [file], language: spokenIn.value || null, offset: later.value || null } : null) };
  });
}

async function submitPage(_, query) {
  const source = make("input", { required: true, value: query.get("source") ?? "" });
  const stem = (query.get("source") ?? "").split("/").pop().replace(/\.[^.]*$/, "");
  const title = make("input", { required: true, maxlength: 150, value: query.get("title") ?? stem });
  const profiles = make("input", { required: true, value: query.get("profiles") ?? "archive, preview" });
  const priority = make("select", {}, [1, 2, 3, 4, 5].map((own) => make("option", { value: own, selected: own === 3 }, own === 1 ? word("urgent") : own === 5 ? word("least") : `${own}`)));
  const overwrite = make("input", { type: "checkbox", id: "overwrite" });
  const key = crypto.randomUUID();
  const tracks = await tracksBeside(source.value);
  const send = tried(async () => {
    const job = await post("/api/jobs", {
      title: title.value, source: source.value, profiles: profiles.value.split(",").map((own) => own.trim()).filter(Boolean),
      priority: Number(priority.value), overwrite: overwrite.checked, tracks: tracks.map((own) => own.track()).filter(Boolean),
    }, { "Idempotency-Key": key });
    say(word("sent"));
    location.hash = `#/title/${job.id}`;
  });
  return [make("h1", {}, word("submit")), make("form", { class: "card", onsubmit: send }, make("div", { class: "grid" },
    make("div", {}, field("source", source)), make("div", {}, field("title", title)), make("div", {}, field("profiles", profiles)), make("div", {}, field("priority", priority))),
    tracks.length ? [make("h2", {}, word("tracks")), make("div", { class: "scroll" }, table(["", "name", "language", "offset"], tracks.map((own) => own.row)))] : null,
    make("p", {}, make("label", { for: "overwrite" }, overwrite, word("overwrite"))), make("p", {}, make("button", { class: "main" }, word("send"))))];
}

/** What watch folders have taken. */
async function arrivalsTable() {
  const arrivals = await ask("/api/arrivals");
  const dismiss = (own) => tried(async () => { await post("/api/arrivals/dismiss", { path: own.path }); show(); });
  const choose = (own) => `#/submit?${new URLSearchParams({ source: own.path, title: own.submission.title, profiles: own.submission.profiles.join(", ") })}`;
  const stateWord = (own) => word(own.state === "submitted" ? "submittedState" : own.state);
  const rows = arrivals.map((own) => make("tr", {}, make("td", {}, own.job ? make("a", { href: `#/title/${own.job}` }, own.path) : own.path), make("td", {}, own.rule),
    make("td", {}, stateWord(own)), make("td", { class: "soft" }, own.why),
    make("td", {}, own.state === "waits" ? make("div", { class: "row" }, make("a", { href: choose(own) }, word("choose")), make("button", { type: "button", onclick: dismiss(own) }, word("dismiss"))) : "")));
  return rows.length ? [make("h2", {}, word("arrivals")), make("div", { class: "card scroll" }, table(["name", "rule", "state", "", ""], rows))] : null;
}

async function mastersPage(path) {
  const [entries, arrivals] = await Promise.all([ask(`/api/masters?path=${encodeURIComponent(path)}`), path ? null : arrivalsTable()]);
  const below = (name) => (path ? `${path}/${name}` : name);
  const found = make("pre", { hidden: true });
  const look = (name) => tried(async () => {
    const info = await post("/api/probe", { path: below(name) });
    found.hidden = false;
    found.textContent = JSON.stringify(info, null, 2);
    found.scrollIntoView();
  });
  const rows = entries.map((entry) => make("tr", {},
    make("td", {}, entry.is_folder ? make("a", { href: `#/masters/${encodeURIComponent(below(entry.name))}` }, `${entry.name}/`) : entry.name),
    make("td", { class: "number" }, entry.is_folder ? "" : size(entry.bytes)), make("td", {}, time(entry.changed_at)),
    make("td", {}, entry.is_folder ? "" : make("div", { class: "row" }, make("button", { type: "button", onclick: look(entry.name) }, word("probe")),
      make("a", { href: `#/submit?source=${encodeURIComponent(below(entry.name))}` }, word("choose"))))));
  const up = path ? make("a", { href: `#/masters/${encodeURIComponent(path.split("/").slice(0, -1).join("/"))}` }, word("up")) : null;
  return [make("h1", {}, `${word("masters")} ${path}`), arrivals, up, make("div", { class: "card scroll" }, table(["name", "size", "changed", ""], rows)), found];
}

async function titlePage(id) {
  const [job, outputs, attempts, changes] = await Promise.all([ask(`/api/jobs/${id}`), ask(`/api/jobs/${id}/outputs`), ask(`/api/jobs/${id}/attempts`), ask(`/api/jobs/${id}/changes`)]);
  const act = (action, value = {}) => tried(async () => { await post(`/api/jobs/${id}/${action}`, value); show(); });
  const isOver = !["queued", "running"].includes(job.state);
  const button = (action, label = action) => make("button", { type: "button", onclick: act(action) }, word(label));
  const actions = isOver ? (job.state === "done" ? [] : [button("retry")]) : [job.is_paused ? button("resume") : button("pause"), button("cancel")];
  const preview = outputs.map((own) => own.path).find((path) => path.endsWith(".preview.mp4"));
  const below = (path) => `/preview/${encodeURIComponent(job.submission.title)}/${path.split("/").map(encodeURIComponent).join("/")}`;
  const poster = outputs.map((own) => own.path).find((path) => path.endsWith(".poster.jpg"));
  return [
    make("div", { class: "row" }, make("h1", {}, job.submission.title), stateOf(job), actions),
    job.error ? make("div", { class: "card bad" }, make("strong", {}, word("error")), make("p", {}, job.error.message)) : null,
    make("div", { class: "card" }, make("p", {}, `${word("source")}: `, make("code", {}, job.submission.source)), make("p", {}, `${word("profiles")}: ${job.submission.profiles.join(", ")}`), make("p", {}, progressOf(job))),
    preview ? make("div", { class: "card" }, make("h2", {}, word("preview")), make("video", { controls: true, preload: "metadata", src: below(preview), poster: poster ? below(poster) : null })) : null,
    outputs.length ? [make("h2", {}, word("outputs")), make("div", { class: "card scroll" }, table(["name", "size", ""], outputs.map((own) => make("tr", {}, make("td", {}, own.path), make("td", { class: "number" }, size(own.bytes)), make("td", {}, make("code", {}, own.sha256)))))), make("p", {}, make("a", { href: `/api/jobs/${id}/report` }, word("report")))] : null,
    attempts.length ? [make("h2", {}, word("attempts")), make("div", { class: "card scroll" }, table(["step", "worker", "began", "took", "outcome"], attempts.map((own) => make("tr", {}, make("td", {}, own.step), make("td", {}, own.worker), make("td", {}, time(own.began_at)), make("td", { class: "number" }, own.ended_at ? seconds(own.ended_at - own.began_at) : ""), make("td", {}, own.outcome ?? "")))))] : null,
    make("h2", {}, word("events")), make("div", { class: "card scroll" }, table(["when", "what", "who", ""], changes.map((own) => make("tr", {}, make("td", {}, time(own.at)), make("td", {}, own.what), make("td", {}, own.who), make("td", { class: "soft" }, JSON.stringify(own.detail)))))),
  ];
}

async function workersPage() {
  const workers = await ask("/api/workers");
  const drain = (own) => tried(async () => { await post(`/api/workers/${encodeURIComponent(own.name)}/drain`, { is_draining: !own.is_draining }); show(); });
  const rows = workers.map((own) => make("tr", {}, make("td", {}, own.name), make("td", {}, own.version), make("td", {}, own.work ?? ""), make("td", { class: Date.now() - own.seen_at > 10000 ? "bad" : "" }, time(own.seen_at)),
    make("td", {}, user.role === "administrator" ? make("button", { type: "button", onclick: drain(own) }, word(own.is_draining ? "take" : "drain")) : "")));
  return [make("h1", {}, word("workers")), make("div", { class: "card scroll" }, table(["name", "version", "work", "seen", ""], rows))];
}

async function systemPage() {
  const [system, { text }] = await Promise.all([ask("/api/system"), ask("/api/notice")]);
  const notice = make("textarea", { rows: 2 }, text);
  const save = tried(async () => { await ask("/api/notice", { method: "PUT", body: { text: notice.value } }); });
  return [make("h1", {}, `${word("system")} ${system.version}`),
    make("div", { class: "card scroll" }, table(["mount", "free", "size", "trouble"], system.mounts.map((own) => make("tr", {}, make("td", {}, own.mount, " ", make("code", {}, own.path)), make("td", { class: "number" }, size(own.free)), make("td", { class: "number" }, size(own.size)), make("td", { class: "bad" }, own.trouble ?? ""))))),
    user.role === "administrator" ? make("form", { class: "card", onsubmit: save }, field("notice", notice), make("p", {}, make("button", { class: "main" }, word("save")))) : null];
}

const PAGES = { queue: queuePage, submit: submitPage, masters: mastersPage, title: titlePage, workers: workersPage, system: systemPage };
const NAVIGATION = ["queue", "submit", "masters", "workers", "system"];

// ---- the frame around the pages

let shown = 0;

async function show() {
  const own = (shown += 1);
  document.documentElement.lang = language;
  document.querySelectorAll("[data-text]").forEach((element) => { element.textContent = word(element.dataset.text); });
  $("language").textContent = language === "en" ? "RU" : "EN";
  $("language").setAttribute("aria-label", language === "en" ? "Русский" : "English");
  const [path, query] = location.hash.replace(/^#\//, "").split("?");
  const [name, ...rest] = (path || "queue").split("/");
  $("nav").hidden = $("out").hidden = !user;
  $("user").textContent = user?.name ?? "";
  $("nav").replaceChildren(...NAVIGATION.map((page) => make("a", { href: `#/${page}`, "aria-current": page === name ? "page" : null }, word(page))));
  banners();
  try {
    const content = user ? await (PAGES[name] ?? queuePage)(decodeURIComponent(rest.join("/")), new URLSearchParams(query ?? "")) : signInPage();
    if (own === shown) $("main").replaceChildren(...[content].flat(3).filter((part) => part != null));
  } catch (error) {
    if (own === shown && !offlineSince) say(error.message);
  }
}

function banners() {
  const lines = parts.filter((part) => part.away_since).map((part) => word("isAway", { part: word(`part_${part.part}`), time: time(part.away_since), why: part.why ?? "" }));
  if (offlineSince) lines.unshift(word("server", { time: time(offlineSince) }));
  $("away").hidden = !lines.length;
  const text = lines.join("\n");
  if ($("away").textContent !== text) $("away").textContent = text;
}

let waiting = null;
/** Shows the page anew, at most twice a second. Forms are left as they are. */
function refresh() {
  if (waiting || /^#\/(submit|system|masters)/.test(location.hash)) return;
  waiting = setTimeout(() => {
    waiting = null;
    const plays = [...document.querySelectorAll("video")].some((video) => !video.paused);
    if (user && !plays) show();
  }, 500);
}

function connect() {
  if (!user || socket) return;
  const scheme = location.protocol === "https:" ? "wss" : "ws";
  socket = new WebSocket(`${scheme}://${location.host}/ws${last == null ? "" : `?after=${last}`}`);
  socket.onmessage = ({ data }) => {
    const told = JSON.parse(data);
    if (offlineSince) { offlineSince = null; refresh(); }
    if (told.type === "state") {
      ({ parts, last } = told);
      $("notice").hidden = !told.notice;
      if ($("notice").textContent !== told.notice) $("notice").textContent = told.notice;
      banners();
    } else {
      last = told.change.number;
      refresh();
    }
  };
  socket.onclose = () => {
    socket = null;
    offlineSince ??= Date.now();
    banners();
    setTimeout(connect, 1000);
  };
}

$("language").addEventListener("click", () => { language = language === "en" ? "ru" : "en"; localStorage.setItem("language", language); show(); });
$("out").addEventListener("click", tried(async () => { await post("/api/sign-out"); user = null; socket?.close(); show(); }));
addEventListener("hashchange", () => { show(); $("main").focus(); });
ask("/api/me").then((found) => { user = found; connect(); }).catch(() => {}).finally(show);
