// The boot listener over real HTTP: what it answers, to whom, and what it turns away.
import { once } from 'node:events';
import { connect } from 'node:net';
import { expect } from 'chai';
import { startBootServer } from '../../../src/baremetal/boot/listener.ts';
import type { Listening } from '../../../src/kernel/listen.ts';
import { asOperatorError } from '../../../src/kernel/errors.ts';
import { silentLogger } from '../../../src/kernel/log.ts';

const file = (name: string) => ({ url: `http://10.0.0.1/${name}`, checksum: `sha256:${'0'.repeat(64)}` });
const images = { kernel: file('kernel'), ramdisk: file('ramdisk'), arguments: ['ipa-insecure=1'] };

describe('the boot listener', () => {
  let server: Listening;
  let fetched: string[] = [];
  before(async () => {
    server = await startBootServer({
      host: '127.0.0.1',
      port: 0,
      log: silentLogger,
      desk: { scriptFetched: (mac) => fetched.push(mac) },
      bootFor(mac) {
        if (mac === '52:54:00:00:00:01') {
          return { kind: 'Ramdisk', node: 'n1', purpose: 'inspection', ...images };
        }
        if (mac === '52:54:00:00:00:02') return { kind: 'Disk', node: 'n2' };
        if (mac === '52:54:00:00:00:03') throw new Error('its cache is broken');
        return undefined;
      },
    });
  });
  beforeEach(() => {
    fetched = [];
  });
  after(() => server.close());

  const ask = async (path: string, method = 'GET') => {
    const answer = await fetch(`http://127.0.0.1:${String(server.port)}${path}`, { method });
    return { status: answer.status, length: answer.headers.get('content-length'), text: await answer.text() };
  };

  const cases: readonly [string, string, number, RegExp, readonly string[]][] = [
    ['the first script', '/boot/ipxe', 200, /chain --autofree ipxe\/\$\{netX\/mac:hexhyp\}/, []],
    ['the first script, whatever is asked with it', '/boot/ipxe?mac=x', 200, /netX/, []],
    ['a machine’s', '/boot/ipxe/52-54-00-00-00-01', 200, /kernel .*ipa-insecure=1/, ['52:54:00:00:00:01']],
    [
      'a machine’s, in capitals',
      '/boot/ipxe/52-54-00-00-00-01'.toUpperCase().replace('/BOOT/IPXE', '/boot/ipxe'),
      200,
      /kernel /,
      ['52:54:00:00:00:01'],
    ],
    [
      'one that is not to boot',
      '/boot/ipxe/52-54-00-00-00-02',
      200,
      /n2 is not to boot/,
      ['52:54:00:00:00:02'],
    ],
    ['an unknown machine', '/boot/ipxe/52-54-00-00-00-09', 200, /bootMACAddress of no BareMetalNode/, []],
    [
      'a machine that no script can be made for',
      '/boot/ipxe/52-54-00-00-00-03',
      500,
      /^no boot script could be made: see the log/,
      [],
    ],
    ['no address', '/boot/ipxe/hello', 404, /try/, []],
    ['another path', '/etc/passwd', 404, /try/, []],
    ['the root', '/', 404, /try/, []],
  ];
  for (const [name, path, status, text, told] of cases) {
    it(`answers ${String(status)}: ${name}`, async () => {
      const answer = await ask(path);
      expect(answer.status).to.equal(status);
      expect(answer.text).to.match(text);
      expect(fetched).to.deep.equal(told);
    });
  }

  it('HEAD tells the length, and is no sign of life', async () => {
    const { text } = await ask('/boot/ipxe/52-54-00-00-00-01');
    fetched = [];
    const head = await ask('/boot/ipxe/52-54-00-00-00-01', 'HEAD');
    expect(head).to.deep.equal({ status: 200, length: String(text.length), text: '' });
    expect(fetched).to.deep.equal([]);
  });

  it('takes nothing else', async () => {
    expect((await ask('/boot/ipxe', 'POST')).status).to.equal(405);
    expect((await ask('/boot/ipxe/52-54-00-00-00-01', 'DELETE')).status).to.equal(405);
    expect(fetched).to.deep.equal([]);
  });

  it('turns away headers without an end', async () => {
    const socket = connect(server.port, '127.0.0.1');
    await once(socket, 'connect');
    socket.write(`GET /boot/ipxe HTTP/1.1\r\nHost: a\r\nX: ${'x'.repeat(20_000)}`);
    const [answer] = (await once(socket, 'data')) as [Buffer];
    expect(answer.toString()).to.match(/^HTTP\/1\.1 431 /);
    socket.destroy();
  });

  it('says so when its port is taken', async () => {
    const options = { host: '127.0.0.1', port: server.port, log: silentLogger, bootFor: () => undefined };
    const second = startBootServer({ ...options, desk: { scriptFetched: () => undefined } });
    const error = await second.then(() => undefined, asOperatorError);
    expect(error).to.include({ kind: 'terminal', reason: 'PortUnavailable' });
  });
});
