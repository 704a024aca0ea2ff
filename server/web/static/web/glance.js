// What a verdict comes to, at a glance: the mark over the sentence, what it means for the reader, and the first facts.

import { $, el, fact, link, moment, said, shortened, word } from "./page.js";

const HARMLESS = ["signer.trusted", "dispute"];
const TOLD_FIRST = [
  "signature.valid",
  "manifest.integrity",
  "manifest.present",
  "signer.not_expired",
  "ingredient",
  "record.agrees",
];
const GENERATED = ["trainedAlgorithmicMedia", "compositeWithTrainedAlgorithmicMedia"];
const PARTS = ["stated", "recorded"];
const EXACT = ["file", "manifest", "pixels"];

/** Show the mark, the meaning and the facts at a glance. */
export function showGlance(verdict) {
  $("summary").dataset.state = verdict.state;
  $("summary").dataset.tone = isDoubtful(verdict) ? "doubt" : "";
  $("mark").textContent = markOf(verdict);
  $("meaning").textContent = word(meaningOf(verdict));
  $("glance").replaceChildren(
    ...fact(word("signed_by"), ...signedBy(verdict)),
    ...fact(word("making"), makingLine(verdict)),
    ...(isOfThisFile(verdict) ? statedAtOnce(verdict) : []),
    ...recordsLine(verdict),
    ...creditLines(verdict),
  );
}

/** What the reader looks for first of what is stated, each with the check or the statement that it rests on. */
function statedAtOnce(verdict) {
  const { manifest, checks } = verdict;
  const isCompared = checkOf(checks, "record.agrees")?.evidence.fields?.length;
  const when = isCompared ? "record.agrees" : manifest?.made_at ? "manifest.integrity" : "timestamp";
  return [
    ...resting(madeWhen(verdict), when, manifest?.made_at ? "made_at" : "signed_at"),
    ...resting(madeWith(verdict), isCompared ? "record.agrees" : "stated", "model"),
    ...resting(madeFrom(verdict), checkOf(checks, "ingredient") ? "ingredient" : "stated", "made_from"),
  ];
}

/** A fact with a way to what it rests on behind its last line. */
function resting(lines, place, about) {
  lines.at(-1)?.append(seeCheck(place, about));
  return lines;
}

/** When the picture was made, as stated, or else when that was signed. */
export function madeWhen({ manifest, signer }) {
  if (manifest?.made_at) return fact(word("made_at"), moment(manifest.made_at));
  return signer?.signed_at ? fact(word("signed_at"), moment(signer.signed_at)) : [];
}

/** What went into it, as stated. */
export function madeFrom({ manifest }) {
  return listOf(word("made_from"), [...(manifest?.references ?? []), ...(manifest?.inputs ?? [])], referenceLine);
}

/** Whether what the credentials state was signed for the file as it is now. */
export function isOfThisFile({ checks }) {
  return !hasFailed(checks, "manifest.integrity", "signature.valid");
}

/** A term with a line for each item; nothing without items. */
export function listOf(term, items, line) {
  return items?.length ? fact(term, ...items.map(line)) : [];
}

/** A reference by its name and licence, linked to where it is to be found. */
export function referenceLine(reference) {
  const parts = [shortened(reference.name || word("unnamed"), 200)];
  if (reference.licence) parts.push(word("comma"), reference.licence);
  return el("span", {}, link(parts.join(""), reference.url));
}

// ---- the summary

/** Whether there is cause for doubt and none to say that anything was changed. */
function isDoubtful({ state, checks }) {
  if (state !== "failed") return hasFailed(checks, "dispute");
  return faultsOf(checks).every((code) => code === "signer.not_expired");
}

function markOf({ state, checks }) {
  const isEndedAlone = state === "failed" && isDoubtful({ state, checks });
  const mark = word(isEndedAlone ? "mark_ended" : `mark_${state}`);
  return hasFailed(checks, "dispute") ? `${mark} · ${word("mark_disputed")}` : mark;
}

/** What the state means for the reader, and what to do; of a file without credentials, what else there is. */
function meaningOf({ state, records, checks, signer }) {
  if (state === "trusted" && signer?.is_development) return "meaning_development";
  if (state === "unreadable" && checkOf(checks, "picture.readable")?.evidence.is_picture) return "meaning_other_kind";
  if (state === "failed") return meaningOfFault(faultsOf(checks));
  if (state !== "no_manifest") return `meaning_${state}`;
  if (isSure(records)) return isAlike(records) ? "meaning_alike" : "meaning_recorded";
  if (records.length) return "meaning_possible";
  return checks.some((check) => check.evidence?.url) ? "meaning_elsewhere" : "meaning_no_manifest";
}

function meaningOfFault(faults) {
  const first = TOLD_FIRST.find((code) => faults.includes(code));
  return first ? `meaning_failed_${first.replace(/\W/g, "_")}` : "meaning_failed";
}

// ---- the facts

function signedBy({ state, signer, checks }) {
  if (!signer) return [word(`signed_by_${absence({ state, checks })}`)];
  const { name, organization } = signer;
  const who = name && organization && name !== organization ? `${name} (${organization})` : name || organization || "?";
  const trust = checkOf(checks, "signer.trusted");
  const known = signer.is_development && trust?.result === "passed" ? "development" : trust?.result;
  const notes = [signer.is_development && "signer_development", known && `trust_${known}`].filter(Boolean);
  const see = seeCheck("signer.trusted", "signed_by");
  return [el("span", {}, who, see, notes.map((note) => el("span", { class: "hint" }, word(note))))];
}

