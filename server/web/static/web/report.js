// A verdict as a person reads it: one sentence, the facts at a glance, every check, then all there is.

import { $, el, fact, has, language, link, machineName, moment, said, word } from "./page.js";

const LONGEST = 1200;
const HEX = /^sha256:[0-9a-f]{64}$/;

let saved = null;

/** Show a verdict on the report part of the page. */
export function showReport(verdict, name) {
  $("summary").dataset.state = verdict.state;
  $("report-title").textContent = said(verdict.summary);
  $("checked-name").textContent = shortened(name, 120);
  $("glance").replaceChildren(...glance(verdict));
  $("checks").replaceChildren(...checkLines(verdict.checks));
  $("count").textContent = counted(verdict.checks);
  showStated(verdict);
  showRecorded(verdict.records);
  $("expert-facts").replaceChildren(...expert(verdict));
  $("raw").textContent = JSON.stringify(verdict, null, 2);
  offerToSave(verdict);
}

// ---- at a glance

function glance(verdict) {
  const { manifest, signer } = verdict;
  return [
    ...fact(word("signed_by"), ...signedBy(signer)),
    ...fact(word("making"), word(manifest ? `making_${manifest.making}` : "making_unknown")),
    ...(manifest?.made_at ? fact(word("made_at"), moment(manifest.made_at)) : []),
    ...listOf(word("made_from"), manifest?.references, referenceLine),
    ...listOf(word("credits"), creditsOf(verdict), (line) => el("span", { class: "credit" }, shortened(line))),
  ];
}

function signedBy(signer) {
  if (!signer) return [word("signed_by_nobody")];
  const { name, organization } = signer;
  const who = name && organization && name !== organization ? `${name} (${organization})` : name || organization || "?";
  return signer.is_development ? [who, el("span", { class: "hint" }, word("signer_development"))] : [who];
}

/** The credit lines in the reader's language where one record has them, else as the manifest states them. */
function creditsOf({ manifest, records }) {
  const recorded = records.length === 1 ? records[0].credits.map(said) : [];
  return recorded.length ? recorded : (manifest?.credits ?? []);
}

function referenceLine(reference) {
  const parts = [shortened(reference.name ?? "", 200)];
  if (reference.licence) parts.push(word("comma"), reference.licence);
  return el("span", {}, link(parts.join(""), reference.url));
}

// ---- every check

/** The checks in their order; neighbours that say the very same thing share a line. */
function checkLines(checks) {
  const groups = [];
  for (const check of checks) {
    const last = groups.at(-1);
    if (last && said(last[0]) === said(check) && shownResult(last[0]) === shownResult(check)) last.push(check);
    else groups.push([check]);
  }
  return groups.map(checkLine);
}

function checkLine(group) {
  const [check] = group;
  const result = shownResult(check);
  return el(
    "li",
    { class: `check ${result}`, "data-code": check.code },
    el("span", { class: "result" }, word(result)),
    el("span", { class: "sentence" }, shortened(said(check))),
    group.map(evidenceOf),
  );
}

/** A check's result for people: a signer whom nobody vouches for is no failure of the picture. */
function shownResult({ code, result }) {
  return code === "signer.trusted" && result === "failed" ? "not_vouched" : result;
}

function evidenceOf({ evidence, code }) {
  if (!evidence || !Object.keys(evidence).length) return el("span", { class: "evidence" }, code);
  const text = shortened(JSON.stringify(evidence, null, 1), 6000);
  return el("details", { class: "evidence" }, el("summary", {}, code), el("pre", { tabindex: "0" }, text));
}

function counted(checks) {
  const count = (result) => checks.filter((check) => shownResult(check) === result).length;
  const values = { passed: count("passed"), failed: count("failed"), not_checked: count("not_checked") };
  const sentence = word("checks_counted", values);
  return count("not_vouched") ? `${sentence}${word("comma")}${word("signer_not_vouched")}` : sentence;
}

// ---- what the manifest states

function showStated({ manifest, state }) {
  $("stated").hidden = !manifest;
  if (!manifest) return;
  $("stated-title").textContent = word("manifest_title");
  $("stated-note").textContent = word(state === "failed" ? "manifest_note_failed" : "manifest_note");
  $("stated-facts").replaceChildren(...stated(manifest));
}

