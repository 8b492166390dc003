// An IPMI 2.0 BMC in memory: packets in, packets out. It keeps to the standard, but for the faults that it is told to have.
import { createSecretKey, randomBytes } from 'node:crypto';
import {
  hmac,
  sessionKeys,
  suite17,
  suite3,
  type CipherSuite,
  type SessionKeys,
} from '../../src/baremetal/bmc/ipmi/algorithms.ts';
import {
  openPacket,
  parsePacket,
  payloadTypes,
  plainPacket,
  sealPacket,
} from '../../src/baremetal/bmc/ipmi/packet.ts';

export interface FakeIpmi {
  power: boolean;
  bootFlags: readonly number[];
  username: string;
  password: string;
  /** By number. */
  suites: readonly number[];
  /** RMCP+ status with which a login ends at its first message, and at its second. */
  openStatus: number;
  rakp2Status: number;
  /** A RAKP 3 that comes again is not answered. */
  ignoresRepeatedProof: boolean;
  /** Completion code of Set Session Privilege. */
  privilegeCompletion: number;
  /** Completion codes of the next commands, instead of doing them. */
  readonly completions: number[];
  /** `netFn command`, in hexadecimal, of every command that was not a repetition; the RMCP+ messages by name. */
  readonly log: string[];
  /** Logins that were begun. */
  logins: number;
  /** Packets that came in. */
  packets: number;
  /** Open sessions. */
  sessions(): number;
  /** Loses all sessions, as at a restart. */
  forget(): void;
  /** Answers to a packet. */
  receive(packet: Buffer): Buffer[];
}

interface Login {
  readonly suite: CipherSuite;
  readonly consoleId: Buffer;
  readonly bmcId: Buffer;
  readonly bmcRandom: Buffer;
  consoleRandom: Buffer;
  role: number;
  keys: SessionKeys | undefined;
  sequence: number;
  /** Of the last command: its requester's sequence number, network function and command, and the reply. */
  last: { readonly id: string; readonly reply: readonly number[] } | undefined;
}

const guid = Buffer.from('a123456789abcdefa123456789abcdef', 'hex');
const known = [suite17, suite3];
const unknownCommand = [0xc1];

export function createFakeIpmi(start: Partial<FakeIpmi> = {}): FakeIpmi {
  const logins = new Map<number, Login>();
  const fake: FakeIpmi = {
    power: false,
    bootFlags: [0, 0, 0, 0, 0],
    username: 'admin',
    password: 'secret',
    suites: [17, 3],
    openStatus: 0,
    rakp2Status: 0,
    ignoresRepeatedProof: false,
    privilegeCompletion: 0,
    completions: [],
    log: [],
    logins: 0,
    packets: 0,
    sessions: () => [...logins.values()].filter(({ keys }) => keys !== undefined).length,
    forget: () => logins.clear(),
    receive(raw) {
      fake.packets += 1;
      // Get Channel Authentication Capabilities, in an IPMI 1.5 packet (sections 13.6 and 22.13): ipmitool begins with it.
      if (raw[4] === 0) return [capabilities(raw)];
      const packet = parsePacket(raw);
      if (packet === undefined) return [];
      const { type, payload } = packet;
      if (type === payloadTypes.openRequest) return [open(fake, logins, payload)];
      const login = logins.get(type === payloadTypes.ipmi ? packet.sessionId : payload.readUInt32LE(4));
      if (login === undefined) return [];
      if (type === payloadTypes.rakp1) return [challenge(fake, login, payload)];
      if (type === payloadTypes.rakp3) return prove(fake, login, payload);
      const message = login.keys && openPacket(login.keys, packet);
      if (message === undefined || login.keys === undefined) return [];
      login.sequence += 1;
      const to = {
        type: payloadTypes.ipmi,
        sessionId: login.consoleId.readUInt32LE(),
        sequence: login.sequence,
      };
      const reply = sealPacket(login.keys, to, answer(fake, login, message), randomBytes(16));
      if (message[5] === 0x3c) logins.delete(login.bmcId.readUInt32LE());
      return [reply];
    },
    ...start,
  };
  return fake;
}

const checksum = (bytes: readonly number[]): number => -bytes.reduce((sum, byte) => sum + byte, 0) & 0xff;

/** A reply to `request` (section 13.8). */
function message(request: Buffer, reply: readonly number[]): Buffer {
  const [, netFnLun = 0, , requester = 0, sequence = 0, command = 0] = request;
  const head = [requester, netFnLun + 4];
  const body = [0x20, sequence, command, ...reply];
  return Buffer.from([...head, checksum(head), ...body, checksum(body)]);
}

function capabilities(raw: Buffer): Buffer {
  const reply = message(raw.subarray(14), [0, 1, 0x80, 0x04, 0x02, 0, 0, 0, 0]);
  return Buffer.concat([raw.subarray(0, 13), Buffer.from([reply.length]), reply]);
}

