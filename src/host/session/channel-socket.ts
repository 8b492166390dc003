// An SSH channel as the socket that Node's HTTP client expects.
import { Duplex } from 'node:stream';
import type { ClientChannel } from 'ssh2';

/**
 * ssh2's channels emit `close` only when the other side agreed, ignore the error given to `destroy` and lack
 * net.Socket's methods; an aborted request on a host that fell silent would hang. This one ends at once.
 */
export function channelSocket(channel: ClientChannel): Duplex {
  const socket = new Duplex({
    allowHalfOpen: false,
    read() {
      channel.resume();
    },
    write(chunk: Buffer, _encoding, done) {
      channel.write(chunk, done);
    },
    final(done) {
      channel.end();
      done();
    },
    destroy(error, done) {
      channel.close();
      channel.resume(); // what still comes is thrown away: ssh2 closes a channel only after it was read
      done(error);
    },
  });
  const finish = () => {
    if (!socket.destroyed && !socket.readableEnded) socket.push(null);
  };
  channel.on('data', (chunk: Buffer) => {
    if (!socket.destroyed && !socket.push(chunk)) channel.pause();
  });
  channel.once('end', finish);
  channel.once('close', () => {
    finish();
    // Only after everything was read: what waits to be written would otherwise keep it open for ever.
    if (socket.readableEnded) socket.destroy();
    else socket.once('end', () => socket.destroy());
  });
  channel.on('error', (error: Error) => socket.destroy(error));
  return Object.assign(socket, socketMethods(socket));
}

/** What the HTTP client calls on a net.Socket and what means nothing on a channel. */
function socketMethods(socket: Duplex): object {
  const same = () => socket;
  return { setTimeout: same, setKeepAlive: same, setNoDelay: same, ref: same, unref: same };
}
