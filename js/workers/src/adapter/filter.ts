import { badRequest } from "./errors.js";

/** Conditions of one call, each operator counting as one. */
const CONDITIONS_MAX = 5;
/** Values of one `in`. */
const VALUES_MAX = 10;
const FIELD_LEVELS_MAX = 5;
const FIELD_LENGTH_MAX = 100;
const FIELD = /^[A-Za-z0-9_]+(\.[A-Za-z0-9_]+)*$/;
const COMPARISONS = new Set(["gt", "gte", "lt", "lte"]);

/**
 * The query parameters of a metadata filter: `meta.<field>[<operator>:<type>]` and its value.
 *
 * Whatever cannot be said exactly is an error. A condition that is dropped would give images that were not asked for.
 */
export function filterParameters(options: { filter?: unknown; metadataFilter?: unknown }): [name: string, value: string][] {
  const metadata = metadataOf(options);
  if (metadata === undefined) return [];
  if (!isRecord(metadata)) throw badRequest("a metadata filter has to be an object of fields and conditions");
  const parameters: [string, string][] = [];
  for (const [field, condition] of Object.entries(metadata)) {
    checkField(field);
    const operators = isRecord(condition) ? Object.entries(condition) : [["eq", condition] as const];
    if (operators.length === 0) throw badRequest(`the metadata filter of '${field}' has no operator`);
    for (const [operator, operand] of operators) parameters.push(parameter(field, operator, operand));
  }
  if (parameters.length > CONDITIONS_MAX) {
    throw badRequest(`Too many metadata filters: ${parameters.length} provided, maximum ${CONDITIONS_MAX} allowed`);
  }
  return parameters;
}

/** Types and changelog say `filter: { metadata }`, the public guide says `metadataFilter`. */
function metadataOf({ filter, metadataFilter }: { filter?: unknown; metadataFilter?: unknown }): unknown {
  if (filter === undefined) return metadataFilter;
  if (metadataFilter !== undefined) throw badRequest("give either filter.metadata or metadataFilter, not both");
  if (!isRecord(filter)) throw badRequest("filter has to be an object: { metadata: { … } }");
  const unknown = Object.keys(filter).find((key) => key !== "metadata");
  if (unknown !== undefined) throw badRequest(`unknown member of filter: '${unknown}'; conditions on metadata stand in filter.metadata`);
  return filter.metadata;
}

function checkField(field: string): void {
  if (!FIELD.test(field)) throw badRequest(`invalid metadata field '${field}': names are letters, digits and _, joined by dots`);
  if (field.length > FIELD_LENGTH_MAX) throw badRequest(`a metadata field may have ${FIELD_LENGTH_MAX} characters at most`);
  if (field.split(".").length > FIELD_LEVELS_MAX) throw badRequest(`a metadata field may have ${FIELD_LEVELS_MAX} levels at most: '${field}'`);
}

function parameter(field: string, operator: string, operand: unknown): [string, string] {
  const name = (type: string) => `meta.${field}[${operator}:${type}]`;
  if (operator === "eq") {
    const [type, text] = scalar(field, operand);
    return [name(type), text];
  }
  if (COMPARISONS.has(operator)) {
    if (typeof operand !== "number" || !Number.isFinite(operand)) throw badRequest(`the operator '${operator}' of '${field}' takes a number`);
    return [name("number"), String(operand)];
  }
  if (operator !== "in") throw badRequest(`Unsupported metadata filter operator: '${operator}'`);
  if (!Array.isArray(operand) || operand.length === 0 || operand.length > VALUES_MAX) {
    throw badRequest(`the operator 'in' of '${field}' takes a list of 1 to ${VALUES_MAX} values`);
  }
  const values = operand.map((value) => scalar(field, value));
  const type = values[0]?.[0] ?? "";
  if (type === "boolean" || values.some((value) => value[0] !== type)) {
    throw badRequest(`the values of 'in' of '${field}' have to be all text or all numbers`);
  }
  const texts = values.map((value) => value[1]);
  if (texts.some((text) => text.includes("|"))) throw badRequest(`a value of 'in' of '${field}' contains '|', which cannot be asked for in a list`);
  return [name(type), texts.join("|")];
}

function scalar(field: string, value: unknown): [type: "string" | "number" | "boolean", text: string] {
  if (typeof value === "string") return ["string", value];
  if (typeof value === "boolean") return ["boolean", String(value)];
  if (typeof value === "number" && Number.isFinite(value)) return ["number", String(value)];
  throw badRequest(`the metadata filter of '${field}' takes text, a finite number or a boolean`);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
