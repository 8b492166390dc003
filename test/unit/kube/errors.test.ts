// What each refusal of the API server becomes.
import { expect } from 'chai';
import { connectionError, errorOf } from '../../../src/kube/errors.ts';
import { OperatorError, terminal } from '../../../src/kernel/errors.ts';

describe('errors of the API server', () => {
  const terminating = { causes: [{ reason: 'NamespaceTerminating' }] };
  const table: readonly [string, number, Parameters<typeof errorOf>[2], string, string][] = [
    ['bad credentials', 401, {}, 'transient', 'Unauthorized'],
    ['missing rights', 403, { reason: 'Forbidden' }, 'terminal', 'Forbidden'],
    ['a namespace that goes away', 403, { details: terminating }, 'terminal', 'NamespaceTerminating'],
    ['an object that is gone', 404, { reason: 'NotFound' }, 'transient', 'NotFound'],
    ['a path that nobody knows, or a proxy without a server', 404, {}, 'transient', 'Unavailable'],
    ['a lost race', 409, { reason: 'Conflict' }, 'transient', 'Conflict'],
    ['a name that is taken', 409, { reason: 'AlreadyExists' }, 'transient', 'AlreadyExists'],
    ['a version that is forgotten', 410, { reason: 'Expired' }, 'transient', 'Expired'],
    ['what the schema refuses', 422, { reason: 'Invalid' }, 'terminal', 'Invalid'],
    ['an unknown field', 400, { reason: 'BadRequest' }, 'terminal', 'Invalid'],
    ['what is too large', 413, {}, 'terminal', 'Invalid'],
    ['too many requests', 429, {}, 'transient', 'Throttled'],
    ['a server that fails', 500, { message: 'etcdserver: leader changed' }, 'transient', 'Unavailable'],
    ['a server that starts', 503, {}, 'transient', 'Unavailable'],
    [
      'an apply of what the schema refuses',
      500,
      { message: 'failed to create typed patch object (lab/a; v1): .spec.x: field not declared in schema' },
      'terminal',
      'Invalid',
    ],
  ];
  for (const [name, code, status, kind, reason] of table) {
    it(`${name} (${code}) is ${kind} ${reason}`, () =>
      expect(errorOf('read Host lab/a', code, status)).to.include({ kind, reason }));
  }

  it('say what was tried and what the server said, on one line and not without end', () => {
    const { message } = errorOf('apply Host lab/a', 422, {
      message: `Host "a" is invalid:\n  ${'x'.repeat(5_000)}`,
    });
    expect(message).to.match(/^cannot apply Host lab\/a: Host "a" is invalid: xxx/);
    expect(message.length).to.be.below(700);
    expect(message).not.to.include('\n');
  });

  it('name the innermost cause when nothing answers', () => {
    const refused = Object.assign(new Error('connect ECONNREFUSED 127.0.0.1:1'), { code: 'ECONNREFUSED' });
    const error = connectionError(
      'list hosts',
      'https://127.0.0.1:1',
      new TypeError('fetch failed', { cause: refused }),
    );
    expect(error).to.be.instanceOf(OperatorError).and.include({ kind: 'transient', reason: 'Unavailable' });
    expect(error.message).to.equal(
      'cannot list hosts: no answer from https://127.0.0.1:1: connect ECONNREFUSED 127.0.0.1:1',
    );
  });

  it('leave alone what is classified or was interrupted', () => {
    const ours = terminal('Invalid', 'x');
    const abort = new DOMException('aborted', 'AbortError');
    expect(connectionError('x', 'y', ours)).to.equal(ours);
    expect(connectionError('x', 'y', abort)).to.equal(abort);
  });
});
