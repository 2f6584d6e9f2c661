// What a master holds, as tables.

import { make } from "./dom.js";
import { clock, number, rate, size, span, spoken } from "./format.js";
import { facts, more, row, scroll, table } from "./parts.js";
import { known, plural, word } from "./words.js";

const FIELDS = { progressive: "progressive", tt: "interlaced", bb: "interlaced", tb: "interlaced", bt: "interlaced" };

/** Names of colours that engineers know by others. */
const COLORS = {
  bt709: "BT.709",
  bt2020: "BT.2020",
  bt2020nc: "BT.2020",
  "bt2020-10": "BT.2020",
  smpte170m: "SMPTE 170M",
  bt470bg: "BT.470 BG",
  smpte2084: "PQ",
  "arib-std-b67": "HLG",
  smpte432: "P3-D65",
  smpte431: "P3-DCI",
};

const seconds = (time) => (time == null ? null : time.seconds);
const listed = (values) => values.filter(Boolean).join(", ");

function videoText(video) {
  const color = video.color ?? {};
  const names = [color.primaries, color.transfer, color.matrix]
    .filter((own) => own && own !== "unknown")
    .map((own) => COLORS[own] ?? own);
  const depth = video.bit_depth ? plural("bits", video.bit_depth) : null;
  const chroma = video.chroma ? `${video.chroma}`.replace(/^(\d)(\d)(\d)$/, "$1:$2:$3") : null;
  return listed([
    `${video.width}×${video.height}`,
    rate(video.timing?.customary_rate ?? video.average_rate ?? video.declared_rate),
    chroma,
    depth,
    FIELDS[video.field_order] ? word(FIELDS[video.field_order]) : null,
    [...new Set(names)].join("/"),
    color.range ? known(`range_${color.range}`) : null,
    video.hdr ? "HDR" : null,
  ]);
}

const audioText = (audio) =>
  listed([
    plural("channels", audio.channels),
    audio.layout,
    audio.sample_rate ? `${number(audio.sample_rate / 1000, audio.sample_rate % 1000 ? 1 : 0)} kHz` : null,
    audio.bit_depth ? plural("bits", audio.bit_depth) : null,
  ]);

/** The tables of what `trix probe` prints. */
export function probeTable(name, info) {
  const { container = {}, streams = [], chapters = [], disagreements = [] } = info;
  const heads = [
    ["#", "number"],
    [word("kind")],
    [word("codec")],
    [word("picture")],
    [word("language")],
    [word("duration"), "number"],
    [word("dataRate"), "number"],
  ];
  const rows = streams.map((own) =>
    row(heads, [
      `${own.index}`,
      known(`kind_${own.kind}`) ?? own.kind,
      listed([own.codec_description ?? own.codec, own.profile, own.commercial_name]),
      own.video ? videoText(own.video) : own.audio ? audioText(own.audio) : (own.title ?? ""),
      listed([spoken(own.language), own.audio ? own.title : null]),
      own.duration ? span(seconds(own.duration)) : "",
      own.bit_rate ? `${number(own.bit_rate / 1000)} kbit/s` : "",
    ]),
  );
  const text = (own) => (typeof own === "string" ? own : (own.text ?? own.message ?? JSON.stringify(own)));
  return [
    facts([
      [word("container"), listed([container.description, container.brand])],
      [
        word("duration"),
        container.duration ? `${clock(seconds(container.duration))} (${span(seconds(container.duration))})` : null,
      ],
      [word("size"), info.bytes ? size(info.bytes) : null],
      [word("chapters"), chapters.length ? number(chapters.length) : null],
    ]),
    table(word("streams"), heads, rows, { cards: true }),
    disagreements.length
      ? [
          make("h3", {}, word("disagreements")),
          make(
            "ul",
            {},
            disagreements.map((own) => make("li", {}, text(own))),
          ),
        ]
      : null,
    more(word("raw"), scroll(`${word("raw")}, ${name}`, make("pre", {}, JSON.stringify(info, null, 2)), "tall")),
  ];
}