function makingLine(verdict) {
  const [key, place] = making(verdict);
  const note = verdict.manifest && !isOfThisFile(verdict) ? el("span", { class: "hint" }, word("making_below")) : null;
  return el("span", {}, word(key), place ? seeCheck(place, "making") : null, note);
}

function madeWith({ manifest }) {
  if (manifest?.model?.name) return fact(word("model"), shortened(manifest.model.name, 200));
  return manifest?.generator ? fact(word("generator"), manifest.generator) : [];
}

/** What is said of AI, and where that is stated: by the manifest, if it is this file's; else by its record. */
function making(verdict) {
  const { manifest, records, checks } = verdict;
  const isGenerated = ["generated", "composite"].includes(manifest?.making);
  const isOurs = isSure(records) && records[0].layer !== "manifest";
  if (manifest && !isOfThisFile(verdict) && !isOurs) return ["making_misfit", "manifest.integrity"];
  if (manifest && isOfThisFile(verdict)) {
    const isOtherwise = !isGenerated && isSure(records) && hasFailed(checks, "record.agrees");
    if (isOtherwise) return ["making_recorded_otherwise", "record.agrees"];
    return [isEditOfGenerated(verdict) ? "making_edited" : `making_${manifest.making}`, "stated"];
  }
  if (isSure(records)) return [isAlike(records) ? "making_alike" : "making_recorded", "recorded"];
  if (records.length) return ["making_possible", "recorded"];
  return [`making_${absence(verdict)}`, ""];
}

/** Whether the picture is, edit by edit, made over one whose credentials state a generative model. */
function isEditOfGenerated({ manifest, history }) {
  let step = manifest.making === "from_generated" ? history[0] : null;
  for (const _ of history) {
    const parent = step?.ingredients.find(({ relationship }) => relationship === "parentOf");
    step = history.find(({ manifest_id: id }) => id === parent?.manifest_id);
    if (step?.actions.some(({ source_type: kind }) => GENERATED.includes(kind))) return true;
  }
  return false;
}

/** Why a file has no credentials to say anything: not read, unreadable ones, elsewhere, or simply none. */
function absence({ state, checks }) {
  if (state === "unreadable") return "unread";
  const present = checkOf(checks, "manifest.present");
  if (present?.result === "failed") return "unreadable";
  return present?.evidence?.url ? "elsewhere" : "unknown";
}

/** What the records answered, where neither the sentence above nor the records below say it. */
function recordsLine({ state, records, checks }) {
  const found = checkOf(checks, "record.found");
  if (!found || (records.length && state === "no_manifest")) return [];
  return fact(word("in_records"), el("span", {}, shortened(said(found)), seeCheck("record.found", "in_records")));
}

function creditLines(verdict) {
  const { lines, isRecorded } = creditsOf(verdict);
  const differs = isRecorded && hasFailed(verdict.checks, "record.agrees");
  const term = word(differs ? "credits_recorded" : "credits");
  const facts = listOf(term, lines, (line) => el("span", { class: "credit" }, shortened(line)));
  return resting(facts, isRecorded ? "licence.today" : "manifest.integrity", "credits");
}

/** The credit lines in the reader's language where one record has them, else as a manifest of this picture states them. */
function creditsOf(verdict) {
  const { manifest, records } = verdict;
  const [record] = records.length === 1 && isSure(records) ? records : [];
  const isRecorded = Boolean(record?.credits.length) && (isOfThisFile(verdict) || record.layer !== "manifest");
  if (isRecorded) return { lines: record.credits.map(said), isRecorded };
  return { lines: isOfThisFile(verdict) ? (manifest?.credits ?? []) : [], isRecorded };
}

// ---- parts

/** Whether the records name the picture: one that is confirmed, or several that are the same to the pixel. */
function isSure(records) {
  if (!records.length || records.some((record) => record.is_possible)) return false;
  return records.length === 1 || records.every((record) => EXACT.includes(record.layer));
}

function isAlike([record]) {
  return record.layer === "fingerprint";
}

function checkOf(checks, code) {
  return checks.find((check) => check.code === code);
}

function hasFailed(checks, ...codes) {
  return checks.some(({ code, result }) => result === "failed" && codes.includes(code));
}

function faultsOf(checks) {
  const failed = checks.filter(({ code, result }) => result === "failed" && !HARMLESS.includes(code));
  return failed.map(({ code }) => code);
}

/** A way from a fact to what it rests on: a check, which opens, or a part of the report. */
function seeCheck(place, about) {
  const id = PARTS.includes(place) ? place : `check-${place}`;
  const label = word("see_evidence_of", { what: word(about) });
  return el("a", { class: "see", href: `#${id}`, "aria-label": label, onclick: () => open(id) }, word("see_evidence"));
}

function open(id) {
  const target = document.getElementById(id);
  for (let one = target; one; one = one.parentElement) if (one.tagName === "DETAILS") one.open = true;
  const folded = target?.querySelector(":scope > details");
  if (folded) folded.open = true;
}
