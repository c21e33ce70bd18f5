import { REASONS } from "../../functions/parsing/reasons";
import { partsOf } from "../../functions/rules/rule-values";
import type { Condition, Value } from "../../functions/rules/rule";
import { printable } from "../wording";
import type { Explanation } from "./explain-line";

/** An explanation for people. */
export function describeExplanation(explanation: Explanation): string {
  if (explanation.unparsed !== null) {
    return `Not parsed: ${explanation.unparsed} (${REASONS[explanation.unparsed]})\n`;
  }
  const { format, fields, client, rules } = explanation;
  return [
    `Format: ${format ?? ""}`,
    "Fields:",
    ...Object.entries(fields).map(([name, value]) => `  ${name}: ${printable(value)}`),
    ...(explanation.access?.partial === true
      ? ["  (the right part can be read in more than one way: only the left part counts)"]
      : []),
    `Client: ${client.address ?? "none"}${counted(client)}${client.isBlockable ? "" : ", never blocked"}`,
    ...client.hops.map(
      ({ text, address, trusted }, i) =>
        `  ${String(i + 1)}. ${printable(text)}: ${roleOf(address, trusted, i === client.hops.length - 1)}`,
    ),
    "Rules:",
    ...rules.map(({ name, matched, failed }) => {
      if (matched) return `  ${name}: fulfilled, this line counts`;
      return `  ${name}: no, ${describeFailure(failed)}`;
    }),
    "",
  ].join("\n");
}

function counted({ address, counted: name }: Explanation["client"]): string {
  return name === null || name === address ? "" : `, counted as ${name}`;
}

function roleOf(address: string | null, trusted: boolean, isLast: boolean): string {
  if (address === null) return "no address, the walk ends before it";
  if (trusted)
    return isLast
      ? "trusted, and nobody stands behind it"
      : "trusted, so whoever it names is looked at";
  return "not trusted, so this is the client";
}

function describeFailure(failed: Explanation["rules"][number]["failed"]): string {
  if (failed === null) return "";
  const { field, condition, value } = failed;
  if (field === "client" && value === "") return "the line names no client";
  return `"${field}" is ${JSON.stringify(printable(value).slice(0, 120))}, wanted is ${describeCondition(condition)}`;
}

function describeCondition(condition: Condition): string {
  const { is, not } = partsOf(condition);
  const list = (values: readonly Value[]): string =>
    values.slice(0, 8).join(", ") + (values.length > 8 ? ", …" : "");
  const parts = [
    ...(is === undefined ? [] : [list(is)]),
    ...(not.length === 0 ? [] : [`not ${list(not)}`]),
  ];
  return parts.join(", ");
}
