// Copies that are ended in the middle: nothing goes on, nothing half is seen, nothing is sent twice.
import { expect } from 'chai';
import fc from 'fast-check';
import { settle } from '../../fakes/clock.ts';
import { mirrorLab } from './mirror-lab.ts';

describe('a copy that is ended', () => {
  it('throws why, and leaves nothing running', async () => {
    const lab = mirrorLab();
    const images = ['a', 'b', 'c'].map((name) => lab.image(name, ['base', name]));
    const over = new AbortController();
    lab.target.hold();
    const copying = lab.copy(images, { signal: over.signal, onProgress: () => undefined });
    for (let turn = 0; turn < 20; turn += 1) await settle();
    const why = new Error('the operator stops');
    over.abort(why);
    expect(await copying.catch((thrown: unknown) => thrown)).to.equal(why);
    expect(lab.target.counts.running).to.equal(0);
    expect(lab.clock.pending()).to.equal(0);
    const { length } = lab.target.calls;
    for (let turn = 0; turn < 20; turn += 1) await settle();
    expect(lab.target.calls).to.have.length(length);
  });

  it('waits for what does not stop at once', async () => {
    const lab = mirrorLab();
    const images = ['a', 'b', 'c'].map((name) => lab.image(name, ['base', name]));
    const over = new AbortController();
    const release = lab.target.hold(true);
    let isOver = false;
    const copying = lab
      .copy(images, { signal: over.signal, parallel: 2 })
      .catch(() => undefined)
      .finally(() => {
        isOver = true;
      });
    for (let turn = 0; turn < 20; turn += 1) await settle();
    over.abort(new Error('the operator stops'));
    for (let turn = 0; turn < 20; turn += 1) await settle();
    expect(isOver).to.equal(false);
    release();
    await copying;
    expect(lab.target.counts.running).to.equal(0);
  });

  it('does not begin when it was ended before', async () => {
    const lab = mirrorLab();
    const image = lab.image('a', ['base']);
    const why = new Error('the operator stops');
    expect(
      await lab.copy([image], { signal: AbortSignal.abort(why) }).catch((thrown: unknown) => thrown),
    ).to.equal(why);
    expect(lab.target.calls).to.deep.equal([]);
  });
});

describe('any set of images, ended at any point', () => {
  const sets = fc.array(fc.uniqueArray(fc.integer({ min: 0, max: 9 }), { maxLength: 5 }), {
    minLength: 1,
    maxLength: 8,
  });

  it('shows only whole images, and sends no blob twice until all are there', async () => {
    await fc.assert(
      fc.asyncProperty(
        sets,
        fc.integer({ min: 1, max: 120 }),
        fc.integer({ min: 1, max: 4 }),
        async (set, at, parallel) => {
          const lab = mirrorLab();
          const images = set.map((layers, n) =>
            lab.image(
              `image-${n}`,
              layers.map((layer) => `layer ${layer}`),
            ),
          );
          const over = new AbortController();
          let calls = 0;
          lab.target.faults.fail = () => {
            calls += 1;
            if (calls === at) over.abort(new Error('killed'));
            return undefined;
          };
          await lab.copy(images, { parallel, signal: over.signal }).catch(() => undefined);
          const visible = images.filter(
            ({ destination: { path, tag } }) => lab.target.digestAt(path, tag) !== undefined,
          );
          expect(lab.whole(images)).to.deep.equal(visible.map(({ name }) => name));

          await lab.copy(images, { parallel });
          expect(lab.whole(images)).to.have.length(images.length);
          expect([...lab.target.sent.values()].every((times) => times === 1)).to.equal(true);
        },
      ),
      { numRuns: 300 },
    );
  });
});
