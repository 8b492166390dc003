// Writes the TypeScript of a kind: an interface for every object in its schema, as it stands after the API server's defaults.
import type { Kind, Schema } from './crd.ts';

/** Where doc comments are wrapped. */
const width = 110;

/** The module for one kind, not yet formatted. */
export function renderModule(kind: Kind): string {
  const interfaces: string[] = [];
  const { properties = {} } = kind.schema;
  const members = ['spec', 'status'].flatMap((name) => {
    const schema = properties[name];
    if (schema === undefined) return [];
    const type = typeOf(schema, `${kind.kind}${pascal(name)}`, interfaces);
    return [`${comment(schema)}readonly ${name}${name === 'spec' ? '' : '?'}: ${type};`];
  });
  const constant = `${lowerFirst(kind.kind)}${kind.plural.slice(kind.kind.length)}`;
  const place = JSON.stringify({
    group: kind.group,
    version: kind.version,
    plural: kind.plural,
    kind: kind.kind,
  });
  const body = interfaces.join('\n\n');
  return [
    `// Generated from crds/${kind.file} by hack/generate-types.ts: edit that file, then run \`npm run generate\`.`,
    `import type { ${body.includes('Condition[]') ? 'Condition, ' : ''}KubeObject, Resource } from '../kube/objects.ts';`,
    '',
    `${comment(kind.schema)}export interface ${kind.kind} extends KubeObject { ${members.join('\n')} }`,
    '',
    `export const ${constant}: Resource<${kind.kind}> = ${place};`,
    '',
    body,
    '',
  ].join('\n');
}

/** The type's name or expression; interfaces that it needs are added to `interfaces`, the outermost first. */
function typeOf(schema: Schema, name: string, interfaces: string[]): string {
  if (schema['x-kubernetes-int-or-string'] === true) return 'number | string';
  if (schema.enum !== undefined) return schema.enum.map((value) => JSON.stringify(value)).join(' | ');
  switch (schema.type) {
    case 'string':
    case 'boolean':
      return schema.type;
    case 'integer':
    case 'number':
      return 'number';
    case 'array':
      return `readonly ${wrapped(name.endsWith('StatusConditions') ? 'Condition' : itemType(schema, name, interfaces))}[]`;
    case 'object':
      return objectType(schema, name, interfaces);
    default:
      throw new Error(`${name} has no type`);
  }
}

function itemType(schema: Schema, name: string, interfaces: string[]): string {
  if (schema.items === undefined) throw new Error(`${name} is an array without items`);
  return typeOf(schema.items, `${name}Item`, interfaces);
}

function objectType(schema: Schema, name: string, interfaces: string[]): string {
  const { properties, additionalProperties, required = [] } = schema;
  if (additionalProperties !== undefined) {
    return `Readonly<Record<string, ${typeOf(additionalProperties, `${name}Value`, interfaces)}>>`;
  }
  if (properties === undefined) throw new Error(`${name} is an object without properties`);
  const place = interfaces.push('') - 1;
  const members = Object.entries(properties).map(([key, member]) => {
    const isThere = required.includes(key) || member.default !== undefined;
    return `${comment(member)}readonly ${key}${isThere ? '' : '?'}: ${typeOf(member, `${name}${pascal(key)}`, interfaces)};`;
  });
  interfaces[place] = `${comment(schema)}export interface ${name} { ${members.join('\n')} }`;
  return name;
}

/** The description as a doc comment on lines of its own. */
function comment({ description }: Schema): string {
  if (description === undefined) return '';
  const lines = wrap(description.trim().replaceAll('*/', '*\\/'), width - 8);
  return lines.length === 1
    ? `\n/** ${lines.join('')} */\n`
    : `\n/**\n${lines.map((line) => ` * ${line}`).join('\n')}\n */\n`;
}

function wrap(text: string, columns: number): readonly string[] {
  const lines: string[] = [];
  for (const word of text.split(/\s+/)) {
    const line = lines.at(-1);
    if (line !== undefined && line.length + 1 + word.length <= columns)
      lines[lines.length - 1] = `${line} ${word}`;
    else lines.push(word);
  }
  return lines;
}

const wrapped = (type: string): string => (type.includes(' | ') ? `(${type})` : type);
const pascal = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);
const lowerFirst = (text: string): string => text.charAt(0).toLowerCase() + text.slice(1);
