// Evaluates one of the C2PA conformance program's rubrics. Standard input: {rubric: {variables, expressions, rules},
// documents, expected}; documents are read as crJSON. Prints, for each document, {rule id: what its expression gave}.
import JsonFormula from "@adobe/json-formula";

const { rubric, documents, expected } = JSON.parse(await text(process.stdin));
const variables = { ...rubric.variables, $expected_spec_version: expected };

async function text(stream) {
  let all = "";
  for await (const part of stream) all += part;
  return all;
}

function evaluated(document) {
  // A rubric's expressions are functions: each looks at the whole document, and at its arguments in $args.
  const functions = {};
  for (const [name, body] of Object.entries(rubric.expressions ?? {})) {
    functions[name] = {
      _func: (args) => new JsonFormula(functions).search(body, document, { ...variables, $args: args }),
      _signature: [{ types: [1], optional: true, variadic: true }],
    };
  }
  const formula = new JsonFormula(functions);
  return Object.fromEntries(rubric.rules.map((rule) => [rule.id, formula.search(rule.expression, document, variables)]));
}

console.log(JSON.stringify(documents.map(evaluated)));
