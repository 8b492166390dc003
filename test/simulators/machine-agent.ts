// The ramdisk of a simulated machine: ironic-python-agent's order of calls (ironic_python_agent/agent.py, run), in a hurry.
import { setTimeout as sleep } from 'node:timers/promises';
import { messageOf } from '../../src/kernel/errors.ts';
import { serveAgent } from './machine-api.ts';
import { inspectionData } from './machine-inventory.ts';
import type { Ramdisk } from './machine-model.ts';
import { createMachineWeb, type MachineWeb, type WebAnswer } from './machine-web.ts';

const agentVersion = '10.2.0';

/** Of the operator's API, at which the agent sends no token, or no certificate (ironic_python_agent/ironic_api_client.py). */
const fallbackVersion = 31;
const tokenVersion = 62;
const certificateVersion = 68;

interface LookedUp {
  readonly uuid: string;
  readonly token: string | undefined;
}

/** Until the machine loses its power, or dies. */
export async function runAgent(ramdisk: Ramdisk): Promise<void> {
  const { signal, log } = ramdisk;
  if (apisOf(ramdisk).length === 0) {
    log('has no ipa-api-url: the agent does nothing');
    return;
  }
  try {
    const uuid = ramdisk.arguments.has('ipa-inspection-collectors') ? await inspect(ramdisk) : undefined;
    const version = await apiVersion(ramdisk);
    const found = await lookUp(ramdisk, version, uuid);
    if (ramdisk.faults.secondAgent !== undefined) await impostor(ramdisk, ramdisk.faults.secondAgent);
    if (ramdisk.faults.diesAfterLookup === true) ramdisk.die('after its lookup');
    else await live(ramdisk, found, version);
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}

/** It is tried five times on 5xx and 409; any other refusal, and the agent goes on with its lookup (inspector.py, call_inspector). */
async function inspect(ramdisk: Ramdisk): Promise<string | undefined> {
  const collectors = ramdisk.arguments.get('ipa-inspection-collectors') ?? '';
  const body = inspectionData(ramdisk, collectors.split(','));
  for (let attempt = 0; attempt < 5; attempt += 1) {
    const answer = await call(ramdisk, 'POST', '/v1/continue_inspection', body);
    if (answer !== undefined && answer.status < 400) {
      ramdisk.log('its inspection was taken');
      return textAt(jsonOf(answer.text), 'uuid');
    }
    ramdisk.log(`its inspection was refused: ${wordsOf(answer)}`);
    if (answer !== undefined && answer.status < 500 && answer.status !== 409) return undefined;
    await sleep(ramdisk.speed.retry, undefined, { signal: ramdisk.signal });
  }
  return undefined;
}

/** The minor version, of 1.x. */
async function apiVersion(ramdisk: Ramdisk): Promise<number> {
  const answer = await call(ramdisk, 'GET', '/');
  const root = jsonOf(answer?.text ?? '');
  const told = textAt(isRecord(root.default_version) ? root.default_version : {}, 'version');
  const minor = Number(told?.split('.')[1]);
  if (Number.isInteger(minor)) return minor;
  ramdisk.log('does not learn the version of the API: speaks 1.31');
  return fallbackVersion;
}

/** A real agent gives up after ten minutes, and is started again by systemd. */
async function lookUp(ramdisk: Ramdisk, version: number, uuid: string | undefined): Promise<LookedUp> {
  const query = new URLSearchParams({
    addresses: ramdisk.macs.join(','),
    ...(uuid !== undefined && { node_uuid: uuid }),
  });
  for (;;) {
    const headers = versionHeader(Math.min(version, tokenVersion));
    const answer = await call(ramdisk, 'GET', `/v1/lookup?${query.toString()}`, undefined, headers);
    const body = jsonOf(answer?.text ?? '');
    const node = isRecord(body.node) ? textAt(body.node, 'uuid') : undefined;
    if (answer?.status === 200 && node !== undefined && isRecord(body.config)) {
      ramdisk.log('looked itself up');
      const token = textAt(body.config, 'agent_token');
      // A shorter one is "invalid" (agent.py, process_lookup_data).
      return { uuid: node, token: token !== undefined && token.length >= 32 ? token : undefined };
    }
    ramdisk.log(`its lookup was refused: ${wordsOf(answer)}`);
    await sleep(ramdisk.speed.retry, undefined, { signal: ramdisk.signal });
  }
}

/** Something else that says to be this machine: its answer is in the log. */
async function impostor({ macs, arguments: given, signal, log }: Ramdisk, address: string): Promise<void> {
  const web = createMachineWeb(address);
  try {
    const [api = ''] = given.get('ipa-api-url')?.split(',') ?? [];
    const answer = await web.call('GET', `${api}/v1/lookup?addresses=${macs.join(',')}`, { signal });
    log(`a second agent at ${address} looked up: ${wordsOf(answer)}`);
  } finally {
    await web.close();
  }
}

/** Serves commands and beats, at once after each command and otherwise regularly. */
async function live(ramdisk: Ramdisk, { uuid, token }: LookedUp, version: number): Promise<void> {
  const { signal, faults, speed, log } = ramdisk;
  const news: { wake: () => void } = { wake: () => undefined };
  const api = await serveAgent(ramdisk, token, () => news.wake());
  try {
    ramdisk.serving(api.url);
    while (!signal.aborted) {
      const body = {
        callback_url: api.url,
        ...(version >= tokenVersion && {
          agent_token: faults.wrongToken === true ? 'wrong'.repeat(8) : token,
        }),
        agent_version: agentVersion,
        ...(version >= certificateVersion &&
          faults.noCertificate !== true && { agent_verify_ca: api.certificate }),
      };
      const headers = versionHeader(Math.min(version, certificateVersion));
      const answer = await call(ramdisk, 'POST', `/v1/heartbeat/${uuid}`, body, headers);
      log(answer?.status === 202 ? 'beat' : `its heartbeat was refused: ${wordsOf(answer)}`);
      const command = new Promise<void>((resolve) => void (news.wake = resolve));
      const aborted = sleep(speed.heartbeat, undefined, { signal, ref: false }).catch(() => undefined);
      await Promise.race([command, aborted]);
    }
  } finally {
    await api.close();
  }
}

/** The first API that answers; undefined: none does. Throws when the machine is off. */
async function call(
  ramdisk: Ramdisk,
  method: 'GET' | 'POST',
  path: string,
  body?: unknown,
  headers: Readonly<Record<string, string>> = {},
): Promise<WebAnswer | undefined> {
  const { signal, web } = ramdisk;
  for (const api of apisOf(ramdisk)) {
    try {
      const options: Parameters<MachineWeb['call']>[2] = { body, headers, signal };
      return await web.call(method, `${api}${path}`, options);
    } catch (error) {
      if (signal.aborted) throw error;
      ramdisk.log(`${api} does not answer: ${messageOf(error)}`);
    }
  }
  return undefined;
}

const apisOf = ({ arguments: given }: Ramdisk): readonly string[] =>
  (given.get('ipa-api-url') ?? '')
    .split(',')
    .filter((url) => url !== '')
    .map((url) => url.replace(/\/+$/, ''));

const versionHeader = (minor: number) => ({ 'X-OpenStack-Ironic-API-Version': `1.${minor}` });

/** As the agent's own log has it (ironic_api_client.py, _error_from_response). */
function wordsOf(answer: WebAnswer | undefined): string {
  if (answer === undefined) return 'no answer';
  const { error_message: message } = jsonOf(answer.text);
  const words = isRecord(message) ? textAt(message, 'faultstring') : undefined;
  return `Error ${answer.status}: ${words ?? answer.text}`;
}

function jsonOf(text: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text);
    return isRecord(value) ? value : {};
  } catch {
    return {};
  }
}

const textAt = (record: Readonly<Record<string, unknown>>, name: string): string | undefined => {
  const value = record[name];
  return typeof value === 'string' ? value : undefined;
};

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
