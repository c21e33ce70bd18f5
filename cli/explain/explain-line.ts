import { Conditions } from "../../functions/counting/conditions";
import { FieldValues } from "../../functions/counting/field-values";
import { clientOf } from "../../functions/parsing/address";
import { ClientResolver } from "../../functions/parsing/client-address";
import { ClientDirectory } from "../../functions/parsing/client-directory";
import { NGINX, S3 } from "../../functions/parsing/fields";
import { LineParser } from "../../functions/parsing/line-parser";
import type { Reason } from "../../functions/parsing/reasons";
import { toAccess, toRequest, type Access, type Request } from "../../functions/parsing/records";
import type { Row } from "../../functions/parsing/row";
import { RowBatch } from "../../functions/parsing/row-batch";
import { logOf, type Condition, type Log, type Rule } from "../../functions/rules/rule";
import type { StackSettings } from "../../functions/rules/stack-settings";

/** Everything that Floodgate makes of one line: the document of `explain --json`. */
export interface Explanation {
  readonly format: string | null;
  readonly fields: Readonly<Record<string, string>>;
  readonly request?: Request;
  readonly access?: Access;
  readonly client: {
    readonly address: string | null;
    /** As counted: the address or its prefix. */
    readonly counted: string | null;
    /** Nearest hop first; the last one decided. */
    readonly hops: readonly {
      readonly text: string;
      readonly address: string | null;
      readonly trusted: boolean;
    }[];
    readonly isBlockable: boolean;
  };
  readonly rules: readonly {
    readonly name: string;
    readonly matched: boolean;
    /** The first condition that does not hold. */
    readonly failed: {
      readonly field: string;
      readonly condition: Condition;
      readonly value: string;
    } | null;
  }[];
  readonly unparsed: Reason | null;
}

/** Explains lines by one set of settings, whose rules are compiled once. */
export class Explainer {
  private readonly settings: StackSettings;
  private readonly parser = new LineParser();
  private readonly directory: ClientDirectory;
  private readonly rules: readonly CompiledRule[];
  private readonly batch = new RowBatch();

  constructor(settings: StackSettings) {
    this.settings = settings;
    this.directory = new ClientDirectory(settings);
    this.rules = settings.rules.map((rule) => {
      const fields = new FieldValues(logOf(rule));
      return { rule, log: logOf(rule), fields, conditions: new Conditions([rule], fields) };
    });
  }

  /** Explains a line given as text. */
  explain(line: string): Explanation {
    const reason = this.parser.parseText(line);
    return this.explainRow(this.parser.row, reason);
  }

  /** Explains a line that was parsed into `row`, or could not be parsed for a reason. */
  explainRow(row: Row, reason: Reason | undefined): Explanation {
    if (reason !== undefined) {
      const client = { address: null, counted: null, hops: [], isBlockable: false };
      return { format: null, fields: {}, client, rules: [], unparsed: reason };
    }
    this.directory.resolve(row);
    this.batch.hold(row);
    const address = row.client?.text;
    const log: Log = row.kind === "request" ? "nginx" : "s3";
    return {
      format: row.format,
      fields: row.columns(),
      ...(log === "nginx"
        ? { request: toRequest(row, address) }
        : { access: toAccess(row, address) }),
      client: explainClient(row, this.settings),
      rules: this.rules
        .filter((compiled) => compiled.log === log)
        .map((compiled) => ({ name: compiled.rule.name, ...explainRule(compiled, this.batch) })),
      unparsed: null,
    };
  }
}

interface CompiledRule {
  readonly rule: Rule;
  readonly log: Log;
  readonly fields: FieldValues;
  readonly conditions: Conditions;
}

function explainClient(row: Row, settings: StackSettings): Explanation["client"] {
  const isRequest = row.kind === "request";
  const peer = row.textOrEmpty(isRequest ? NGINX.remote_addr : S3.remote_ip);
  const resolver = new ClientResolver(isRequest ? settings.trust : []);
  const header = isRequest ? row.text(NGINX.http_x_forwarded_for) : undefined;
  const { address, hops } = resolver.resolve(peer, header);
  return {
    address: address?.toString() ?? null,
    counted: address === undefined ? null : clientOf(address, settings.prefixes),
    hops: hops.map((hop) => ({
      text: hop.text,
      address: hop.address?.toString() ?? null,
      trusted: hop.trusted,
    })),
    isBlockable: row.client?.isBlockable ?? false,
  };
}

function explainRule(
  { rule, fields, conditions }: CompiledRule,
  batch: RowBatch,
): Pick<Explanation["rules"][number], "matched" | "failed"> {
  const [row] = batch.rows;
  conditions.evaluate(batch);
  const failed = conditions.failed(0, batch, 0);
  if (failed !== undefined) {
    const { field } = failed;
    return {
      matched: false,
      failed: { field, condition: rule.where?.[field] ?? [], value: fields.show(field, row) },
    };
  }
  if (rule.per.includes("client") && row.client === undefined) {
    return { matched: false, failed: { field: "client", condition: [], value: "" } };
  }
  return { matched: true, failed: null };
}
