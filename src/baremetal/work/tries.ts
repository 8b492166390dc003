// What this process knows of each machine's present try: whether it awaits the agent, how it calls it, what its effects met.
import type { BareMetalNode } from '../../api/baremetalnode.gen.ts';
import type { Desk } from '../agent/desk.ts';
import type { AgentAddress, AgentClient, Heard } from '../agent/port.ts';
import { ramdiskArguments } from '../boot/arguments.ts';
import type { BootPlan } from '../boot/script.ts';
import type { Slots } from '../slots.ts';
import { agentNodeOf, macsOf } from './machine.ts';
import type { Choice } from './choose.ts';
import type { Consoles } from './consoles.ts';
import type { Blocker, WorkKind } from './model.ts';
import type { Records } from './record.ts';

/** What the operator needs to have machines boot the agent; absent where it was started without an address for them. */
export interface Provisioning {
  readonly desk: Desk;
  readonly slots: Slots;
  readonly connectAgent: (address: AgentAddress, token: string) => AgentClient;
  /** What each awaited machine boots from the network, by its node's UID. */
  readonly plans: Map<string, BootPlan>;
  /** Where agents find us; undefined until we listen. */
  readonly api: () => AgentApi | undefined;
}

export interface AgentApi {
  /** `https://HOST:PORT` */
  readonly url: string;
  /** Of our certificate's DER form, 64 hex digits: by it the ramdisk knows that it speaks to us. */
  readonly sha256: string;
}

export interface Try {
  /** As in status.work. */
  readonly boot: string;
  /** The desk awaits the agent of this boot. */
  awaited: boolean;
  prepared: boolean;
  retired: boolean;
  agent: { readonly url: string; readonly client: AgentClient } | undefined;
  /** What an effect met that trying again cannot mend. */
  failure: Blocker | undefined;
  /** What the last effect met, and when it is tried again, in ms of the monotonic clock. */
  trouble: { readonly message: string; readonly count: number; readonly retryAt: number } | undefined;
}

export interface Tries {
  /** The try that status.work records; undefined where it records none. */
  of(node: BareMetalNode): Promise<Try | undefined>;
  /** Goes on awaiting the agent of a boot that a former process began, and keeps where the agent says it is. */
  follow(node: BareMetalNode, current: Try, choice: Choice | undefined, signal: AbortSignal): Promise<Heard>;
  /** Has the desk await the agent of this boot, which shows `token`, and the machine boot `choice`. */
  expect(node: BareMetalNode, current: Try, token: string, choice: Choice | undefined): void;
  /** From now on the machine boots from its disk, and no agent is heard. */
  disarm(uid: string): void;
  /** The machine is left alone for a while: who reboots it meanwhile does not want the ramdisk. */
  rest(uid: string): void;
  /** The try is over: what its agent says from now on is not heard. */
  end(uid: string): Promise<void>;
}

export function createTries(deps: {
  readonly records: Records;
  readonly provisioning: Provisioning | undefined;
  readonly consoles: Consoles;
}): Tries {
  const { records, provisioning, consoles } = deps;
  const tries = new Map<string, Try>();

  const disarm = (uid: string): void => {
    provisioning?.desk.forget(uid);
    provisioning?.plans.delete(uid);
  };
  const end = async (uid: string): Promise<void> => {
    const former = tries.get(uid);
    tries.delete(uid);
    consoles.stop(uid);
    disarm(uid);
    await former?.agent?.client.close();
  };
  const expect: Tries['expect'] = (node, current, token, choice) => {
    if (provisioning === undefined) return;
    const { uid, name } = node.metadata;
    const api = provisioning.api();
    if (choice !== undefined && api !== undefined) provisioning.plans.set(uid, planOf(node, choice, api));
    provisioning.desk.expect({
      uid,
      name,
      macs: macsOf(node),
      boot: current.boot,
      token,
      inspecting: node.status?.work?.kind === 'Inspect',
      node: agentNodeOf(node),
    });
    current.awaited = true;
  };
  return {
    async of({ metadata: { uid }, status }) {
      const boot = status?.work?.boot;
      const known = tries.get(uid);
      if (known?.boot === boot) return known;
      if (known !== undefined) await end(uid);
      if (boot !== undefined) tries.set(uid, newTry(boot));
      return tries.get(uid);
    },
    async follow(node, current, choice, signal) {
      const { uid } = node.metadata;
      const { boot } = await records.read(node, signal);
      if (boot?.id !== current.boot || provisioning === undefined) return {};
      if (!current.awaited) {
        expect(node, current, boot.token, choice);
        if (boot.address !== undefined) provisioning.desk.restore(uid, boot.address);
      }
      const heard = provisioning.desk.heard(uid) ?? {};
      const address = heard.address ?? boot.address;
      if (heard.address !== undefined && heard.address.url !== boot.address?.url)
        await records.change(node, { boot: { ...boot, address: heard.address } }, signal);
      if (address !== undefined) await connect(provisioning, current, address, boot.token);
      return address === undefined ? heard : { ...heard, address };
    },
    expect,
    disarm,
    rest(uid) {
      provisioning?.plans.delete(uid);
      const current = tries.get(uid);
      // Both anew when it goes on: the desk keeps what it heard of the same boot.
      if (current !== undefined) Object.assign(current, { prepared: false, awaited: false });
    },
    end,
  };
}

const purposes = { Inspect: 'inspection', Deploy: 'deployment', Clean: 'cleaning' } as const;

/** Throws terminal UnusableArguments. */
function planOf(node: BareMetalNode, choice: Choice, api: AgentApi): BootPlan {
  const kind = node.status?.work?.kind ?? 'Inspect';
  const { kernel, ramdisk } = choice.deploy;
  const purpose = purposes[kind];
  const kernelArguments = argumentsOf(node, kind, choice, api);
  return { kind: 'Ramdisk', node: node.metadata.name, purpose, kernel, ramdisk, arguments: kernelArguments };
}

/** By its own default the agent asks a hundred times, for a quarter of an hour, before it says that there is no such image. */
const fewRetries = 'ipa-image-download-connection-retries=2';

/** The ramdisk's kernel arguments. Throws terminal UnusableArguments. */
export function argumentsOf(
  { spec }: BareMetalNode,
  kind: WorkKind,
  { deploy }: Choice,
  { url, sha256 }: AgentApi,
): readonly string[] {
  return ramdiskArguments({
    agentApi: [url],
    trust: { kind: 'Fingerprint', sha256 },
    mac: spec.bootMACAddress,
    collectors: kind === 'Inspect' ? deploy.collectors : undefined,
    network: spec.ramdiskNetwork,
    extra: kind === 'Deploy' ? `${fewRetries} ${deploy.kernelArguments}` : deploy.kernelArguments,
  });
}

async function connect(
  { connectAgent }: Provisioning,
  current: Try,
  address: AgentAddress,
  token: string,
): Promise<void> {
  if (current.agent?.url === address.url) return;
  await current.agent?.client.close();
  current.agent = { url: address.url, client: connectAgent(address, token) };
}

const newTry = (boot: string): Try => ({
  boot,
  awaited: false,
  prepared: false,
  retired: false,
  agent: undefined,
  failure: undefined,
  trouble: undefined,
});
