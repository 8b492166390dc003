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
  /** Registries may be at loopback and link-local addresses. */
  readonly allowLocalRegistries: boolean;
  /** The pod that this process runs in; undefined outside a cluster. */
  readonly pod: { readonly namespace: string; readonly name: string } | undefined;
  /** Undefined: this operator boots no machine into the agent. */
  readonly provisioning: ProvisioningConfig | undefined;
}

export interface ProvisioningConfig {
  /** Where agents find us: `https://HOST:PORT`. */
  readonly agentUrl: string;
  readonly agentListen: Listen;
  readonly bootListen: Listen;
  readonly slots: number;
  readonly agentPollMs: number;
}

export interface Listen {
  readonly host: string;
  /** 0: any free one. */
  readonly port: number;
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
  --allow-local-registries take registries at loopback and link-local addresses: for labs, as whoever writes an image set could
                           otherwise ask services of this machine
  --agent-url URL          where machines that boot the deploy ramdisk reach this operator, https://HOST:PORT; without it no
                           machine is inspected, deployed or cleaned by agent
  --agent-address H:P      where the agents' calls are taken, over HTTPS (default: 0.0.0.0:6385)
  --boot-address H:P       where machines get their iPXE scripts, over HTTP (default: 0.0.0.0:8090)
  --agent-slots N          how many machines boot the ramdisk at once (default: 50)
  --agent-poll SECONDS     how often an agent at work is asked how far it is (default: 5)
  --help                   this text

examples:
  undercloud --log-format text                        run against the current kubeconfig
  undercloud --namespace lab --http-address 127.0.0.1:0
  undercloud --agent-url https://172.16.0.1:6385      inspect, deploy and clean machines on that network
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
  'allow-local-registries': { type: 'boolean', default: false },
  'agent-url': { type: 'string' },
  'agent-address': { type: 'string', default: '0.0.0.0:6385' },
  'boot-address': { type: 'string', default: '0.0.0.0:8090' },
  'agent-slots': { type: 'string', default: '50' },
  'agent-poll': { type: 'string', default: '5' },
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
  const listen = (flag: 'http-address' | 'agent-address' | 'boot-address'): Listen => {
    const address = /^(?<host>[^:]+|\[[^\]]+\]):(?<port>\d{1,5})$/.exec(values[flag])?.groups;
    if (address === undefined || Number(address.port) > 65535)
      problems.push(`--${flag} is '${values[flag]}', must be HOST:PORT`);
    return { host: (address?.host ?? '').replaceAll(/[[\]]/g, ''), port: Number(address?.port ?? 0) };
  };
  const provisioning = (agentUrl: string): ProvisioningConfig => {
    const url = URL.parse(agentUrl);
    if (url?.protocol !== 'https:' || url.port === '' || url.pathname !== '/')
      problems.push(`--agent-url is '${agentUrl}', must be https://HOST:PORT`);
    const slots = Number(values['agent-slots']);
    if (!Number.isInteger(slots) || slots < 1)
      problems.push(`--agent-slots is '${values['agent-slots']}', must be a whole number from 1 on`);
    return {
      agentUrl: agentUrl.replace(/\/$/, ''),
      agentListen: listen('agent-address'),
      bootListen: listen('boot-address'),
      slots,
      agentPollMs: seconds('agent-poll', values['agent-poll']),
    };
  };
  const http = listen('http-address');
  const config: Config = {
    kubeconfig: values.kubeconfig,
    namespace: values.namespace,
    leaseNamespace: values['lease-namespace'] ?? environment.POD_NAMESPACE ?? 'undercloud-system',
    leaseName: values['lease-name'],
    identity: environment.POD_NAME ?? `${hostname()}-${String(process.pid)}`,
    httpHost: http.host,
    httpPort: http.port,
    logLevel: oneOf('log-level', values['log-level'], levels),
    logFormat: oneOf('log-format', values['log-format'], formats),
    powerPollMs: seconds('power-poll', values['power-poll']),
    hostPassMs: seconds('host-pass', values['host-pass']),
    allowLocalRegistries: values['allow-local-registries'],
    pod: podIn(environment),
    provisioning: values['agent-url'] === undefined ? undefined : provisioning(values['agent-url']),
  };
  return problems.length > 0 ? { kind: 'wrong', problems } : { kind: 'run', config: Object.freeze(config) };
}

function podIn({ POD_NAME: name, POD_NAMESPACE: namespace }: NodeJS.ProcessEnv): Config['pod'] {
  return name === undefined || namespace === undefined ? undefined : { namespace, name };
}

function readFlags(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options, strict: true });
  } catch (error) {
    return { problem: error instanceof Error ? error.message : String(error) };
  }
}
