// Where a picture appears: waiting, progress, the picture with its colophon, or why there is none.

import { colophonOf } from "./colophon.js";
import { $, announce, el, picturesOf, said, word } from "./page.js";

const QUARTERS = 4;

/** Show that a request is on its way or being made; returns what tells it of events. */
export function showProgress({ onCancel, first = word("sending"), notices = [] }) {
  const line = el("p", { class: "stage" }, first);
  const bar = el("progress", { "aria-labelledby": "stage" });
  line.id = "stage";
  const cancel = onCancel ? el("button", { type: "button", class: "quiet", id: "cancel" }, word("cancel")) : null;
  const frame = el("div", { class: "frame" });
  const told = notices.map((notice) => el("p", { class: "hint notice" }, said(notice)));
  const panel = el("div", { class: "progress" }, frame, line, bar, told, cancel);
  cancel?.addEventListener("click", async () => {
    cancel.setAttribute("aria-disabled", "true");
    tell(word("cancelling"));
    await onCancel().catch((error) => tell(word("cancel_failed", { reason: error.message })));
    cancel.removeAttribute("aria-disabled");
  });
  $("plate-body").replaceChildren(panel);
  $("plate-body").setAttribute("aria-busy", "true");
  announce(first);
  let quarter = 0;

  function tell(sentence, { aloud = true } = {}) {
    line.textContent = sentence;
    if (aloud) announce(sentence);
  }
  function step({ step: number, of, preview }) {
    bar.max = of;
    bar.value = number;
    const reached = Math.floor((number / of) * QUARTERS);
    tell(word("step", { step: number, of }), { aloud: reached > quarter });
    quarter = Math.max(quarter, reached);
    if (!preview) return;
    const image = el("img", { src: `data:image/jpeg;base64,${preview}`, alt: word("preview_alt", { step: number }) });
    frame.replaceChildren(image);
  }
  return {
    tell,
    hear(name, data) {
      if (name === "step" && data.step > 0) step(data);
      else if (name === "queued") tell(word("queued"));
      else if (name === "marking") {
        bar.removeAttribute("value");
        tell(word("marking"));
      } else if (name === "reconnecting") tell(word("reconnecting"));
      else tell(word("starting"));
    },
  };
}

/** Show a request that has ended, whichever way. */
export function showEnd(record, { focus }) {
  const shown = { done: doneOf, refused: refusedOf, failed: failedOf, cancelled: cancelledOf }[record.state];
  $("plate-body").removeAttribute("aria-busy");
  $("plate-body").replaceChildren(shown(record));
  const title = record.state === "done" ? word("done_announced") : word(`${record.state}_title`);
  announce(title);
  if (focus) $("plate-title").focus({ preventScroll: false });
}

/** Show that something kept the page from asking, with a way to try again. */
export function showTrouble(sentence, { onRetry }) {
  $("plate-body").removeAttribute("aria-busy");
  const retry = onRetry ? el("button", { type: "button", class: "button", onclick: onRetry }, word("try_again")) : null;
  $("plate-body").replaceChildren(el("div", { class: "outcome" }, el("p", { class: "alert" }, sentence), retry));
  announce(sentence);
}

function doneOf(record) {
  const box = el("div", { class: "done" });
  const choose = (index) => {
    box.replaceChildren(...pictureParts(record, index, choose));
  };
  choose(0);
  return box;
}

function pictureParts(record, index, choose) {
  const output = picturesOf(record)[index];
  const picture = el("img", {
    class: "picture",
    src: output.links.file,
    width: output.width,
    height: output.height,
    alt: record.prompt ? word("picture_alt", { prompt: record.prompt }) : word("picture_alt_private"),
  });
  const parts = [el("figure", {}, picture)];
  if (record.outputs.length > 1) parts.push(contactSheet(record, index, choose));
  return [...parts, colophonOf(record, output)];
}

function contactSheet(record, chosen, choose) {
  const of = record.outputs.length;
  const buttons = picturesOf(record).map((output, index) => {
    const name = word("choose_picture", { number: index + 1, of, seed: output.seed });
    const picture = el("img", { src: output.links.file, alt: name, width: output.width, height: output.height });
    const select = () => {
      choose(index);
      $("plate").querySelectorAll(".contact button")[index].focus();
    };
    return el("button", { type: "button", "aria-pressed": index === chosen ? "true" : "false", onclick: select }, picture);
  });
  return el("div", { class: "contact", role: "group" }, buttons);
}

function refusedOf(record) {
  const answers = (record.decision?.references ?? []).filter((answer) => !answer.permitted);
  const reasons = answers.flatMap((answer) => answer.reasons.map(said));
  const listed = reasons.length ? [...new Set(reasons)] : [said(record.fault)];
  return el(
    "div",
    { class: "outcome refused" },
    el("h3", {}, word("refused_title")),
    el("p", {}, word("refused_lead")),
    el("ul", { class: "reasons" }, listed.map((reason) => el("li", {}, reason))),
    promptOf(record),
  );
}

function failedOf(record) {
  return el(
    "div",
    { class: "outcome" },
    el("h3", {}, word("failed_title")),
    el("p", {}, word("failed_lead")),
    el("p", { class: "alert" }, said(record.fault)),
    promptOf(record),
  );
}

function cancelledOf(record) {
  const lead = el("p", {}, word("cancelled_lead"));
  return el("div", { class: "outcome" }, el("h3", {}, word("cancelled_title")), lead, promptOf(record));
}

function promptOf(record) {
  return record.prompt ? el("blockquote", { class: "prompt" }, record.prompt) : null;
}
