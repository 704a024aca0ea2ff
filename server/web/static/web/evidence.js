// What a check rests on, so that a person can follow it: fields side by side, status codes with their words, digests.

import { el, has, machineName, said, shortened, word } from "./page.js";

const HEX = /^sha256:[0-9a-f]{64}$/;
const LONGEST = 600;
const PLACES = ["proof", "href"];

/** The evidence of one check, folded until somebody asks for it. */
export function evidence({ code, subject, evidence: found }) {
  const entries = Object.entries(found ?? {}).filter(([, value]) => !isEmpty(value));
  if (!entries.length) return el("span", { class: "evidence" }, code);
  const title = [code, subject].filter(Boolean).map((text) => shortened(text, 120)).join(" · ");
  const about = el("dl", { class: "facts" }, entries.filter(([name]) => name !== "fields").flatMap(line));
  const table = found.fields?.length ? fieldTable(found.fields) : null;
  return el("details", { class: "evidence" }, el("summary", {}, word("evidence", { code: title })), table, about);
}

function isEmpty(value) {
  return value === "" || value === null || (Array.isArray(value) && !value.length);
}

function line([name, value]) {
  const items = name === "findings" ? value.map(finding) : [value].flat().map((one) => shown(one, name));
  return [el("dt", {}, nameOf(name)), ...items.map((item) => el("dd", {}, item))];
}

function nameOf(name) {
  return has(`evidence_${name}`) ? word(`evidence_${name}`) : name;
}

function finding({ code, explanation, uri }) {
  return el("span", {}, el("code", {}, shortened(code, 120)), el("span", { class: "hint" }, shortened([explanation, uri].filter(Boolean).join(" · "), 300)));
}

function shown(value, name) {
  if (HEX.test(value)) return machineName(value);
  if (isPlace(value, name)) return el("a", { href: value }, value);
  if (isSentence(value)) return shortened(said(value), LONGEST);
  if (isNested(value)) return nested(value);
  return shortened(plain(value, name), LONGEST);
}

/** Whether a value is a place of this site's own: what a stranger's file names never is. */
function isPlace(value, name) {
  return PLACES.includes(name) && /^\/\w[\w./:-]*$/.test(value);
}

function isNested(value) {
  return value !== null && typeof value === "object" && !Array.isArray(value);
}

function isSentence(value) {
  return isNested(value) && "en" in value && "zh-Hans" in value;
}

/** One value in the page's language, where it is one of a list that the page has words for. */
function plain(value, name) {
  if (typeof value === "boolean") return word(value ? "yes" : "no");
  const keys = { layer: "layer", known_by: "layer", differing: "field", basis: "basis", reason: "form" };
  const key = keys[name] ? `${keys[name]}_${value}` : `told_${name}_${String(value).replace(/\W/g, "_")}`;
  if (has(key)) return word(key);
  if (name === "window") return word("told_window", { number: value });
  return typeof value === "string" ? value : JSON.stringify(value);
}

/** What an evidence holds inside: on one line where that holds nothing inside again, else terms under terms. */
function nested(value) {
  const entries = Object.entries(value).filter(([, one]) => !isEmpty(one));
  if (entries.every(([, one]) => !isNested(one) && !HEX.test(one))) {
    return el("span", {}, entries.flatMap((entry, place) => [place ? " · " : "", ...onOneLine(entry)]));
  }
  return el("dl", { class: "facts" }, entries.flatMap(line));
}

function onOneLine([name, value]) {
  if (isPlace(value, name)) return [word("term_and_value", { term: nameOf(name), value: "" }), shown(value, name)];
  const values = [value].flat().map((one) => plain(one, name));
  return [word("term_and_value", { term: nameOf(name), value: shortened(values.join(word("comma")), LONGEST) })];
}

/** Each field that both state, with both values. */
function fieldTable(fields) {
  const head = ["field", "in_manifest", "in_record", "agrees"].map((key) => el("th", { scope: "col" }, word(key)));
  const rows = fields.map(({ field, manifest, record, agrees }) =>
    el(
      "tr",
      { class: agrees ? null : "differs" },
      el("th", { scope: "row" }, has(`field_${field}`) ? word(`field_${field}`) : field),
      el("td", {}, cell(manifest)),
      el("td", {}, cell(record)),
      el("td", {}, word(agrees ? "yes" : "no")),
    ),
  );
  const table = el("table", { class: "fields" }, el("thead", {}, el("tr", {}, head)), el("tbody", {}, rows));
  return el("div", { class: "wide", tabindex: "0", role: "region", "aria-label": word("fields_title") }, table);
}

function cell(value) {
  if (Array.isArray(value)) return value.length ? value.map((one) => el("div", {}, cell(one))) : "–";
  if (value && typeof value === "object") return shortened(Object.values(value).join(" · "), LONGEST);
  return value === "" || value === null ? "–" : shortened(String(value), LONGEST);
}
