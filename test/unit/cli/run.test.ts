// The command line: help on every level, mistakes that say where it is, and what import and image print and write.
import { createHash } from 'node:crypto';
import { expect } from 'chai';
import { loadAll } from 'js-yaml';
import { parseBootImages } from '../../../src/api/images.ts';
import { sizeText } from '../../../src/cli/image/list.ts';
import { table } from '../../../src/cli/table.ts';
import { runIn, type World } from './outside.ts';

const sum = (text: string): string => createHash('sha256').update(text, 'latin1').digest('hex');
const zeros = '0'.repeat(64);
const node = { name: 'a', pm_type: 'ipmi', pm_addr: '10.0.0.1', pm_user: 'root', pm_password: 'Zecret' };
const files = { 'env.json': JSON.stringify({ nodes: [node] }), 'local.raw': 'here' };
const qcow2 = 'QFI\u00fb and more';
const urls = {
  'http://h/a.raw': 'raw',
  'http://h/b.img': qcow2,
  'http://h/k': 'kernel',
  'http://h/r': 'ramdisk',
};
const images = `default: a
images:
  a: { url: http://h/a.raw, checksum: "sha256:${zeros}", format: Raw }
  b: { url: http://h/b.img, checksum: "sha256:${zeros}", format: QCow2 }
deploy:
  kernel: { url: http://h/k, checksum: "sha256:${zeros}" }
  ramdisk: { url: http://h/none, checksum: "sha256:${zeros}" }
  kernelArguments: quiet
`;
const world: World = { files, urls, images };

describe('kubectl undercloud', () => {
  for (const command of ['', 'import', 'image', 'image list', 'image add', 'image remove']) {
    it(`explains ${command || 'itself'} with examples`, async () => {
      const { code, out, err } = await runIn({}, ...command.split(' ').filter(Boolean), '--help');
      expect({ code, err }).to.deep.equal({ code: 0, err: '' });
      expect(out)
        .to.match(/^usage: kubectl undercloud/)
        .and.match(/\nexamples?:\n {2}kubectl undercloud/);
      expect(Math.max(...out.split('\n').map((line) => line.length))).to.be.at.most(130);
    });
  }

  const wrong: readonly (readonly [line: string, says: string, help: string])[] = [
    ['imprt', "unknown command 'imprt', it knows import, image", ''],
    ['--frob', "unknown flag '--frob'", ''],
    ['constructor', "unknown command 'constructor'", ''],
    ['import', 'FILE is missing', ' import'],
    ['import env.json other.json', "takes one FILE, 'other.json' is too much", ' import'],
    ['import env.json --frob', "Unknown option '--frob'", ' import'],
    ['import env.json -o json', "--output is 'json', must be yaml", ' import'],
    ['import env.json --no-secrets', '--no-secrets is for --output yaml only', ' import'],
    ['import env.json -n', "Option '-n, --namespace <value>' argument missing", ' import'],
    ['image lst', "unknown command 'lst', it knows list, add, remove", ' image'],
    ['image list x', "takes no argument, 'x' is too much", ' image list'],
    ['image add', 'NAME is missing', ' image add'],
    ['image add c', '--url is missing', ' image add'],
    ['image add C --url http://h/a.raw', "'C' cannot be an image's name", ' image add'],
    ['image add c --url file:///a.raw', '--url must be a URL that begins with http://', ' image add'],
    ['image add c --url http://h/a.raw --checksum x', 'the checksum for --url must be', ' image add'],
    [`image add c --url http://h/a --checksum ${zeros}`, '--format is missing', ' image add'],
    ['image add c --url http://h/b.img --format raw', 'but the image begins like qcow2', ' image add'],
    [
      'image add c --url http://h/a.raw --format vmdk',
      "--format is 'vmdk', must be raw or qcow2",
      ' image add',
    ],
    [
      `image add c --url http://h/a.raw --checksum ${zeros} --file local.raw`,
      'give one of them',
      ' image add',
    ],
    ['image add c --url http://h/a.raw --kernel http://h/k', 'needs --kernel and --ramdisk', ' image add'],
    ['image add c --url http://h/a.raw --iso http://h/k', '--iso is only for deploy', ' image add'],
    ['image add deploy --url http://h/k', '--url is not for deploy', ' image add'],
    ['image add deploy --iso-file x', '--iso is missing', ' image add'],
    ['image remove', 'NAME is missing', ' image remove'],
  ];
  for (const [line, says, help] of wrong) {
    it(`${line}: ends with 2, a plain line and where the help is`, async () => {
      const { code, out, err, images: after } = await runIn(world, ...line.split(' '));
      const [first, second, ...more] = err.split('\n');
      expect({ code, out, second, more, after }).to.deep.equal({
        code: 2,
        out: '',
        second: `See kubectl undercloud${help} --help`,
        more: [''],
        after: images,
      });
      expect(first)
        .to.include(says)
        .and.match(/^kubectl undercloud: /);
    });
  }

  it('ends with 1 and a line for each problem when something cannot be done', async () => {
    const { code, out, err } = await runIn(world, 'import', 'missing.json');
    expect({ code, out, err }).to.deep.equal({
      code: 1,
      out: '',
      err: 'kubectl undercloud: cannot read missing.json: it is not there\n',
    });
    const text = JSON.stringify([{ ...node, pm_user: '', pm_port: 'x' }]);
    const { err: two } = await runIn({ files: { '-': text } }, 'import', '-');
    expect(two).to.equal(
      'kubectl undercloud: standard input: node 1 (a): pm_port must be a number from 1 to 65535\n' +
        'kubectl undercloud: standard input: node 1 (a): pm_user is missing\n',
    );
  });
});

