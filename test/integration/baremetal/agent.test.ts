// The agents' listener as curl and raw sockets see it, and our client against agents that answer as real ones do, badly, or not at all.
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer as createHttps } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { promisify } from 'node:util';
import { expect } from 'chai';
import { makeCertificate } from '../../../src/baremetal/agent/certificate.ts';
import { createAgentClient } from '../../../src/baremetal/agent/client.ts';
import { createDesk } from '../../../src/baremetal/agent/desk.ts';
import { startAgentServer } from '../../../src/baremetal/agent/server.ts';
import { asOperatorError, type OperatorError } from '../../../src/kernel/errors.ts';
import { silentLogger } from '../../../src/kernel/log.ts';
import { type AgentRig, startRig, until } from './agent-rig.ts';

const run = promisify(execFile);
const mac = '52:54:00:00:63:01';
const token = 'secret-token-'.repeat(4);
const signal = new AbortController().signal;

describe('the agents’ listener', () => {
  let rig: AgentRig;
  let directory: string;
  let uid: string;
  before(async () => {
    rig = await startRig();
    directory = await mkdtemp(path.join(tmpdir(), 'agents-'));
    await writeFile(path.join(directory, 'ca.pem'), rig.cert);
  });
  beforeEach(() => {
    uid = rig.expect(rig.machine({ macs: [mac] }), { token, inspecting: true }).uid;
  });
  afterEach(() => rig.desk.forget(uid));
  after(async () => {
    await rig.close();
    await rm(directory, { recursive: true });
  });

  /** With our certificate as the only one that is trusted. */
  const curl = async (target: string, ...args: readonly string[]) => {
    const url = `https://127.0.0.1:${rig.agents.port}${target}`;
    const ca = path.join(directory, 'ca.pem');
    const { stdout } = await run('curl', ['-sS', '--cacert', ca, '--max-time', '8', '-i', ...args, url], {
      maxBuffer: 2 ** 26,
    });
    // A 100 Continue may stand before the answer.
    const [, status = '', headers = '', body = ''] =
      /(?:^|\r\n\r\n)HTTP\/1\.1 ([2-5]\d\d)[^\r]*\r\n([^]*?)\r\n\r\n([^]*)$/.exec(stdout) ?? [];
    return { status: Number(status), headers: headers.toLowerCase(), body };
  };
  const post = async (target: string, body: string | Buffer) => {
    const file = path.join(directory, 'body');
    await writeFile(file, body);
    return curl(target, '-X', 'POST', '-H', 'Content-Type: application/json', '--data-binary', `@${file}`);
  };
  const faultOf = ({ body }: { readonly body: string }): string =>
    (JSON.parse(body) as { error_message: { faultstring: string } }).error_message.faultstring;
  const dial = async (): Promise<TLSSocket> => {
    const socket = connectTls({ host: '127.0.0.1', port: rig.agents.port, ca: rig.cert });
    socket.on('error', () => undefined);
    await once(socket, 'secureConnect');
    return socket;
  };

  it('tells the version from which on agents take a token and send a certificate', async () => {
    for (const target of ['/', '/v1/', '/v1']) {
      const { status, headers, body } = await curl(target);
      expect(status, target).to.equal(200);
      expect(JSON.parse(body)).to.have.nested.property('default_version.version', '1.68');
      expect(headers).to.match(/^x-openstack-ironic-api-version: 1\.68$/m);
    }
  });

  it('gives a machine what process_lookup_data of agent.py reads', async () => {
    const { status, body } = await curl(`/v1/lookup?addresses=${mac.toUpperCase()},52:54:00:00:63:02`);
    expect(status).to.equal(200);
    const { node, config } = JSON.parse(body) as Record<'node' | 'config', Record<string, unknown>>;
    expect(node).to.include({ uuid: uid }).and.to.include.keys('properties', 'instance_info');
    expect(config).to.include({ agent_token: token, agent_token_required: true });
    expect(config.heartbeat_timeout).to.be.a('number');
    // With one of these the agent would take every other member for an option of its own.
    expect(config).to.not.have.any.keys('metrics', 'metrics_statsd');
  });

  it('knows a machine by addresses that are escaped as a real agent escapes them', async () => {
    expect((await curl(`/v1/lookup?addresses=52%3A54%3A00%3A00%3A63%3A01&node_uuid=${uid}`)).status).to.equal(
      200,
    );
  });

  const lookups: readonly [string, string][] = [
    ['an unknown machine', 'addresses=52:54:00:00:63:99'],
    ['no address', ''],
    ['an empty address', 'addresses='],
    ['another UUID', `addresses=${mac}&node_uuid=00000000-0000-0000-0000-000000000000`],
    ['very many addresses', `addresses=${Array.from({ length: 500 }, () => '52:54:00:00:63:98').join(',')}`],
  ];
  for (const [what, query] of lookups) {
    it(`answers 404, always in the same words, to a lookup of ${what}`, async () => {
      const answer = await curl(`/v1/lookup?${query}`);
      expect(answer.status).to.equal(404);
      expect(faultOf(answer)).to.equal('no node with this MAC address awaits an agent');
    });
  }

  const routes: readonly [string, string, number][] = [
    ['GET', '/nonsense', 404],
    ['GET', '/v1/nodes', 404],
    ['GET', '/v1/lookup/../nodes', 404],
    ['POST', '/v1/lookup', 404],
    ['DELETE', '/', 404],
    ['GET', '/v1/heartbeat/uid', 405],
    ['POST', '/v1/heartbeat/', 404],
    ['POST', '/v1/heartbeat/..%2f..', 404],
    ['POST', '/v1/heartbeat/00000000-0000-0000-0000-000000000000', 404],
  ];
  for (const [method, target, status] of routes) {
    it(`answers ${status} to ${method} ${target}`, async () => {
      const answer = await curl(target, '--path-as-is', '-X', method, '-d', '{}');
      expect(answer.status).to.equal(status);
      expect(faultOf(answer)).to.be.a('string');
    });
  }

  for (const target of ['/v1/continue_inspection', '/v1/continue']) {
    it(`takes inspection data of many megabytes at ${target}`, async () => {
      const inventory = { interfaces: [{ name: 'eth0', mac_address: mac }] };
      const answer = await post(target, JSON.stringify({ inventory, logs: 'x'.repeat(8 * 2 ** 20) }));
      expect(answer.status).to.equal(200);
      expect(JSON.parse(answer.body)).to.deep.equal({ uuid: uid });
      expect(rig.desk.heard(uid)?.inspection?.inventory.nics).to.have.length(1);
    });
  }

  const bodies: readonly [string, string | Buffer][] = [
    ['nothing', ''],
    ['no JSON', '{'],
    ['no text', Buffer.from([0xff, 0xfe, 0x00])],
    ['a list', '[]'],
    ['null', 'null'],
    ['ten thousand levels', '['.repeat(10_000)],
  ];
  for (const [what, body] of bodies) {
    it(`refuses a body that is ${what}, and goes on`, async () => {
      expect((await post('/v1/continue_inspection', body)).status).to.be.within(400, 404);
      expect((await post(`/v1/heartbeat/${uid}`, body)).status).to.be.within(400, 401);
      expect((await curl('/')).status).to.equal(200);
    });
  }

  it('refuses inspection data above 16 MiB, and heartbeats above 64 KiB', async () => {
    expect((await post('/v1/continue_inspection', Buffer.alloc(17 * 2 ** 20, 32))).status).to.equal(413);
    expect((await post(`/v1/heartbeat/${uid}`, Buffer.alloc(65 * 1024, 32))).status).to.equal(413);
    expect((await curl('/')).status).to.equal(200);
  });

  it('refuses headers without an end', async () => {
    expect((await curl('/', '-H', `X-Long: ${'x'.repeat(40_000)}`)).status).to.equal(431);
  });

  it('takes no harm from whoever hangs up in the middle of a body', async () => {
    for (const target of ['/v1/continue_inspection', `/v1/heartbeat/${uid}`]) {
      const socket = await dial();
      socket.write(`POST ${target} HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n{"inventory": {`);
      socket.destroy();
    }
    expect((await curl('/')).status).to.equal(200);
    expect(rig.desk.heard(uid)).to.not.have.property('inspection');
  });

  it('lets nobody wait for whoever is slow, and closes nevertheless', async () => {
    const slow = await Promise.all(Array.from({ length: 50 }, dial));
    for (const socket of slow)
      socket.write('POST /v1/continue_inspection HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n{');
    expect((await curl('/')).status).to.equal(200);
    for (const socket of slow) socket.destroy();
  });

  it('closes with connections open', async () => {
    const desk = createDesk({ clock: { monotonic: () => 0 }, onNews: () => undefined });
    const tls = makeCertificate(['127.0.0.1'], new Date());
    const server = await startAgentServer({
      ...{ host: '127.0.0.1', port: 0, tls, desk },
      log: silentLogger,
    });
    const socket = connectTls({ host: '127.0.0.1', port: server.port, ca: tls.cert });
    await once(socket, 'secureConnect');
    socket.write('POST /v1/continue HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n{');
    const closed = once(socket, 'close');
    socket.on('error', () => undefined);
    await server.close();
    await closed;
  });

  it('speaks no TLS older than 1.2', async () => {
    const old = curl('/', '--tls-max', '1.1', '--ciphers', 'DEFAULT@SECLEVEL=0');
    expect(
      await old.then(
        () => 'spoke',
        () => 'refused',
      ),
    ).to.equal('refused');
  });

  it('says so when its port is taken, and when key and certificate do not fit', async () => {
    const { desk } = rig;
    const tls = makeCertificate(['127.0.0.1'], new Date());
    const options = { host: '127.0.0.1', port: rig.agents.port, tls, desk, log: silentLogger };
    const taken = await startAgentServer(options).then(() => undefined, asOperatorError);
    expect(taken).to.include({ kind: 'terminal', reason: 'PortUnavailable' });
    const { key } = makeCertificate(['127.0.0.1'], new Date());
    const unfit = await startAgentServer({ ...options, port: 0, tls: { ...tls, key } }).then(
      () => undefined,
      asOperatorError,
    );
    expect(unfit).to.include({ kind: 'terminal', reason: 'CertificateUnusable' });
  });
});

