// Our client against agents that answer as real ones do, badly, or not at all.
import { once } from 'node:events';
import { createServer as createHttps } from 'node:https';
import type { AddressInfo } from 'node:net';
import { expect } from 'chai';
import { makeCertificate } from '../../../src/baremetal/agent/certificate.ts';
import { createAgentClient } from '../../../src/baremetal/agent/client.ts';
import { asOperatorError, type OperatorError } from '../../../src/kernel/errors.ts';
import { startRig, until } from './agent-rig.ts';

const mac = '52:54:00:00:64:01';
const token = 'secret-token-'.repeat(4);
const signal = new AbortController().signal;

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
