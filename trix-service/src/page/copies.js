// The copies of a title with what was checked and measured.

import { make } from "./dom.js";
import { curvesOf, framesCompared } from "./curves.js";
import { number, size } from "./format.js";
import { facts, more, row, scroll, table } from "./parts.js";
import { warningsList } from "./plan.js";
import { plural, word } from "./words.js";

const nameOf = (path) => path.split("/").pop();

function checksOf(name, checks) {
  if (!checks?.length) return null;
  const good = checks.filter((own) => own.ok).length;
  const heads = [[word("name"), "wide"], [word("expected")], [word("found")], [word("result")]];
  // What is wrong comes first.
  const sorted = [...checks].sort((one, other) => one.ok - other.ok);
  const rows = sorted.map((own) =>
    row(heads, [own.name, own.expected, own.found, word(own.ok ? "ok" : "wrong")], { class: own.ok ? null : "failed" }),
  );
  const summary = make(
    "span",
    { class: good === checks.length ? "good-text" : "wrong-text" },
    plural("checksOk", checks.length, { ok: number(good) }),
  );
  return more(
    summary,
    scroll(
      `${word("checks")}: ${name}`,
      make(
        "table",
        { "aria-label": `${word("checks")}: ${name}` },
        make(
          "thead",
          {},
          make(
            "tr",
            {},
            heads.map(([text, kind]) => make("th", { scope: "col", class: kind }, text)),
          ),
        ),
        make("tbody", {}, rows),
      ),
      "tall",
    ),
    { open: good < checks.length },
  );
}

function ledgerOf(ledger) {
  if (!ledger) return null;
  const text = word(
    "ledgerText",
    Object.fromEntries(["decoded", "encoded", "emitted", "found"].map((name) => [name, number(ledger[name])])),
  );
  const isEven = ledger.encoded === ledger.emitted && ledger.emitted === ledger.found;
  return make("span", { class: isEven ? null : "wrong-text" }, text);
}

function scoreFacts(score) {
  if (!score) return [];
  const frames = framesCompared(score.frames);
  if (score.identical) return [[word("score"), make("span", { class: "good-text" }, `${word("identicalAll")} (${frames})`)]];
  const decibels = (value) => (value == null ? word("identical") : word("decibels", { n: number(value, 2) }));
  const worst = (own, value) => own && word("worstAt", { value, frame: number(own.frame) });
  return [
    [word("psnr"), `${decibels(score.psnr_db)} (${frames})`],
    [word("ssim"), score.ssim == null ? null : number(score.ssim, 5)],
    [`${word("worstFrame")} (PSNR)`, worst(score.worst_psnr, decibels(score.worst_psnr?.luma_psnr_db))],
    [`${word("worstFrame")} (SSIM)`, worst(score.worst_ssim, number(score.worst_ssim?.luma_ssim, 5))],
  ];
}

function loudnessOf(name, list) {
  if (!list?.length) return null;
  const heads = [
    [word("track"), "number"],
    [word("integrated"), "number"],
    [word("loudRange"), "number"],
    [word("truePeak"), "number"],
    [word("momentary"), "number"],
    [word("shortTerm"), "number"],
  ];
  const rows = list.map(({ track, loudness: own }) =>
    row(heads, [
      `${track}`,
      ...[own.integrated_lufs, own.range_lu, own.true_peak_dbtp, own.max_momentary_lufs, own.max_short_term_lufs].map((value) =>
        number(value, 1),
      ),
    ]),
  );
  return [make("h4", {}, word("loudness")), table(`${word("loudness")}: ${name}`, heads, rows, { cards: true })];
}

/** Frames a second of a copy. */
function rateOf({ tracks, ledger }) {
  const video = tracks?.find((own) => own.kind === "video");
  const length = video ? video.end?.seconds - (video.start?.seconds ?? 0) : 0;
  return length > 0 ? (ledger?.found ?? video.packets) / length : null;
}

function copyOf(own, hashes) {
  const name = nameOf(own.path);
  const hash = own.sha256 ?? hashes.get(name);
  const { score, level, checks } = own.verification ?? {};
  return make(
    "article",
    { class: "copy" },
    make("h3", {}, name),
    facts([
      [word("size"), size(own.bytes)],
      [word("ledger"), ledgerOf(own.ledger)],
      [word("level"), level && word(level === "full" ? "checkFull" : level === "structure" ? "checkStructure" : level)],
      ...scoreFacts(score),
      [word("sha256"), hash ? make("code", { class: "hash" }, hash) : null],
    ]),
    own.warnings?.length ? warningsList(own.warnings) : null,
    checksOf(name, checks),
    score ? curvesOf(score, rateOf(own)) : null,
    loudnessOf(name, own.loudness),
  );
}

function packageOf(own) {
  const name = nameOf(own.path);
  const renditions = own.renditions ?? [];
  const heads = [[word("name"), "wide"], [word("codec")], [word("ledger")]];
  const rows = renditions.map((one) =>
    row(heads, [one.record?.id ?? "", one.record?.codecs ?? "", one.ledger ? ledgerOf(one.ledger) : ""]),
  );
  return make(
    "article",
    { class: "copy" },
    make("h3", {}, `${name}/`),
    facts([
      [word("kind"), word("package")],
      [word("size"), size(own.bytes)],
    ]),
    rows.length ? table(`${word("package")}: ${name}`, heads, rows, { cards: true }) : null,
    checksOf(name, own.checks),
    renditions.map((one) => loudnessOf(one.record?.id ?? name, one.loudness)),
  );
}

/** All files with their hashes. */
function filesOf(outputs) {
  const heads = [[word("name"), "wide"], [word("size"), "number"], [word("sha256")]];
  const rows = outputs.map((own) => row(heads, [own.path, size(own.bytes), make("code", { class: "hash" }, own.sha256)]));
  return more(plural("allFiles", outputs.length), table(word("copies"), heads, rows), { open: outputs.length <= 8 });
}

/** Everything that a job has made. */
export function copiesOf(outputs, report) {
  const hashes = new Map(outputs.map((own) => [nameOf(own.path), own.sha256]));
  return [(report?.outputs ?? []).map((own) => copyOf(own, hashes)), (report?.packages ?? []).map(packageOf), filesOf(outputs)];
}
