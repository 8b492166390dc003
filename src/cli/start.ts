// Runs the command line in this process.
import { createTerminal } from './outside/terminal.ts';
import { run } from './run.ts';

// Whoever reads the output may stop before its end, as `head` does.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
  process.exit(0);
});

process.exitCode = await run(process.argv.slice(2), createTerminal());
