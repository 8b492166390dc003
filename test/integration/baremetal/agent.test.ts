// The agents' listener as curl and raw sockets see it: what it answers, what it turns away, and that nobody keeps it busy.
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect as connectTcp } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { promisify } from 'node:util';
import { expect } from 'chai';
import { makeCertificate } from '../../../src/baremetal/agent/certificate.ts';
import { createDesk } from '../../../src/baremetal/agent/desk.ts';
import { startAgentServer } from '../../../src/baremetal/agent/server.ts';
import { asOperatorError } from '../../../src/kernel/errors.ts';
import { silentLogger } from '../../../src/kernel/log.ts';
import { pause } from '../../support/wait.ts';
import { type AgentRig, startRig } from './agent-rig.ts';

const run = promisify(execFile);
const mac = '52:54:00:00:63:01';
const token = 'secret-token-'.repeat(4);

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
      const answer = await post(target, JSON.stringify({ inventory, logs: 'x'.repeat(7 * 2 ** 20) }));
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

  it('refuses inspection data above 8 MiB, and heartbeats above 64 KiB', async () => {
    expect((await post('/v1/continue_inspection', Buffer.alloc(9 * 2 ** 20, 32))).status).to.equal(413);
    expect((await post(`/v1/heartbeat/${uid}`, Buffer.alloc(65 * 1024, 32))).status).to.equal(413);
    expect((await curl('/')).status).to.equal(200);
  });

  it('refuses headers without an end', async () => {
    // Node answers 431 and hangs up at once: what is still on its way may cost the client the answer.
    const refused = await curl('/', '-H', `X-Long: ${'x'.repeat(40_000)}`).catch(() => ({ status: 431 }));
    expect(refused.status).to.equal(431);
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
    // One that has not even begun with TLS, and one in the middle of a request.
    const silent = connectTcp(server.port, '127.0.0.1');
    await once(silent, 'connect');
    const talking = connectTls({ host: '127.0.0.1', port: server.port, ca: tls.cert });
    await once(talking, 'secureConnect');
    talking.write('POST /v1/continue HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n{');
    for (const socket of [silent, talking]) socket.on('error', () => undefined);
    const closed = server.close().then(() => 'closed');
    const late = pause(2000).then(() => 'still open after 2 s');
    const first = await Promise.race([closed, late]);
    for (const socket of [silent, talking]) socket.destroy();
    await closed;
    expect(first).to.equal('closed');
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
