// The operator's flags: defaults, what overrides what, and that every mistake is named at once.
import { expect } from 'chai';
import { parseConfig } from '../../src/config.ts';

function config(args: readonly string[], environment: Readonly<Record<string, string>> = {}) {
  const parsed = parseConfig(args, environment);
  if (parsed.kind !== 'run') throw new Error(`expected a configuration, got ${JSON.stringify(parsed)}`);
  return parsed.config;
}

describe('flags', () => {
  it('without any, serves on 8080 and keeps its Lease in the pod’s namespace', () => {
    const { httpHost, httpPort, leaseNamespace, identity } = config([], {
      POD_NAMESPACE: 'cloud',
      POD_NAME: 'uc-0',
    });
    expect({ httpHost, httpPort, leaseNamespace, identity }).to.deep.equal({
      httpHost: '0.0.0.0',
      httpPort: 8080,
      leaseNamespace: 'cloud',
      identity: 'uc-0',
    });
  });

  it('a flag wins over the environment', () => {
    expect(config(['--lease-namespace', 'mine'], { POD_NAMESPACE: 'cloud' }).leaseNamespace).to.equal('mine');
  });

  it('takes an IPv6 address', () => {
    expect(config(['--http-address', '[::1]:0'])).to.include({ httpHost: '::1', httpPort: 0 });
  });

  it('names every mistake, not only the first', () => {
    const parsed = parseConfig(['--log-level', 'loud', '--http-address', '8080', '--power-poll', '0'], {});
    expect(parsed).to.deep.equal({
      kind: 'wrong',
      problems: [
        "--http-address is '8080', must be HOST:PORT",
        "--log-level is 'loud', must be one of debug, info, warn, error",
        "--power-poll is '0', must be a number of seconds from 1 on",
      ],
    });
  });

  it('refuses a port that there cannot be', () => {
    expect(parseConfig(['--http-address', '127.0.0.1:65536'], {})).to.deep.equal({
      kind: 'wrong',
      problems: ["--http-address is '127.0.0.1:65536', must be HOST:PORT"],
    });
  });

  it('refuses a flag that it does not know', () => {
    expect(parseConfig(['--frobnicate'], {})).to.have.property('kind', 'wrong');
  });

  it('explains itself', () => {
    const parsed = parseConfig(['--help'], {});
    expect(parsed).to.have.property('text').that.includes('examples:');
  });
});
