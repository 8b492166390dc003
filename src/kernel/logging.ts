// The real Logger, on winston: one line per message, as JSON or as people like to read it, redacted.
import { Writable } from 'node:stream';
import { createLogger, format, type Logger as Winston } from 'winston';
import type { Clock } from './clock.ts';
import type { LogFields, Logger } from './log.ts';
import type { Redactor } from './redact.ts';

export type LogLevel = 'debug' | 'info' | 'warn' | 'error';

export interface LoggingOptions {
  readonly level: LogLevel;
  /** `json` for machines, `text` for people. */
  readonly format: 'json' | 'text';
  readonly stream: NodeJS.WritableStream;
  readonly clock: Pick<Clock, 'now'>;
  readonly redactor: Redactor;
}

export interface Logging {
  readonly log: Logger;
  /** Resolves when all lines are out; nothing can be logged after that. */
  close(): Promise<void>;
}

export function createLogging(options: LoggingOptions): Logging {
  const write = options.format === 'json' ? jsonLine : textLine;
  // One root logger and one output: a winston child per controller would leak listeners (winston#1334).
  const root = createLogger({
    level: options.level,
    format: format.printf(({ level, message, fields }) => {
      const line: Line = {
        time: options.clock.now().toISOString(),
        level,
        message: String(options.redactor.clean(message)),
      };
      return write(line, options.redactor.clean(fields) as LogFields);
    }),
  });
  const output = linesTo(options.stream);
  root.pipe(output);
  return {
    log: loggerOn(root, {}),
    close: () =>
      new Promise((resolve) => {
        output.once('finish', () => resolve());
        root.end();
      }),
  };
}

/** A winston transport is any stream of its messages; this one is done with a line when `stream` has it. */
const linesTo = (stream: NodeJS.WritableStream): Writable =>
  new Writable({
    objectMode: true,
    write(info: Readonly<Record<symbol, string>>, _encoding, done) {
      stream.write(`${info[Symbol.for('message')] ?? ''}\n`, () => done());
    },
  });

interface Line {
  readonly time: string;
  readonly level: string;
  readonly message: string;
}

function loggerOn(root: Winston, always: LogFields): Logger {
  const at = (level: LogLevel) => (message: string, fields?: LogFields) => {
    if (root.isLevelEnabled(level)) root.log({ level, message, fields: { ...always, ...fields } });
  };
  return {
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
    child: (fields) => loggerOn(root, { ...always, ...fields }),
  };
}

/** What a line says of itself cannot be overwritten by a field of the same name. */
const jsonLine = (line: Line, fields: LogFields): string => JSON.stringify({ ...line, ...fields, ...line });

function textLine({ time, level, message }: Line, fields: LogFields): string {
  const shown = Object.entries(fields).map(([name, value]) => `${name}=${plain(value)}`);
  return [time.slice(11, 23), level.toUpperCase().padEnd(5), message, ...shown].join(' ');
}

function plain(value: unknown): string {
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return /^[^\s"=]+$/.test(text) ? text : JSON.stringify(text);
}
