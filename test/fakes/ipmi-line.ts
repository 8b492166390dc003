// A network between the driver and a fake BMC, in memory: it can lose, repeat and hold back packets.
import type { Line, OpenLine } from '../../src/baremetal/bmc/ipmi/socket.ts';
import type { FakeIpmi } from './ipmi.ts';

export interface FakeLine {
  readonly openLine: OpenLine;
  /** Whether the next packet to the BMC arrives, and the next from it. Both arrive by themselves. */
  toBmc: (packet: Buffer) => boolean;
  toUs: (packet: Buffer) => boolean;
  /** Every packet that we sent, lost ones too. */
  readonly sent: Buffer[];
  /** Every packet that the BMC sent. */
  readonly received: Buffer[];
  /** Gives us a packet that nobody sent. */
  inject(packet: Buffer): void;
  /** The system refuses to send from now on. */
  fail: Error | undefined;
  /** How many lines are open. */
  open: number;
}

export function createFakeLine(bmc: FakeIpmi): FakeLine {
  let receive: (packet: Buffer) => void = () => undefined;
  const line: FakeLine = {
    toBmc: () => true,
    toUs: () => true,
    sent: [],
    received: [],
    inject: (packet) => receive(packet),
    fail: undefined,
    open: 0,
    openLine(_remote, onPacket, onError): Line {
      receive = onPacket;
      line.open += 1;
      return {
        send(packet) {
          line.sent.push(packet);
          if (line.fail !== undefined) onError(line.fail);
          if (line.fail !== undefined || !line.toBmc(packet)) return;
          for (const reply of bmc.receive(Buffer.from(packet))) {
            line.received.push(reply);
            // Never at once, as on a real network.
            if (line.toUs(reply)) queueMicrotask(() => onPacket(reply));
          }
        },
        close() {
          line.open -= 1;
        },
      };
    },
  };
  return line;
}
