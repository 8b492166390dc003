// Writes the API's surface, one line a field: what a reviewer reads to see how a change of crds/ changes what users may write.
import type { Kind, Schema } from './crd.ts';

/** Every kind with its names and columns, and every field with its type, bounds, default and rules. */
export function renderSurface(kinds: readonly Kind[]): string {
  return `${kinds.map(renderKind).join('\n\n')}\n`;
}

function renderKind(kind: Kind): string {
  const columns = kind.columns.map(({ name, jsonPath, priority = 0 }) => {
    return `  column ${name}${priority > 0 ? ' (wide)' : ''}: ${jsonPath}`;
  });
  return [
    `${kind.kind}.${kind.version}.${kind.group} ${[kind.plural, ...kind.shortNames].join(', ')}`,
    ...columns,
    ...renderFields(kind.schema, ''),
  ].join('\n');
}

function renderFields(schema: Schema, path: string): readonly string[] {
  const rules = (schema['x-kubernetes-validations'] ?? []).map((rule) => {
    return `  ${path}${rule.fieldPath ?? ''} refuses: ${rule.message}`;
  });
  const members = Object.entries(schema.properties ?? {}).flatMap(([name, member]) => {
    const memberPath = `${path}.${name}`;
    return [
      `  ${memberPath}: ${facts(member, schema.required?.includes(name) ?? false)}`,
      ...renderFields(member, memberPath),
    ];
  });
  const items = schema.items && renderNested(schema.items, `${path}[]`);
  const values = schema.additionalProperties && renderNested(schema.additionalProperties, `${path}.*`);
  return [...rules, ...members, ...(items ?? []), ...(values ?? [])];
}

const renderNested = (schema: Schema, path: string): readonly string[] => [
  `  ${path}: ${facts(schema, false)}`,
  ...renderFields(schema, path),
];

function facts(schema: Schema, isRequired: boolean): string {
  const type = schema['x-kubernetes-int-or-string'] === true ? 'integer or string' : schema.type;
  return [
    type,
    isRequired ? 'required' : undefined,
    schema.default === undefined ? undefined : `default ${JSON.stringify(schema.default)}`,
    schema.enum === undefined ? undefined : `one of ${schema.enum.map(String).join(' ')}`,
    schema.format,
    range('', schema.minimum, schema.maximum),
    range('length ', schema.minLength, schema.maxLength),
    range('items ', schema.minItems, schema.maxItems),
    range('members ', schema.minProperties, schema.maxProperties),
    listType(schema),
    schema.pattern === undefined ? undefined : `matches ${schema.pattern}`,
  ]
    .filter((fact) => fact !== undefined)
    .join(', ');
}

function range(of: string, from: number | undefined, to: number | undefined): string | undefined {
  return from === undefined && to === undefined ? undefined : `${of}${from ?? ''}..${to ?? ''}`;
}

function listType(schema: Schema): string | undefined {
  const type = schema['x-kubernetes-list-type'];
  return type === 'map' ? `map by ${(schema['x-kubernetes-list-map-keys'] ?? []).join(' ')}` : type;
}