function stated(manifest) {
  const { prompt, model } = manifest;
  return [
    ...single("prompt", promptWords(prompt)),
    ...single("negative_prompt", prompt?.negative_text),
    ...single("model", modelLine(model)),
    ...single("training", model?.training_statement),
    ...single("seed", manifest.seed),
    ...single("settings", settingsLine(manifest.settings)),
    ...listOf(word("inputs"), manifest.inputs, referenceLine),
    ...listOf(word("basis"), manifest.basis, basisLine),
    ...single("human_contribution", manifest.human_contribution?.map(contribution).join(word("comma"))),
    ...single("generator", manifest.generator),
  ];
}

function promptWords(prompt) {
  if (prompt?.disclosure === "committed") return word("prompt_committed");
  if (prompt?.disclosure === "private") return word("prompt_private");
  return prompt?.text;
}

function modelLine(model) {
  if (!model?.name) return "";
  return [model.name, model.revision, model.licence].filter(Boolean).join(word("comma"));
}

function settingsLine(settings) {
  const pairs = Object.entries(settings ?? {}).filter(([, value]) => typeof value !== "object");
  return pairs.map(([name, value]) => `${name} ${value}`).join(word("comma"));
}

function basisLine({ subject, basis, licence }) {
  const ground = has(`basis_${basis}`) ? word(`basis_${basis}`) : basis;
  return [shortened(subject ?? "", 200), ground, licence].filter(Boolean).join(" · ");
}

function contribution(name) {
  return has(`contribution_${name}`) ? word(`contribution_${name}`) : shortened(name, 80);
}

// ---- what the records hold

function showRecorded(records) {
  $("recorded").hidden = !records.length;
  $("recorded-title").textContent = word("record_title");
  $("recorded-facts").replaceChildren(...records.flatMap(recordFacts));
}

function recordFacts(record) {
  return [
    ...fact(word("record_layer"), word(`layer_${record.layer}`)),
    ...fact(word("record_image"), machineName(record.image)),
    ...fact(word("record_made_at"), moment(record.made_at)),
    ...fact(word("model"), record.model),
  ];
}

// ---- all there is

function expert({ file, validation_state: state, library, trust, manifest, signer }) {
  const size = new Intl.NumberFormat(language).format(file.size_bytes);
  return [
    ...single("expert_file", file.digest),
    ...single("expert_pixels", file.pixels),
    ...single("expert_type", file.media_type),
    ...single("expert_size", word("size_bytes", { size })),
    ...single("expert_state", state),
    ...single("expert_manifest", manifest?.manifest_id),
    ...single("expert_generation", manifest?.generation),
    ...single("expert_raw", manifest?.raw_pixels),
    ...single("expert_log", [manifest?.log?.origin, manifest?.log?.leaf_hash].filter(Boolean).join(" · ")),
    ...single("expert_certificate", certificateLine(signer)),
    ...single("expert_library", `${library.name} ${library.version}`),
    ...single("expert_trust", trust.names.join(word("comma")) || word("nobody")),
  ];
}

function certificateLine(signer) {
  if (!signer) return "";
  const { issuer, algorithm, not_before: from, not_after: to } = signer;
  return word("certificate_dates", { issuer: issuer || "?", from: from || "?", to: to || "?", algorithm: algorithm || "?" });
}

// ---- parts

function single(key, value) {
  if (value === undefined || value === null || value === "") return [];
  return fact(word(key), HEX.test(value) ? machineName(value) : shortened(String(value)));
}

function listOf(term, items, line) {
  return items?.length ? fact(term, ...items.map(line)) : [];
}

function shortened(text, longest = LONGEST) {
  if (text.length <= longest) return text;
  return word("shortened", { text: text.slice(0, longest), count: text.length - longest });
}

function offerToSave(verdict) {
  if (saved) URL.revokeObjectURL(saved);
  saved = URL.createObjectURL(new Blob([JSON.stringify(verdict, null, 2)], { type: "application/json" }));
  $("save").href = saved;
}
