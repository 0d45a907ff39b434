// Values that fit a JSON schema of the contract, and values that do not.

export interface Schema {
  $ref?: string;
  type?: string | string[];
  enum?: unknown[];
  const?: unknown;
  oneOf?: Schema[];
  properties?: Record<string, Schema>;
  required?: string[];
  minProperties?: number;
  additionalProperties?: boolean | Schema;
  items?: Schema;
  pattern?: string;
  minLength?: number;
  maxLength?: number;
  minimum?: number;
  maximum?: number;
  maxItems?: number;
  minItems?: number;
  examples?: unknown[];
  format?: string;
}

export interface Parameter {
  $ref?: string;
  name: string;
  in: "path" | "query" | "header";
  required?: boolean;
  schema: Schema;
}

export interface Route {
  operationId: string;
  description?: string;
  "x-permission": string;
  "x-permission-production"?: string;
  "x-feature"?: string;
  "x-step-up"?: boolean;
  "x-key-alone"?: boolean;
  /** It opens a WebSocket, over which anything may be said. */
  "x-socket"?: boolean;
  parameters?: Parameter[];
  requestBody?: { required?: boolean; content: Record<string, { schema: Schema }> };
  responses: Record<string, unknown>;
}

export interface Contract {
  paths: Record<string, Record<string, Route> & { parameters?: Parameter[] }>;
  components: { schemas: Record<string, Schema>; parameters: Record<string, Parameter> };
}

/** One route with all its parameters. */
export interface Listed {
  method: string;
  path: string;
  route: Route;
  parameters: Parameter[];
}

export function listRoutes(contract: Contract): Listed[] {
  return Object.entries(contract.paths).flatMap(([path, { parameters: shared = [], ...methods }]) =>
    Object.entries(methods as Record<string, Route>).map(([method, route]) => ({
      method: method.toUpperCase(), path, route,
      parameters: [...shared, ...(route.parameters ?? [])].map((one) => resolve(contract, one)),
    })));
}

export function resolve<T extends { $ref?: string }>(contract: Contract, thing: T): T {
  if (!thing.$ref) return thing;
  const [, , kind, name] = thing.$ref.split("/") as [string, string, "schemas" | "parameters", string];
  const found = contract.components[kind][name];
  if (!found) throw new Error(`the contract names ${thing.$ref}, which is not there`);
  return resolve(contract, found as unknown as T);
}

/** Strings for patterns that no example of the contract shows. */
const known = [
  "aa", "a1", "demo", "Ada", "viewer", "ses_01JD8Q4M3N7V5X2K9B6T0W1YHZ", "gcr_01JD8Q4M3N7V5X2K9B6T0W1YHZ", "op_01JD8Q4M3N7V5X2K9B6T0W1YHZ",
  "term_01JD8Q4M3N7V5X2K9B6T0W1YHZ", "sshk_01JD8Q4M3N7V5X2K9B6T0W1YHZ", "1767225600000-0123456789ab", "aro_01JD8Q4M3N7V5X2K9B6T0W1YHZ", "org_01JD8Q4M3N7V5X2K9B6T0W1YHZ", "srv_01JD8Q4M3N7V5X2K9B6T0W1YHZ", "prj_01JD8Q4M3N7V5X2K9B6T0W1YHZ",
  "env_01JD8Q4M3N7V5X2K9B6T0W1YHZ", "rel_01JD8Q4M3N7V5X2K9B6T0W1YHZ", "tok_01JD8Q4M3N7V5X2K9B6T0W1YHZ", "flt_4f9KXn2v8b0qJm7RtZc1yWd5",
  "usr_01JD8Q4M3N7V5X2K9B6T0W1YHZ", "rol_01JD8Q4M3N7V5X2K9B6T0W1YHZ", "inv_01JD8Q4M3N7V5X2K9B6T0W1YHZ", "key_01JD8Q4M3N7V5X2K9B6T0W1YHZ",
  "pky_01JD8Q4M3N7V5X2K9B6T0W1YHZ", "idn_01JD8Q4M3N7V5X2K9B6T0W1YHZ", "cag_01JD8Q4M3N7V5X2K9B6T0W1YHZ", "con_01JD8Q4M3N7V5X2K9B6T0W1YHZ",
  "sto_01JD8Q4M3N7V5X2K9B6T0W1YHZ", "bak_01JD8Q4M3N7V5X2K9B6T0W1YHZ", "imp_01JD8Q4M3N7V5X2K9B6T0W1YHZ", "a".repeat(64), "age1glddcck3tfjd7qw9y0dgsj8fpadqyuqcvraua7jgpq456rzx4g5qmgg48a", "odoo-backups",
  "org.view", "flv_4f9KXn2v8b0qJm7RtZc1yWd5", "free", "abcdefghijklmnopqrstuvwxyz", "odoo.example.org", "NAME", "https://git.example.org/shop.git", "SHA256SUMS",
  "BP6MGc4JBRkevCmKkkV5JTHybwzs4kYGOei8Oct_cGqCanebTPlpuKDlOcf2L7PTCtaqj4DjDx0Siq_WiiznLqA",
];