describe('import --output yaml', () => {
  it('prints manifests, with a warning for the Secrets', async () => {
    const { code, out, err } = await runIn(world, 'import', 'env.json', '-o', 'yaml', '-n', 'lab');
    const documents = loadAll(out) as readonly { kind: string; metadata: unknown }[];
    expect(code).to.equal(0);
    expect(documents.map(({ kind }) => kind)).to.deep.equal(['Secret', 'BareMetalNode']);
    expect(documents[1]?.metadata).to.deep.equal({ name: 'a', namespace: 'lab' });
    expect(err).to.include('warning: the Secrets below hold the BMC passwords');
  });

  it('leaves the Secrets out when asked, and the namespace when none is given', async () => {
    const { out, err } = await runIn(world, 'import', 'env.json', '-o', 'yaml', '--no-secrets');
    const documents = loadAll(out) as readonly { kind: string; metadata: unknown }[];
    expect(documents.map(({ kind, metadata }) => ({ kind, metadata }))).to.deep.equal([
      { kind: 'BareMetalNode', metadata: { name: 'a' } },
    ]);
    expect(err).not.to.include('Secrets');
  });
});

describe('image add', () => {
  const added: readonly (readonly [line: string, image: object])[] = [
    ['c --url http://h/a.raw', { url: 'http://h/a.raw', checksum: `sha256:${sum('raw')}`, format: 'Raw' }],
    ['c --url http://h/b.img', { url: 'http://h/b.img', checksum: `sha256:${sum(qcow2)}`, format: 'QCow2' }],
    [
      'c --url http://far/c.RAW --file local.raw',
      { url: 'http://far/c.RAW', checksum: `sha256:${sum('here')}`, format: 'Raw' },
    ],
    [
      `c --url http://far/c.qcow2 --checksum ${'AB'.repeat(64)}`,
      { url: 'http://far/c.qcow2', checksum: `sha512:${'ab'.repeat(64)}`, format: 'QCow2' },
    ],
    [
      `c --url http://far/c --checksum sha256:${zeros} --format qcow2`,
      { url: 'http://far/c', checksum: `sha256:${zeros}`, format: 'QCow2' },
    ],
    [
      'c --url http://h/a.raw --kernel http://h/k --ramdisk http://h/r',
      {
        url: 'http://h/a.raw',
        checksum: `sha256:${sum('raw')}`,
        format: 'Raw',
        partition: {
          kernel: { url: 'http://h/k', checksum: `sha256:${sum('kernel')}` },
          ramdisk: { url: 'http://h/r', checksum: `sha256:${sum('ramdisk')}` },
        },
      },
    ],
  ];
  for (const [line, image] of added) {
    it(`${line}: puts it beside what is there`, async () => {
      const { code, err, images: after = '' } = await runIn(world, 'image', 'add', ...line.split(' '));
      expect({ code, err }).to.deep.equal({ code: 0, err: '' });
      const { default: chosen, images: all, deploy } = parseBootImages(after);
      expect(all.get('c')).to.deep.equal(image);
      expect([...all.keys()]).to.deep.equal(['a', 'b', 'c']);
      expect([chosen, deploy?.kernelArguments]).to.deep.equal(['a', 'quiet']);
    });
  }

  it('begins a ConfigMap where there is none', async () => {
    const { out, images: after = '' } = await runIn(
      { urls },
      'image',
      'add',
      'x',
      '--url',
      'http://h/a.raw',
      '--default',
    );
    expect(parseBootImages(after).default).to.equal('x');
    expect(out)
      .to.include('x: added')
      .and.include(`sha256:${sum('raw')}`);
  });

  it('changes of deploy only what is given', async () => {
    const { out, images: after = '' } = await runIn(
      world,
      'image',
      'add',
      'deploy',
      '--ramdisk',
      'http://h/r',
    );
    const { deploy } = parseBootImages(after);
    expect(deploy?.ramdisk).to.deep.equal({ url: 'http://h/r', checksum: `sha256:${sum('ramdisk')}` });
    expect(deploy?.kernel.checksum).to.equal(`sha256:${zeros}`);
    expect(deploy?.kernelArguments).to.equal('quiet');
    expect(out).to.include('deploy: changed');
  });

  it('wants both files of a new deploy', async () => {
    const { code, err } = await runIn({ urls }, 'image', 'add', 'deploy', '--ramdisk', 'http://h/r');
    expect(code).to.equal(2);
    expect(err).to.include('deploy needs --kernel and --ramdisk');
  });

  it('writes nothing in a dry run, nor after a download that fails', async () => {
    const dry = await runIn(world, 'image', 'add', 'c', '--url', 'http://h/a.raw', '--dry-run');
    expect([dry.out.split('\n')[0], dry.images]).to.deep.equal(['c: would be added', images]);
    const failed = await runIn(world, 'image', 'add', 'c', '--url', 'http://h/none.raw');
    expect([failed.code, failed.images]).to.deep.equal([1, images]);
  });
});

