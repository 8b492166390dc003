// Every flag and environment variable of the operator, in one place, checked all at once.
import { hostname } from 'node:os';
import { parseArgs } from 'node:util';

export interface Config {
  /** Undefined: KUBECONFIG, else ~/.kube/config, else the pod's own credentials. */
  readonly kubeconfig: string | undefined;
  /** Watch only this namespace; undefined: all. */
  readonly namespace: string | undefined;
  readonly leaseNamespace: string;
  readonly leaseName: string;
  /** Who holds the lease, for people: the pod's name, or host and pid. */
  readonly identity: string;
  readonly httpHost: string;
  /** 0: any free port. */
  readonly httpPort: number;
  readonly logLevel: 'debug' | 'info' | 'warn' | 'error';
  readonly logFormat: 'json' | 'text';
  readonly powerPollMs: number;
  readonly hostPassMs: number;
}

export type Parsed =
  | { readonly kind: 'run'; readonly config: Config }
  | { readonly kind: 'help'; readonly text: string }
  | { readonly kind: 'wrong'; readonly problems: readonly string[] };

const help = `usage: undercloud [flags]

Runs the Undercloud operator: watches the kinds of undercloud.dev and brings machines, images and hosts to what they say.

  --kubeconfig FILE        the cluster to talk to (default: $KUBECONFIG, else ~/.kube/config, else the pod's own)
  --namespace NAME         watch this namespace only (default: all)
  --lease-namespace NAME   where the leader's Lease is (default: $POD_NAMESPACE, else undercloud-system)
  --lease-name NAME        its name (default: undercloud); replicas of one installation share it
  --http-address HOST:PORT where /healthz, /readyz and /metrics answer (default: 0.0.0.0:8080; port 0: any free one)
  --log-level LEVEL        debug, info, warn or error (default: info)
  --log-format FORMAT      json for machines, text for people (default: json)
  --power-poll SECONDS     how often each BMC is asked for the power state (default: 30)
  --host-pass SECONDS      how often each host is looked at though nothing was heard of it (default: 300)
  --help                   this text

examples:
  undercloud --log-format text                        run against the current kubeconfig
  undercloud --namespace lab --http-address 127.0.0.1:0
`;

const options = {
  kubeconfig: { type: 'string' },
  namespace: { type: 'string' },
  'lease-namespace': { type: 'string' },
  'lease-name': { type: 'string', default: 'undercloud' },
  'http-address': { type: 'string', default: '0.0.0.0:8080' },
  'log-level': { type: 'string', default: 'info' },
  'log-format': { type: 'string', default: 'json' },
  'power-poll': { type: 'string', default: '30' },
  'host-pass': { type: 'string', default: '300' },
  help: { type: 'boolean', default: false },
} as const;

const levels: readonly Config['logLevel'][] = ['debug', 'info', 'warn', 'error'];
const formats: readonly Config['logFormat'][] = ['json', 'text'];

/** `args` without the program's name. Lists every problem, not only the first. */
export function parseConfig(args: readonly string[], environment: NodeJS.ProcessEnv): Parsed {
  const parsed = readFlags(args);
  if ('problem' in parsed) return { kind: 'wrong', problems: [parsed.problem] };
  const { values } = parsed;
  if (values.help) return { kind: 'help', text: help };
  const problems: string[] = [];
  const oneOf = <T extends string>(flag: string, value: string, known: readonly T[]): T => {
    const found = known.find((candidate) => candidate === value);
    if (found === undefined) problems.push(`--${flag} is '${value}', must be one of ${known.join(', ')}`);
    return found ?? (value as T);
  };
  const seconds = (flag: string, value: string): number => {
    const number = Number(value);
    if (!Number.isFinite(number) || number < 1)
      problems.push(`--${flag} is '${value}', must be a number of seconds from 1 on`);
    return number * 1000;
  };
  const address = /^(?<host>[^:]+|\[[^\]]+\]):(?<port>\d{1,5})$/.exec(values['http-address'])?.groups;
  if (address === undefined || Number(address.port) > 65535)
    problems.push(`--http-address is '${values['http-address']}', must be HOST:PORT`);
  const config: Config = {
    kubeconfig: values.kubeconfig,
    namespace: values.namespace,
    leaseNamespace: values['lease-namespace'] ?? environment.POD_NAMESPACE ?? 'undercloud-system',
    leaseName: values['lease-name'],
    identity: environment.POD_NAME ?? `${hostname()}-${String(process.pid)}`,
    httpHost: (address?.host ?? '').replaceAll(/[[\]]/g, ''),
    httpPort: Number(address?.port ?? 0),
    logLevel: oneOf('log-level', values['log-level'], levels),
    logFormat: oneOf('log-format', values['log-format'], formats),
    powerPollMs: seconds('power-poll', values['power-poll']),
    hostPassMs: seconds('host-pass', values['host-pass']),
  };
  return problems.length > 0 ? { kind: 'wrong', problems } : { kind: 'run', config: Object.freeze(config) };
}

function readFlags(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options, strict: true });
  } catch (error) {
    return { problem: error instanceof Error ? error.message : String(error) };
  }
}
