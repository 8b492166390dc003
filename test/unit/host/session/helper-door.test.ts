// The helper's door: what connects to it reaches the engine's socket, byte for byte, for as long as both want.
import { expect } from 'chai';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { stat } from 'node:fs/promises';
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { createHost } from './helper-process.ts';
import type { Helper, Host } from './helper-process.ts';

const codeOf = (error: unknown) => (error as NodeJS.ErrnoException).code;

describe("the helper's door", () => {
  let host: Host;
  let helper: Helper;
  let door: string;
  const dial = async (): Promise<Socket> => {
    const socket = connect({ path: door, allowHalfOpen: true });
    await once(socket, 'connect');
    return socket;
  };
  /** An engine that sends events for as long as somebody takes them; resolves when nobody does any more. */
  const sendEvents = () =>
    new Promise<void>((resolve) => {
      host.serve((socket) => {
        const timer = setInterval(() => socket.write('event'), 10);
        socket.resume().on('close', () => {
          clearInterval(timer);
          resolve();
        });
      });
    });
  beforeEach(async () => {
    host = await createHost();
    const greeting = await host.greet(1);
    helper = greeting.helper;
    door = (greeting.answer.result as { door: string }).door;
  });
  afterEach(() => host.stop());

  it('is open to the login user alone', async () => {
    const found = await stat(door);
    expect((found.mode & 0o777).toString(8)).to.equal('600');
    expect(found.uid).to.equal(process.getuid?.());
  });

  it('carries megabytes both ways at once, unchanged', async () => {
    const sent = randomBytes(20 * 1024 * 1024);
    const socket = await dial();
    socket.end(sent);
    const received = await buffer(socket);
    const digest = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex');
    expect(digest(received)).to.equal(digest(sent));
  });

  it('lets the engine go on after the client has sent its last byte', async () => {
    host.serve((socket) => {
      socket.on('data', () => undefined);
      socket.on('end', () => setTimeout(() => socket.end('answer after the end'), 50));
    });
    const socket = await dial();
    socket.end('question');
    expect((await buffer(socket)).toString()).to.equal('answer after the end');
  });

  it('ends the client when the engine hangs up', async () => {
    host.serve((socket) => socket.end('bye'));
    const socket = await dial();
    expect((await buffer(socket)).toString()).to.equal('bye');
  });

  it('ends the engine side when the client is gone', async () => {
    const closed = sendEvents();
    const socket = await dial();
    await once(socket, 'data');
    socket.destroy();
    await closed;
  });

  it('serves many at a time', async () => {
    const sockets = await Promise.all(Array.from({ length: 50 }, dial));
    const answers = await Promise.all(
      sockets.map((socket, index) => {
        socket.end(`request ${index}`);
        return buffer(socket);
      }),
    );
    expect(answers.map(String)).to.deep.equal(sockets.map((_, index) => `request ${index}`));
  });

  it('closes every connection, and lets nobody in, once the helper is dead', async () => {
    const engineSide = sendEvents();
    const socket = await dial();
    await once(socket, 'data');
    helper.process.kill('SIGKILL');
    await Promise.all([helper.ended, engineSide, buffer(socket).catch(() => undefined)]);
    const refused = await dial().then(() => 'connected', codeOf);
    expect(refused).to.equal('ECONNREFUSED');
  });

  it('is another one for the next session, and the old one is gone', async () => {
    const { answer } = await host.greet(2);
    expect((answer.result as { door: string }).door).not.to.equal(door);
    const gone = await stat(door).catch(codeOf);
    expect(gone).to.equal('ENOENT');
  });
});
