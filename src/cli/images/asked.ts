// What is asked of kubectl undercloud images: its flags, its help, and which of them go together.
import { type Arguments, commonFlags, commonHelp, readFlags, wrongUsage } from '../command.ts';
import { type Prefix, prefixes } from './parameters.ts';

export const name = 'kubectl undercloud images';
export const help = `usage: ${name} [SET] [flags]

The container images of a ContainerImageSet, each with the tag that was found for it; without SET, all sets of the namespace.

  -o, --output FORMAT      env     TripleO's environment file, overcloud_images.yaml (default)
                           push    its list of uploads, local_registry_images.yaml
                           wide    a table (or: table) with digests, sizes, states, what is not ready and why, what is proposed
                           json, yaml   the same for programs
      --prefix PREFIX      of parameters: Docker (up to Rocky) or Container (default: as the set's catalog has them)
      --accept [ID]        show what is proposed, and take it: the clouds of the set roll to it. Without ID it asks
      --dry-run            with --accept: show it, and write nothing
${commonHelp}
examples:
  ${name} -n lab
  ${name} osp13 > overcloud_images.yaml
  ${name} osp13 -o wide
  ${name} osp13 --accept 1f9c40b2
`;

const formats = ['env', 'push', 'wide', 'table', 'json', 'yaml'] as const;
export type Format = (typeof formats)[number];

const flags = {
  ...commonFlags,
  output: { type: 'string', short: 'o' },
  prefix: { type: 'string' },
  accept: { type: 'boolean', default: false },
} as const;

type Values = Arguments<typeof flags>['values'];

export interface Asked {
  readonly help: boolean;
  readonly kubeconfig: string | undefined;
  readonly namespace: string | undefined;
  readonly set: string | undefined;
  readonly format: Format | undefined;
  readonly prefix: Prefix | undefined;
  readonly accept: { readonly id: string | undefined } | undefined;
  readonly dryRun: boolean;
}

/** Throws WrongUsage. */
export function readAsked(args: readonly string[]): Asked {
  const { values, positionals } = readFlags(name, args.flatMap(splitAccept), flags);
  const [set, id, surplus] = positionals;
  const tooMuch = values.accept ? surplus : id;
  if (tooMuch !== undefined) throw wrongUsage(name, `takes one SET, '${tooMuch}' is too much`);
  const format = oneOf('output', values.output, formats);
  const prefix = oneOf('prefix', values.prefix, prefixes);
  const wrong = values.help ? undefined : contradiction(values, set);
  if (wrong !== undefined) throw wrongUsage(name, wrong);
  const { help: asksHelp, kubeconfig, namespace, 'dry-run': dryRun } = values;
  const accepting = values.accept ? { id } : undefined;
  return { help: asksHelp, kubeconfig, namespace, set, format, prefix, accept: accepting, dryRun };
}

/** Its value is optional, which node:util does not know: the id is what stands behind it. */
const splitAccept = (argument: string): readonly string[] =>
  argument.startsWith('--accept=') ? ['--accept', argument.slice('--accept='.length)] : [argument];

function oneOf<T extends string>(
  flag: string,
  value: string | undefined,
  known: readonly T[],
): T | undefined {
  const found = known.find((each) => each === value);
  if (value === undefined || found !== undefined) return found;
  throw wrongUsage(name, `--${flag} is '${value}', must be one of ${known.join(', ')}`);
}

/** Flags that do not go together. */
function contradiction(values: Values, set: string | undefined): string | undefined {
  const { output, prefix, accept } = values;
  if (prefix !== undefined && output !== undefined && output !== 'env')
    return '--prefix is for --output env only';
  if (values['dry-run'] && !accept) return '--dry-run is for --accept only';
  if (accept && output !== undefined) return '--accept and --output do not go together';
  if (set !== undefined) return undefined;
  if (accept) return 'SET is missing: --accept is about one';
  if (prefix !== undefined) return 'SET is missing: --prefix is about one';
  return output === 'env' || output === 'push' ? `SET is missing: -o ${output} is about one` : undefined;
}