describe('image list', () => {
  it('shows every file, its size where its server tells', async () => {
    const { out } = await runIn(world, 'image', 'list');
    expect(out.split('\n').map((line) => line.split(/ {3,}/))).to.deep.equal([
      ['NAME', 'FORMAT', 'SIZE', 'DEFAULT', 'URL', 'CHECKSUM'],
      ['a', 'Raw', '3 B', 'yes', 'http://h/a.raw', 'sha256:000000000000'],
      ['b', 'QCow2', '13 B', '-', 'http://h/b.img', 'sha256:000000000000'],
      ['deploy/kernel', '-', '6 B', '-', 'http://h/k', 'sha256:000000000000'],
      ['deploy/ramdisk', '-', '-', '-', 'http://h/none', 'sha256:000000000000'],
      [''],
    ]);
  });

  it('says so when there are none, or when they cannot be read', async () => {
    expect((await runIn({}, 'image', 'list')).err).to.include('no images in namespace lab');
    const { code, err } = await runIn({ images: 'images: []' }, 'image', 'list');
    expect([code, err]).to.deep.equal([
      1,
      'kubectl undercloud: ConfigMap undercloud-images, key images.yaml cannot be used, correct images: must be a map\n',
    ]);
  });

  const sizes: readonly (readonly [number, string])[] = [
    [0, '0 B'],
    [1023, '1023 B'],
    [1024, '1.0 KiB'],
    [1_503_238_553, '1.4 GiB'],
    [2 ** 60, '1048576.0 TiB'],
  ];
  for (const [bytes, text] of sizes) {
    it(`writes ${bytes} bytes as ${text}`, () => {
      expect(sizeText(bytes)).to.equal(text);
    });
  }
});

describe('image remove', () => {
  const refused: readonly (readonly [image: string, roleImages: readonly string[], says: string])[] = [
    ['a', [], 'image a is not removed, it is the default: change that first, or use --force'],
    ['b', ['http://h/b.img', 'http://h/x'], 'it is the osImage of Role role0:'],
    ['b', ['a', 'b'], 'it is the osImage of Role role1:'],
    ['a', ['http://h/a.raw', 'http://h/a.raw'], 'the default and the osImage of Roles role0, role1:'],
    ['deploy', [], 'it is what inspects, deploys and cleans all machines'],
    ['zz', [], 'image zz is not there to be removed: there is a, b, deploy in namespace lab'],
  ];
  for (const [image, roleImages, says] of refused) {
    it(`${image}, with ${roleImages.length} Roles: is refused, ${says}`, async () => {
      const { code, err, images: after } = await runIn({ ...world, roleImages }, 'image', 'remove', image);
      expect([code, after]).to.deep.equal([1, images]);
      expect(err).to.include(says);
    });
  }

  it('takes out what nothing needs', async () => {
    const { code, images: after = '' } = await runIn(world, 'image', 'remove', 'b');
    expect([code, [...parseBootImages(after).images.keys()]]).to.deep.equal([0, ['a']]);
  });

  it('with --force takes out the default, and then there is none', async () => {
    const { images: after = '' } = await runIn(world, 'image', 'remove', 'a', '--force');
    const parsed = parseBootImages(after);
    expect([parsed.default, [...parsed.images.keys()]]).to.deep.equal([undefined, ['b']]);
  });
});

describe('a table', () => {
  it('lines up, without spaces at the ends of lines', () => {
    expect(
      table(
        ['A', 'LONG'],
        [
          ['äää', 'x'],
          ['y', ''],
        ],
      ),
    ).to.equal('A     LONG\näää   x\ny\n');
  });
});
