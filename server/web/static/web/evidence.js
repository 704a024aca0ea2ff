// What a check rests on, so that a person can follow it: fields side by side, status codes with their words, digests.

import { el, has, machineName, shortened, word } from "./page.js";

const HEX = /^sha256:[0-9a-f]{64}$/;
const LONGEST = 600;

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
  const items = name === "findings" ? value.map(finding) : [value].flat().map(shown);
  return [el("dt", {}, has(`evidence_${name}`) ? word(`evidence_${name}`) : name), ...items.map((item) => el("dd", {}, item))];
}

function finding({ code, explanation, uri }) {
  return el("span", {}, el("code", {}, shortened(code, 120)), el("span", { class: "hint" }, shortened([explanation, uri].filter(Boolean).join(" · "), 300)));
}

function shown(value) {
  if (HEX.test(value)) return machineName(value);
  if (value && typeof value === "object" && !Array.isArray(value)) return nested(value);
  return shortened(typeof value === "string" ? value : JSON.stringify(value), LONGEST);
}

/** What an evidence holds inside: terms under terms. */
function nested(value) {
  return el("dl", { class: "facts" }, Object.entries(value).filter(([, one]) => !isEmpty(one)).flatMap(line));
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
