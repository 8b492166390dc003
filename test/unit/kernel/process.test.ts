// The process around it all: real processes, real signals.
import { spawn } from 'node:child_process';
import path from 'node:path';
import { expect } from 'chai';

const module = path.resolve(import.meta.dirname, '../../../src/kernel/process.ts');
const errors = path.resolve(import.meta.dirname, '../../../src/kernel/errors.ts');

/** Runs `body` as what `runProcess` runs, sends the signals one by one whenever it prints a line, and returns its end. */
async function end(body: string, ...signals: readonly NodeJS.Signals[]) {
  const script = `
    import { runProcess } from '${module}';
    import { terminal } from '${errors}';
    const say = (text) => process.stdout.write(text + '\\n');
    const log = { info: say, error: say };
    const close = () => new Promise((resolve) => process.stdout.write('closed\\n', resolve));
    await runProcess(log, close, async (stop) => { ${body} });
  `;
  const child = spawn(process.execPath, ['--input-type=module-typescript', '-e', script], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const waiting = [...signals];
  const lines: string[] = [];
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    for (const line of text.split('\n').filter((each) => each !== '')) {
      lines.push(line);
      const next = waiting.shift();
      if (next !== undefined) child.kill(next);
    }
  });
  const code = await new Promise((resolve) => child.on('exit', resolve));
  return { code, lines };
}

const untilStopped = `say('running'); await new Promise((resolve) => stop.addEventListener('abort', resolve));`;
const forEver = `say('running'); setInterval(() => undefined, 1000); await new Promise(() => undefined);`;

describe('process', () => {
  it('ends with the code of what it runs, after the log is out', async () => {
    expect(await end('return 3;')).to.deep.equal({ code: 3, lines: ['closed'] });
  });

  it('asks what it runs to stop on SIGTERM', async () => {
    const keepAlive = 'const timer = setInterval(() => undefined, 1000);';
    expect(
      await end(`${keepAlive} ${untilStopped} clearInterval(timer); return 0;`, 'SIGTERM'),
    ).to.deep.equal({
      code: 0,
      lines: ['running', 'Stopping', 'closed'],
    });
  });

  it('ends at once on the second signal', async () => {
    expect(await end(forEver, 'SIGINT', 'SIGTERM')).to.deep.equal({
      code: 1,
      lines: ['running', 'Stopping'],
    });
  });

  it('ends with an error that nobody caught', async () => {
    expect(await end(`setTimeout(() => { throw new Error('a bug'); }); ${forEver}`)).to.deep.equal({
      code: 1,
      lines: ['running', 'An error that nobody caught', 'closed'],
    });
  });

  it('says in a sentence why it cannot begin', async () => {
    expect(await end(`throw terminal('InvalidKubeconfig', 'there is none');`)).to.deep.equal({
      code: 1,
      lines: ['The operator cannot start', 'closed'],
    });
  });

  it('ends with a rejection that nobody handled', async () => {
    expect((await end(`void Promise.reject(new Error('a bug')); ${forEver}`)).code).to.equal(1);
  });
});