describe('our client of agents', () => {
  const made = makeCertificate(['10.255.255.1'], new Date());
  let answers: { status: number; text: string; close?: boolean }[] = [];
  let asked: string[] = [];
  const server = createHttps({ key: made.key, cert: made.cert }, (request, response) => {
    asked.push(`${request.method ?? ''} ${request.url ?? ''}`);
    const { status, text, close } = answers.shift() ?? { status: 200, text: '{"commands": []}' };
    if (close === true) response.setHeader('Connection', 'close');
    response.writeHead(status, { 'Content-Type': 'application/json' }).end(text);
  });
  let url = '';
  before(async () => {
    await once(server.listen(0, '127.0.0.1'), 'listening');
    url = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  beforeEach(() => {
    [answers, asked] = [[], []];
  });
  after(() => {
    server.close();
    server.closeAllConnections();
  });

  const withClient = async <T>(
    use: (client: ReturnType<typeof createAgentClient>) => Promise<T>,
    changes: { readonly certificate?: string; readonly url?: string } = {},
  ): Promise<T> => {
    const address = { url, certificate: made.cert, version: '10.2.0', ...changes };
    const client = createAgentClient({ address, token });
    try {
      return await use(client);
    } finally {
      await client.close();
    }
  };
  const errorOf = (work: Promise<unknown>): Promise<OperatorError> =>
    work.then(() => {
      throw new Error('it did not fail');
    }, asOperatorError);
  const listError = (changes?: Parameters<typeof withClient>[1]) =>
    errorOf(withClient((client) => client.commands(signal), changes));

  it('asks with the token, at the address with the slash, whatever names the certificate carries', async () => {
    await withClient((client) => client.commands(signal));
    expect(asked).to.deep.equal([`GET /v1/commands/?agent_token=${token}`]);
  });

  it('knows the agent again on every connection', async () => {
    const commands = { status: 200, text: '{"commands": []}', close: true };
    answers = [commands, commands, commands];
    await withClient(async (client) => {
      for (const _ of answers.slice()) expect(await client.commands(signal)).to.deep.equal([]);
    });
    expect(asked).to.have.length(3);
  });

  it('sends nothing to whoever shows another certificate', async () => {
    const { cert } = makeCertificate(['10.255.255.1'], new Date());
    expect(await listError({ certificate: cert })).to.include({ kind: 'terminal', reason: 'AgentRefused' });
    expect(asked).to.deep.equal([]);
  });

  const replies: readonly [string, number, string, string, string, RegExp][] = [
    // As a real agent 10.2.0 answered.
    [
      'a busy agent',
      409,
      '{"faultcode": "Client", "faultstring": "Agent is busy: executing command execute_clean_step"}',
      'transient',
      'AgentBusy',
      /busy: executing command execute_clean_step/,
    ],
    [
      'a token of another boot',
      401,
      '{"faultcode": "Client", "faultstring": "401 Unauthorized: Token invalid."}',
      'terminal',
      'AgentRefused',
      /Token invalid/,
    ],
    [
      'wrong parameters',
      400,
      '{"faultcode": "Client", "faultstring": "400 Bad Request: Missing or invalid name or params"}',
      'terminal',
      'AgentRefused',
      /invalid name or params/,
    ],
    [
      'an agent that broke',
      500,
      '{"faultcode": "Server", "faultstring": "oh"}',
      'transient',
      'AgentBusy',
      /HTTP 500/,
    ],
    ['no JSON', 200, '<html>', 'transient', 'AgentUnreachable', /./],
    ['no commands', 200, '{}', 'transient', 'AgentUnreachable', /./],
    ['a redirect', 308, '', 'terminal', 'AgentRefused', /HTTP 308/],
  ];
  for (const [what, status, text, kind, reason, message] of replies) {
    it(`calls it ${kind} ${reason}: ${what}`, async () => {
      answers = [{ status, text }];
      const error = await listError();
      expect(error).to.include({ kind, reason });
      expect(error.message).to.match(message);
      expect(`${error.message} ${String(error.cause)}`).to.not.contain(token);
    });
  }

  it('calls an agent that is away transient, without the token in any word', async () => {
    const error = await listError({ url: 'https://127.0.0.1:9' });
    expect(error).to.include({ kind: 'transient', reason: 'AgentUnreachable' });
    expect(`${error.message} ${String(error.cause)}`).to.not.contain(token);
  });

  it('ends at once with its signal, and with the reason that that gives', async () => {
    const controller = new AbortController();
    controller.abort(new Error('leadership is lost'));
    const error = await errorOf(withClient((client) => client.commands(controller.signal)));
    expect(error.message).to.match(/leadership is lost/);
  });

  it('asks for permission right before it sends a command, and sends none without', async () => {
    const forbid = () => {
      throw new Error('not any more');
    };
    const error = await errorOf(withClient((client) => client.run('standby.sync', {}, forbid, signal)));
    expect(error.message).to.equal('not any more');
    expect(asked).to.deep.equal([]);
    await withClient((client) => client.run('standby.sync', {}, () => undefined, signal));
    expect(asked).to.deep.equal([`POST /v1/commands/?wait=false&agent_token=${token}`]);
  });

  it('reads the list of a real agent, failures and all', async () => {
    const failed = {
      ...{ id: '1', command_name: 'execute_deploy_step', command_status: 'FAILED', command_result: null },
      command_error: {
        ...{ type: 'DeviceNotFound', code: 404, message: 'Error finding the disk' },
        details: "No suitable device was found for deployment using these hints {'serial': 'NOPE'}",
      },
    };
    const odd = [null, 7, {}, { ...failed, id: 5, command_status: 'STRANGE', command_error: 'words' }];
    answers = [{ status: 200, text: JSON.stringify({ commands: [failed, ...odd] }) }];
    const [first, ...rest] = await withClient((client) => client.commands(signal));
    expect(first).to.include({ id: '1', name: 'execute_deploy_step', status: 'FAILED' });
    expect(first?.error).to.match(/^DeviceNotFound: Error finding the disk: No suitable device/);
    expect(rest.map(({ status }) => status)).to.deep.equal(['FAILED', 'FAILED', 'FAILED', 'FAILED']);
    expect(rest.at(-1)?.error).to.equal('words');
  });
});

describe('our client and the agent of a simulated machine', () => {
  it('goes on with it after a restart of the operator, by its list alone', async () => {
    const rig = await startRig();
    try {
      const machine = rig.machine({ macs: [mac] });
      const expected = rig.expect(machine, { token });
      machine.powerOn({ device: 'Network' });
      const address = await until(machine, 'a heartbeat', () => rig.desk.heard(expected.uid)?.address);
      const params = { node: expected.node, ports: [] };
      const first = createAgentClient({ address, token });
      await first.run('clean.get_clean_steps', params, () => undefined, signal);
      await first.close();
      const next = createAgentClient({ address, token });
      const [command] = await next.commands(signal);
      await next.close();
      expect(command).to.include({ name: 'get_clean_steps', status: 'SUCCEEDED', error: undefined });
      expect(command?.result).to.have.nested.property('hardware_manager_version.generic_hardware_manager');
      const stranger = createAgentClient({ address, token: 'x'.repeat(43) });
      expect(await stranger.commands(signal).then(() => undefined, asOperatorError)).to.include({
        ...{ kind: 'terminal', reason: 'AgentRefused' },
      });
      await stranger.close();
    } finally {
      await rig.close();
    }
  });
});
