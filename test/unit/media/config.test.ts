// The media server's flags.
import { expect } from 'chai';
import { parseConfig } from '../../../src/media/config.ts';

describe('the media server’s flags', () => {
  it('need a directory, and have defaults for the rest', () => {
    expect(parseConfig(['--directory', '/srv'])).to.deep.equal({
      kind: 'run',
      config: { directory: '/srv', host: '0.0.0.0', port: 8088, logLevel: 'info', logFormat: 'json' },
    });
  });

  it('take an IPv6 address', () => {
    const parsed = parseConfig(['--directory', '/srv', '--listen', '[::1]:0', '--log-format', 'text']);
    expect(parsed).to.have.property('config').that.includes({ host: '::1', port: 0, logFormat: 'text' });
  });

  it('name every mistake, not only the first', () => {
    expect(parseConfig(['--listen', '8088', '--log-level', 'loud', '--log-format', 'xml'])).to.deep.equal({
      kind: 'wrong',
      problems: [
        '--directory is missing: say where the images are',
        "--listen is '8088', must be HOST:PORT",
        "--log-level is 'loud', must be one of debug, info, warn, error",
        "--log-format is 'xml', must be one of json, text",
      ],
    });
    expect(parseConfig(['--directroy', '/srv'])).to.have.property('kind', 'wrong');
  });

  it('tell how they are used', () => {
    expect(parseConfig(['--help']))
      .to.have.property('text')
      .that.contains('--directory DIRECTORY');
  });
});
