// What a command is, and how its arguments are read: flags, help, and mistakes that say where the help is.
import { parseArgs, type ParseArgsConfig } from 'node:util';
import { messageOf } from '../kernel/errors.ts';
import type { Outside } from './outside/port.ts';

/** Runs with the arguments after its name. Throws WrongUsage, or OperatorErrors for everything else that can be mended. */
export type Command = (args: readonly string[], outside: Outside) => Promise<void>;

/** A command line that cannot be understood: exit code 2. */
export interface WrongUsage {
  readonly kind: 'WrongUsage';
  readonly message: string;
  /** Whose `--help` shows how it goes, as `kubectl undercloud import`. */
  readonly command: string;
}

export type Flags = NonNullable<ParseArgsConfig['options']>;

/** Flags that every command takes. */
export const commonFlags = {
  kubeconfig: { type: 'string' },
  namespace: { type: 'string', short: 'n' },
  'dry-run': { type: 'boolean', default: false },
  help: { type: 'boolean', short: 'h', default: false },
} as const satisfies Flags;

export const commonHelp = `  -n, --namespace NAME     where (default: the kubeconfig context's namespace, else default)
      --kubeconfig FILE    the cluster to talk to (default: $KUBECONFIG, else ~/.kube/config)
  -h, --help               this text
`;

export function wrongUsage(command: string, message: string): Error & WrongUsage {
  return Object.assign(new Error(message), { kind: 'WrongUsage' as const, command });
}

export const isWrongUsage = (thrown: unknown): thrown is WrongUsage =>
  thrown instanceof Error && 'kind' in thrown && thrown.kind === 'WrongUsage';

/** What node:util makes of the flags T. */
export type Arguments<T extends Flags> = ReturnType<
  typeof parseArgs<{ args: string[]; options: T; strict: true; allowPositionals: true }>
>;

/** Throws WrongUsage for a flag that is unknown or lacks its value. */
export function readFlags<T extends Flags>(
  command: string,
  args: readonly string[],
  options: T,
): Arguments<T> {
  try {
    return parseArgs({ args: [...args], options, strict: true, allowPositionals: true });
  } catch (error) {
    // Node goes on to explain how a positional argument can begin with a hyphen.
    throw wrongUsage(command, messageOf(error).replace(/\. .*$/, ''));
  }
}

/** Runs the command that the first argument names. */
export function dispatch(name: string, help: string, commands: Readonly<Record<string, Command>>): Command {
  return async (args, outside) => {
    const [first, ...rest] = args;
    if (first === undefined || first === '--help' || first === '-h' || first === 'help') {
      outside.out(help);
      return;
    }
    const command = Object.hasOwn(commands, first) ? commands[first] : undefined;
    if (command !== undefined) return command(rest, outside);
    const what = first.startsWith('-') ? 'flag' : 'command';
    throw wrongUsage(name, `unknown ${what} '${first}', it knows ${Object.keys(commands).join(', ')}`);
  };
}
