// What the records hold of a picture: one list of facts for each record that fits, the nearest first.

import { el, fact, has, machineName, moment, said, shortened, word } from "./page.js";

const SHOWN = 3;

/** The records that fit, of which a few are shown and the rest is folded. */
export function recordLists(records) {
  const lists = records.map((record) => el("dl", { class: "facts record" }, recordFacts(record)));
  const rest = lists.splice(SHOWN);
  if (!rest.length) return lists;
  return [...lists, el("details", { class: "unchecked" }, el("summary", {}, word("record_more", { count: rest.length })), rest)];
}

function recordFacts(record) {
  const sure = said(record.match?.stranger?.said);
  return [
    ...fact(word("record_layer"), word(record.is_possible ? "layer_possible" : `layer_${record.layer}`)),
    ...(sure ? fact(word("record_sure"), shortened(sure)) : []),
    ...fact(word("record_image"), machineName(record.match?.rendition_of ?? record.image)),
    ...laterForm(record),
    ...fact(word("record_made_at"), moment(record.made_at)),
    ...fact(word("model"), record.model),
    ...(record.erased_at ? fact(word("record_erased_at"), moment(record.erased_at)) : whereToRead(record)),
  ];
}

/** Which file of the image it is, where it is not the one first delivered. */
function laterForm({ image, match }) {
  if (!match?.rendition_of) return [];
  const made = has(`form_${match.reason}`) ? word(`form_${match.reason}`) : shortened(match.reason, 80);
  return fact(word("record_form"), made, machineName(image));
}

/** The record's own page, and what other people's programs check it with. */
function whereToRead({ image }) {
  const files = [el("a", { href: `/images/${image}.c2pa`, download: true }, word("record_manifest")), word("comma")];
  files.push(el("a", { href: `/images/${image}/proof`, download: true }, word("record_proof")));
  return [
    ...fact(word("record_page"), el("a", { href: `/provenance/${image}` }, word("record_page_open"))),
    ...fact(word("record_files"), el("span", {}, files)),
  ];
}