/** A small value that fits. */
export function sample(contract: Contract, given: Schema, name = ""): unknown {
  const schema = resolve(contract, given);
  if (schema.oneOf) return sample(contract, schema.oneOf[0]!, name);
  if (schema.enum) return schema.enum[0];
  const type = Array.isArray(schema.type) ? schema.type[0] : schema.type;
  if (type === "object") {
    const value: Record<string, unknown> = {};
    const keys = [...(schema.required ?? [])];
    const more = Object.keys(schema.properties ?? {}).filter((key) => !keys.includes(key));
    while (keys.length < (schema.minProperties ?? 0)) keys.push(more.shift()!);
    for (const key of keys) value[key] = sample(contract, schema.properties![key]!, key);
    return value;
  }
  if (type === "array") return Array.from({ length: schema.minItems ?? 0 }, () => sample(contract, schema.items!, name));
  if (type === "integer" || type === "number") return schema.minimum ?? 1;
  if (type === "boolean") return true;
  if (schema.format === "date-time") return "2026-11-23T17:53:51.042Z";
  const candidates = [...((schema.examples ?? []) as string[]), ...known, "x".repeat(schema.minLength ?? 1)];
  const fits = candidates.find((text) => typeof text === "string" && text.length >= (schema.minLength ?? 0)
    && text.length <= (schema.maxLength ?? 1e9) && (!schema.pattern || new RegExp(schema.pattern, "u").test(text)));
  if (fits === undefined) throw new Error(`no sample for ${name}: ${schema.pattern}`);
  return fits;
}

export interface Bad {
  why: string;
  value: unknown;
}

/** Values of every wrong type, too long, too big, not among the allowed, against the pattern. */
export function wrong(contract: Contract, given: Schema): Bad[] {
  const schema = resolve(contract, given);
  if (schema.oneOf) {
    const lists = schema.oneOf.map((one) => wrong(contract, one));
    // Wrong for one may be right for another: only what is wrong for all.
    return lists[0]!.filter((bad) => lists.every((list) => list.some((other) => other.why === bad.why)));
  }
  const types = new Set(Array.isArray(schema.type) ? schema.type : [schema.type]);
  const bad: Bad[] = [];
  const offer = (type: string, why: string, value: unknown): void => {
    if (!types.has(type) && !(type === "integer" && types.has("number"))) bad.push({ why, value });
  };
  offer("null", "null", null);
  offer("boolean", "a boolean", true);
  offer("integer", "a number", 7);
  offer("string", "a string", "\u0001");
  offer("array", "an array", [[]]);
  offer("object", "an object", { unexpected: 1 });
  if (types.has("string")) {
    if (schema.enum) bad.push({ why: "not among the allowed", value: "no-such-choice" });
    else {
      if (schema.maxLength) bad.push({ why: "too long", value: "x".repeat(schema.maxLength + 1) });
      if (schema.minLength) bad.push({ why: "empty", value: "" });
      if (schema.pattern) bad.push({ why: "control characters", value: "a\u0000b\n\u001b[2J" });
    }
  }
  if (types.has("integer")) {
    bad.push({ why: "a fraction", value: 1.5 }, { why: "huge", value: 1e300 }, { why: "an integer in a string", value: "1" });
    if (schema.minimum !== undefined) bad.push({ why: "too small", value: schema.minimum - 1 });
    if (schema.maximum !== undefined) bad.push({ why: "too big", value: schema.maximum + 1 });
  }
  if (types.has("array") && schema.maxItems) {
    bad.push({ why: "too many", value: Array.from({ length: schema.maxItems + 1 }, () => sample(contract, schema.items!)) });
    for (const inner of wrong(contract, schema.items!)) bad.push({ why: `an item that is ${inner.why}`, value: [inner.value] });
  }
  return bad;
}
