#!/usr/bin/env node
// The program kubectl-undercloud, which kubectl runs as `kubectl undercloud`; also `node dist/cli/main.js`.
const [major = 0] = process.versions.node.split('.').map(Number);

// Before anything else is loaded: what is imported does not even load in an older one.
if (major < 22) {
  process.stderr.write(`kubectl-undercloud: needs Node 22.19 or newer, and this is ${process.version}\n`);
  process.exitCode = 1;
} else {
  await import('./start.ts');
}

export {};
