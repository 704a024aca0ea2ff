// A picture's colophon: who made it, with what, for whose credit, on what terms.

import { el, fact, link, machineName, moment, money, said, word } from "./page.js";
import { accountName } from "./signed_in.js";

/** The colophon of one picture of a request, with its download. */
export function colophonOf(record, output) {
  return el(
    "div",
    { class: "colophon" },
    el("p", { class: "making" }, making(record, output)),
    record.credits.map((line) => el("p", { class: "credit" }, said(line))),
    el("p", { class: "mark", "aria-hidden": "true" }, "⁂"),
    notesOf(record),
    el(
      "p",
      { class: "actions" },
      el("a", { class: "button primary", id: "download", href: output.links.file, download: fileName(output) }, word("download")),
      el("a", { class: "button", id: "bundle", href: `/api/v1/images/${output.digest}/bundle`, download: "" }, word("download_bundle")),
      el("a", { class: "button", href: `/verify#${output.digest}` }, word("verify_this")),
    ),
    owedOf(record),
    particulars(record, output),
  );
}

function making(record, output) {
  const who = record.owner_name ?? accountName;
  const values = { who, when: moment(output.delivered_at), model: record.model.name, seed: output.seed };
  return word(who ? "colophon_by" : "colophon", values);
}

function fileName({ digest, media_type: type }) {
  const ending = { "image/jpeg": "jpg", "image/webp": "webp", "image/avif": "avif" }[type] ?? "png";
  return `colophon-${digest.slice(7, 15)}.${ending}`;
}

function notesOf({ notes = [], notices = [] }) {
  const codes = new Set(notes.map((note) => note.code));
  // What the worker saw for itself takes the place of what was foretold.
  const told = [...notices.filter((notice) => !codes.has(notice.code)), ...notes];
  if (!told.length) return null;
  return el("div", { class: "notes" }, el("h3", {}, word("notes")), told.map((note) => el("p", {}, said(note))));
}

function owedOf({ decision, conditions }) {
  const duties = (decision?.references ?? []).flatMap((answer) => answer.duties.map(said));
  const listed = [...priceOf(decision), ...new Set(duties)];
  const owed = listed.length ? el("ul", {}, listed.map((duty) => el("li", {}, duty))) : el("p", {}, word("nothing_owed"));
  return el(
    "div",
    { class: "owed" },
    el("h3", {}, word("owed")),
    owed,
    conditions && el("p", { class: "hint", id: "conditions" }, said(conditions)),
    el("p", { class: "hint" }, word("rights_note")),
  );
}

/** What is owed for each picture, and to whom: Colophon records it, and neither collects nor pays. */
function priceOf(decision) {
  if (!Number(decision?.quote?.per_image)) return [];
  const { per_image, currency } = decision.quote;
  const each = money(per_image, currency);
  const paid = decision.references.filter((answer) => answer.price && answer.owner);
  const who = [...new Set(paid.map((answer) => answer.owner))].join(word("comma"));
  const isAllNamed = paid.length === decision.references.filter((answer) => answer.price || answer.works).length;
  return [who && isAllNamed ? word("price_owed", { each, who }) : word("price_owed_unnamed", { each })];
}

function particulars(record, output) {
  const basis = (record.decision?.references ?? []).flatMap((answer) => answer.reasons.map(said));
  const drawn = {
    width: output.width,
    height: output.height,
    steps: record.steps,
    guidance: record.guidance_scale,
  };
  const facts = [
    fact(word("fact_prompt"), record.prompt ?? word("picture_alt_private")),
    record.negative_prompt ? fact(word("fact_negative"), record.negative_prompt) : [],
    fact(word("fact_disclosure"), word(`disclosure_${record.disclosure}`)),
    fact(word("fact_model"), modelLine(record.model), machineName(record.model.digest)),
    fact(word("fact_basis"), basis),
    fact(word("fact_drawn"), word("drawn", drawn)),
    fact(word("fact_file"), machineName(output.digest)),
    fact(word("fact_manifest"), machineName(output.manifest_id)),
    record.request_leaf ? fact(word("fact_entry"), machineName(record.request_leaf)) : [],
    fact(word("fact_generation"), machineName(record.id)),
  ];
  return el("details", { class: "particulars" }, el("summary", {}, word("particulars")), el("dl", { class: "facts" }, facts.flat()));
}

function modelLine(model) {
  return el("span", {}, model.name, word("comma"), link(model.licence, model.licence_url));
}