/** Section 13.18. */
function open(fake: FakeIpmi, logins: Map<number, Login>, payload: Buffer): Buffer {
  fake.log.push(`open`);
  fake.logins += 1;
  const [tag = 0] = payload;
  const suite = known.find(
    ({ id, authentication, integrity }) =>
      fake.suites.includes(id) && payload[12] === authentication && payload[20] === integrity,
  );
  const consoleId = Buffer.from(payload.subarray(4, 8));
  const status = fake.openStatus || (suite === undefined ? 0x04 : 0);
  if (status !== 0 || suite === undefined)
    return plainPacket(payloadTypes.openReply, Buffer.concat([Buffer.from([tag, status, 0, 0]), consoleId]));
  const bmcId = randomBytes(4);
  const login = { suite, consoleId, bmcId, bmcRandom: randomBytes(16), consoleRandom: consoleId, role: 0 };
  logins.set(bmcId.readUInt32LE(), { ...login, keys: undefined, sequence: 0, last: undefined });
  const chosen = payload.subarray(8, 32);
  return plainPacket(
    payloadTypes.openReply,
    Buffer.concat([Buffer.from([tag, 0, 4, 0]), consoleId, bmcId, chosen]),
  );
}

const who = (fake: FakeIpmi, { role }: Login): Buffer =>
  Buffer.concat([Buffer.from([role, fake.username.length]), Buffer.from(fake.username)]);

/** Section 13.21. */
function challenge(fake: FakeIpmi, login: Login, payload: Buffer): Buffer {
  fake.log.push('RAKP 1');
  const [tag = 0] = payload;
  login.consoleRandom = Buffer.from(payload.subarray(8, 24));
  login.role = payload.readUInt8(24);
  const isKnown = payload.subarray(28).toString() === fake.username;
  const status = fake.rakp2Status || (isKnown ? 0 : 0x0d);
  const { suite, consoleId, bmcId, bmcRandom, consoleRandom } = login;
  if (status !== 0)
    return plainPacket(payloadTypes.rakp2, Buffer.concat([Buffer.from([tag, status, 0, 0]), consoleId]));
  const sum = [consoleId, bmcId, consoleRandom, bmcRandom, guid, who(fake, login)];
  const proof = hmac(suite, createSecretKey(Buffer.from(fake.password)), ...sum);
  return plainPacket(
    payloadTypes.rakp2,
    Buffer.concat([Buffer.from([tag, 0, 0, 0]), consoleId, bmcRandom, guid, proof]),
  );
}

/** Section 13.23. */
function prove(fake: FakeIpmi, login: Login, payload: Buffer): Buffer[] {
  fake.log.push('RAKP 3');
  const [tag = 0, status] = payload;
  if (status !== 0 || (fake.ignoresRepeatedProof && login.keys !== undefined)) return [];
  const { suite, consoleId, bmcId, bmcRandom, consoleRandom } = login;
  const password = createSecretKey(Buffer.from(fake.password));
  const isProven = hmac(suite, password, bmcRandom, consoleId, who(fake, login)).equals(payload.subarray(8));
  const head = Buffer.concat([Buffer.from([tag, isProven ? 0 : 0x0f, 0, 0]), consoleId]);
  if (!isProven) return [plainPacket(payloadTypes.rakp4, head)];
  const key = createSecretKey(hmac(suite, password, consoleRandom, bmcRandom, who(fake, login)));
  login.keys = sessionKeys(suite, key);
  const check = hmac(suite, key, consoleRandom, bmcId, guid).subarray(0, suite.tagBytes);
  return [plainPacket(payloadTypes.rakp4, Buffer.concat([head, check]))];
}

/** The answer to a command; the same as before to one that is repeated, which is done once (section 5.6). */
function answer(fake: FakeIpmi, login: Login, request: Buffer): Buffer {
  const [, netFnLun = 0, , , sequence = 0, command = 0] = request;
  const name = `${(netFnLun >> 2).toString(16).padStart(2, '0')} ${command.toString(16).padStart(2, '0')}`;
  const id = `${sequence} ${name}`;
  if (login.last?.id !== id) {
    fake.log.push(name);
    const planned = fake.completions.shift();
    login.last = {
      id,
      reply: planned === undefined ? execute(fake, name, request.subarray(6, -1)) : [planned],
    };
  }
  return message(request, login.last.reply);
}

/** Completion code and data. */
function execute(fake: FakeIpmi, name: string, data: Buffer): readonly number[] {
  const [first = 0] = data;
  switch (name) {
    case '00 01':
      return [0, fake.power ? 1 : 0, 0, 0];
    case '00 02':
      fake.power = first === 1 || first === 3;
      return [0];
    case '00 08':
      if (first === 5) fake.bootFlags = [...data.subarray(1)];
      return [0];
    case '00 09':
      return [0, 1, 5, ...fake.bootFlags];
    case '06 01':
      return [0, 0x20, 1, 2, 0x45, 0x02, 0xbf, 0xa2, 0x02, 0, 1, 2];
    case '06 3b':
      return fake.privilegeCompletion === 0 ? [0, first] : [fake.privilegeCompletion];
    case '00 04':
    case '06 3c':
    case '06 49':
      return [0];
    default:
      return unknownCommand;
  }
}
