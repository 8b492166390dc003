// The iPXE scripts: the first one, which asks for the machine's own by its MAC addresses, and what a machine gets. Pure.
import type { ImageFile } from '../../api/images.ts';
import { hyphened } from './arguments.ts';

/** What a machine whose MAC address we know boots from the network. */
export type BootPlan =
  | {
      readonly kind: 'Ramdisk';
      /** The node's name, for the screen. */
      readonly node: string;
      /** Why it boots, for the screen: `inspection`, `deployment`, `cleaning`. */
      readonly purpose: string;
      readonly kernel: ImageFile;
      readonly ramdisk: ImageFile;
      /** Of `ramdiskArguments`. */
      readonly arguments: readonly string[];
    }
  | { readonly kind: 'Disk'; readonly node: string };

/** Says to the first script that this machine's script was run: it has not to ask for the other NICs. */
const knownFlag = 'undercloud-known';
const mostNics = 8;
/** iPXE gives up a download that stands still for so long, in milliseconds. */
const stallMs = 60_000;
const pauseSeconds = 5;

/*
 * How a script ends without booting: `exit 1`. A firmware that is told of success (`exit 0`) shows its menu instead of going on to
 * the next boot device (UEFI specification 2.10, section 3.1.1; MdeModulePkg/Universal/BdsDxe of edk2).
 */

/**
 * Served at `/boot/ipxe`; its relative addresses are looked up below `/boot/`. It asks first for the NIC that iPXE came by, then for
 * the others: a machine is known by any of them.
 */
export function firstScript(): string {
  const ask = (nic: string): string =>
    // A missing NIC and an unknown address go on; the empty command behind the last || makes a success of it.
    `isset \${${nic}/mac} && chain --autofree ipxe/\${${nic}/mac:hexhyp} || isset \${${knownFlag}} && goto leave ||`;
  return lines([
    'echo Undercloud: looking for what this machine is to boot',
    ask('netX'),
    ...Array.from({ length: mostNics }, (_, index) => ask(`net${index}`)),
    'echo Undercloud: this machine has the bootMACAddress of no BareMetalNode',
    ':leave',
    'echo Undercloud: going on with the next boot device',
    'exit 1',
  ]);
}

/** Served at `/boot/ipxe/<mac>`, for an address that we do not know. */
export const unknownScript = (mac: string): string =>
  lines([
    `echo Undercloud: ${mac} is the bootMACAddress of no BareMetalNode`,
    `echo Undercloud: this NIC boots nothing from the network`,
    'exit 1',
  ]);

/** Served at `/boot/ipxe/<mac>`, for a machine that we know. */
export function nodeScript(mac: string, plan: BootPlan): string {
  switch (plan.kind) {
    case 'Disk':
      return lines([
        `set ${knownFlag} yes`,
        `echo Undercloud: ${plan.node} is not to boot from the network now`,
        'exit 1',
      ]);
    case 'Ramdisk':
      return ramdiskScript(mac, plan);
  }
}

/**
 * Never gives up: what fails is fetched again after a pause, with a new script, because by then it may be told something else.
 * EFI kernels find their ramdisk by the argument `initrd=`; it stands last, so that no argument can end the line with a backslash.
 */
function ramdiskScript(mac: string, plan: Extract<BootPlan, { kind: 'Ramdisk' }>): string {
  const { node, purpose, kernel, ramdisk } = plan;
  const fetch = `--timeout ${stallMs}`;
  return lines([
    `set ${knownFlag} yes`,
    `echo Undercloud: ${node} boots the agent for its ${purpose}`,
    'echo Undercloud: fetching the kernel',
    `kernel --name kernel ${fetch} ${quotedUrl(kernel.url)} ${plan.arguments.join(' ')} initrd=ramdisk || goto failed`,
    ...check('kernel', kernel.checksum),
    'echo Undercloud: fetching the ramdisk',
    `initrd --name ramdisk ${fetch} ${quotedUrl(ramdisk.url)} || goto failed`,
    ...check('ramdisk', ramdisk.checksum),
    'echo Undercloud: starting the agent',
    'boot ||',
    'echo Undercloud: the kernel could not be started',
    'goto failed',
    ':damaged',
    'echo Undercloud: it has not the checksum of ConfigMap undercloud-images',
    ':failed',
    `echo Undercloud: it failed as the lines above say, trying again in ${pauseSeconds} s`,
    `sleep ${pauseSeconds}`,
    'imgfree kernel ||',
    'imgfree ramdisk ||',
    `chain --autofree --replace ${hyphened(mac)} || goto failed`,
  ]);
}

/**
 * iPXE can put a digest into a setting where its build has DIGEST_CMD (hci/commands/digest_cmd.c): 2.0 for EFI does, Debian's older ones
 * and builds for BIOS do not. Those say so on the screen and go on without.
 */
function check(image: string, checksum: string): readonly string[] {
  const [algorithm = '', digest = ''] = checksum.split(':');
  const sum = `undercloud-${image}-sum`;
  return [
    `clear ${sum} ||`,
    `${algorithm}sum --set ${sum}:hexraw ${image} ||`,
    `isset \${${sum}} || echo Undercloud: this iPXE cannot check the ${image}, it is taken as it is`,
    `isset \${${sum}} || set ${sum} ${digest}`,
    `iseq \${${sum}} ${digest} || goto damaged`,
  ];
}

/** iPXE expands `${…}` anywhere in a line. */
const quotedUrl = (url: string): string => new URL(url).href.replaceAll('$', '%24').replaceAll('\\', '%5C');

const lines = (body: readonly string[]): string => `#!ipxe\n${body.join('\n')}\n`;
