// The kernel arguments with which a machine boots the deploy ramdisk: pure. No secret is among them, they are read by anybody.
import { argumentsProblem } from '../../api/media.ts';
import { terminal } from '../../kernel/errors.ts';

/** A fixed address, for a machine that has no DHCP. */
export interface StaticAddress {
  /** IPv4 or IPv6. */
  readonly address: string;
  readonly prefixLength: number;
  readonly gateway?: string | undefined;
  readonly dnsServers?: readonly string[] | undefined;
}

/**
 * How the agent knows that it speaks to us. It takes no CA from the kernel's command line (ironic_python_agent/config.py, `cafile`): our
 * ramdisk fetches the certificate that has this fingerprint (hack/agent-ramdisk). A ramdisk made by others needs `Insecure`: it takes
 * any certificate, also those of image servers.
 */
export type AgentTrust =
  | {
      readonly kind: 'Fingerprint';
      /** Of the certificate's DER form: 64 hex digits. */ readonly sha256: string;
    }
  | { readonly kind: 'Insecure' };

export interface RamdiskBoot {
  /** Where the agent finds us, `https://HOST:PORT` without a path; where there are several it goes to the first that answers. */
  readonly agentApi: readonly string[];
  readonly trust: AgentTrust;
  /** The NIC that the machine boots from, if it is known. */
  readonly mac?: string | undefined;
  /** What the agent collects and posts before it looks itself up; undefined: no inspection. */
  readonly collectors?: readonly string[] | undefined;
  /** Of the NIC `mac`; undefined: DHCP. */
  readonly network?: StaticAddress | undefined;
  /** The user's, `deploy.kernelArguments` of the boot images: consoles and the like. */
  readonly extra?: string | undefined;
}

/**
 * One argument each, in the order of the command line. The user's come last, where the kernel and the agent let them win.
 * Throws terminal UnusableArguments, which says what to change.
 */
export function ramdiskArguments(boot: RamdiskBoot): readonly string[] {
  const { agentApi, trust, mac, collectors, network, extra = '' } = boot;
  const made = [
    `ipa-api-url=${agentApi.join(',')}`,
    trust.kind === 'Insecure' ? 'ipa-insecure=1' : `undercloud.ca=sha256:${trust.sha256.toLowerCase()}`,
    // With ipa-api-url this is where the agent posts to, too (ironic_python_agent/inspector.py, inspect).
    ...(collectors === undefined ? [] : [`ipa-inspection-collectors=${collectors.join(',')}`]),
    ...(mac === undefined ? [] : [`BOOTIF=01-${hyphened(mac)}`]),
    ...(network === undefined || mac === undefined ? [] : [networkArgument(mac, network)]),
    ...extra.split(' ').filter((word) => word !== ''),
  ];
  const problem = argumentsProblem(made.join(' '));
  if (problem === undefined) return made;
  const remedy = 'correct deploy.kernelArguments of ConfigMap undercloud-images';
  throw terminal(
    'UnusableArguments',
    `the ramdisk's kernel arguments cannot be used: ${problem} (${remedy})`,
  );
}

/**
 * `undercloud.network=MAC,ADDRESS/PREFIX,GATEWAY[,DNS…]`, which our ramdisk makes its network of (hack/agent-ramdisk). No gateway
 * is an empty field.
 */
function networkArgument(mac: string, network: StaticAddress): string {
  const { address, prefixLength, gateway = '', dnsServers = [] } = network;
  return `undercloud.network=${[mac.toLowerCase(), `${address}/${prefixLength}`, gateway, ...dnsServers].join(',')}`;
}

/** As in iPXE's `${mac:hexhyp}` and in PXELINUX's BOOTIF. */
export const hyphened = (mac: string): string => mac.toLowerCase().replaceAll(':', '-');
