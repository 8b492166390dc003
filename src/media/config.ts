// Every flag of the boot media server, checked all at once.
import { parseArgs } from 'node:util';

export interface Config {
  readonly directory: string;
  readonly host: string;
  /** 0: any free one. */
  readonly port: number;
  readonly logLevel: 'debug' | 'info' | 'warn' | 'error';
  readonly logFormat: 'json' | 'text';
}

export type Parsed =
  | { readonly kind: 'run'; readonly config: Config }
  | { readonly kind: 'help'; readonly text: string }
  | { readonly kind: 'wrong'; readonly problems: readonly string[] };

const help = `usage: undercloud-media --directory DIRECTORY [flags]

Serves the images that machines boot and are installed with, over HTTP with ranges; and for each machine that boots from virtual
media the deploy ISO with its own kernel arguments in it.

  --directory DIRECTORY    where the images are; its files are served, what is below its directories is not
  --listen HOST:PORT       where to answer (default: 0.0.0.0:8088; port 0: any free one)
  --log-level LEVEL        debug, info, warn or error (default: info)
  --log-format FORMAT      json for machines, text for people (default: json)
  --help                   this text

examples:
  undercloud-media --directory /srv/images
  undercloud-media --directory . --listen 127.0.0.1:0 --log-format text
`;

const options = {
  directory: { type: 'string' },
  listen: { type: 'string', default: '0.0.0.0:8088' },
  'log-level': { type: 'string', default: 'info' },
  'log-format': { type: 'string', default: 'json' },
  help: { type: 'boolean', default: false },
} as const;

const levels: readonly Config['logLevel'][] = ['debug', 'info', 'warn', 'error'];
const formats: readonly Config['logFormat'][] = ['json', 'text'];

/** `args` without the program's name. Lists every problem, not only the first. */
export function parseConfig(args: readonly string[]): Parsed {
  const parsed = readFlags(args);
  if ('problem' in parsed) return { kind: 'wrong', problems: [parsed.problem] };
  const { values } = parsed;
  if (values.help) return { kind: 'help', text: help };
  const address = addressOf(values.listen);
  const logLevel = levels.find((level) => level === values['log-level']);
  const logFormat = formats.find((format) => format === values['log-format']);
  const { directory } = values;
  const problems = [
    ...(directory === undefined ? ['--directory is missing: say where the images are'] : []),
    ...(address === undefined ? [`--listen is '${values.listen}', must be HOST:PORT`] : []),
    ...(logLevel === undefined
      ? [`--log-level is '${values['log-level']}', must be one of ${levels.join(', ')}`]
      : []),
    ...(logFormat === undefined
      ? [`--log-format is '${values['log-format']}', must be one of ${formats.join(', ')}`]
      : []),
  ];
  if (directory === undefined || address === undefined || logLevel === undefined || logFormat === undefined) {
    return { kind: 'wrong', problems };
  }
  return { kind: 'run', config: { directory, ...address, logLevel, logFormat } };
}

function addressOf(listen: string): Pick<Config, 'host' | 'port'> | undefined {
  const { host, port } = /^(?<host>[^:]+|\[[^\]]+\]):(?<port>\d{1,5})$/.exec(listen)?.groups ?? {};
  if (host === undefined || Number(port) > 65535) return undefined;
  return { host: host.replaceAll(/[[\]]/g, ''), port: Number(port) };
}

function readFlags(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options, strict: true });
  } catch (error) {
    return { problem: error instanceof Error ? error.message : String(error) };
  }
}
