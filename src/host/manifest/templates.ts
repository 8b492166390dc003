// Renders the Liquid templates of a revision: values in, text out. No code, no files, no unknown variable.
import { Liquid, LiquidError, TokenizationError } from 'liquidjs';
import { terminal } from '../../kernel/errors.ts';

/** What a template sees. */
export interface TemplateScope {
  readonly host: {
    readonly name: string;
    readonly index: number;
    readonly role: string;
    readonly addresses: Readonly<Record<string, string>>;
  };
  readonly cloud: Readonly<Record<string, unknown>>;
  readonly values: Readonly<Record<string, string>>;
  /** By Secret, by key: only those that the services of the role name. */
  readonly secrets: Readonly<Record<string, Readonly<Record<string, string>>>>;
}

/** `{% include %}` and its kin read other files: a template stands alone. */
const tagsThatReadFiles = ['include', 'render', 'layout', 'block'];

const engine = createEngine();

/** `where` names service and file for people. Throws terminal TemplateInvalid, which also names the line. */
export function render(template: string, scope: TemplateScope, where: string): string {
  try {
    return engine.parseAndRenderSync(template, scope) as string;
  } catch (error) {
    throw terminal('TemplateInvalid', `${where}${complaint(error)}`, error);
  }
}

function createEngine(): Liquid {
  const liquid = new Liquid({
    strictVariables: true,
    // `{% if values.x %}` and `| default` may ask for what is not there.
    lenientIf: true,
    strictFilters: true,
    ownPropertyOnly: true,
    dynamicPartials: false,
    templates: {},
    // A template of a person's who means no harm ends long before these.
    parseLimit: 2_000_000,
    renderLimit: 2_000,
    memoryLimit: 50_000_000,
  });
  for (const name of tagsThatReadFiles) {
    liquid.registerTag(name, {
      parse(token) {
        throw new TokenizationError(`{% ${name} %} is not available: a template stands alone`, token);
      },
      render: () => '',
    });
  }
  return liquid;
}

/** Liquid's message is `undefined variable: x, line:3, col:12`; its context would quote the template, and so maybe a secret. */
function complaint(error: unknown): string {
  if (!LiquidError.is(error)) return ': the template cannot be rendered; correct it';
  const line = /, line:(\d+)/.exec(error.message)?.[1];
  const cause = error.message.replace(/, line:\d+.*$/s, '');
  return `${line === undefined ? '' : `, line ${line}`}: ${cause}; correct the template or give the value`;
}
