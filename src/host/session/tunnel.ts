// The engine's HTTP connections: agents whose sockets are SSH channels to the helper's door.
import { Agent } from 'node:http';
import { inspect } from 'node:util';
import type { SshConnection } from './ssh.ts';

export interface Tunnel {
  /** For calls that answer and are done: few connections, used again. */
  readonly calls: Agent;
  /** For answers that stay open (events, a wait, an exec's output, a pull): one connection each. */
  readonly streams: Agent;
  close(): void;
}

/** As many calls at a time as a host is worked on in parallel; more only queue up in the engine. */
const callWidth = 8;

export function createTunnel(ssh: SshConnection, door: string): Tunnel {
  const calls = tunnelAgent(new Agent({ keepAlive: true, maxSockets: callWidth }), ssh, door);
  const streams = tunnelAgent(new Agent({ keepAlive: false }), ssh, door);
  return {
    calls,
    streams,
    close() {
      calls.destroy();
      streams.destroy();
    },
  };
}

function tunnelAgent(agent: Agent, ssh: SshConnection, door: string): Agent {
  agent.createConnection = (_options, done) => {
    ssh.dial(door).then(
      (socket) => done?.(null, socket),
      (error: unknown) => done?.(error as Error, undefined as never),
    );
    return undefined;
  };
  // docker-modem 5 renders the options of every request with util.inspect, to any depth, for a debug line
  // that nobody sees: without this it would walk through the whole SSH connection each time.
  return Object.assign(agent, { [inspect.custom]: () => 'Agent' });
}
