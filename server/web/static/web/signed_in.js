// Who reads this page, as the server has told it.

const told = JSON.parse(document.getElementById("facts").textContent);

/** The facts that the page was rendered with. */
export const facts = told;

/** The account's name; null for an auditor, who reads other people's records too. */
export const accountName = told.is_auditor ? null : told.name;
