// Machines that we install, all the way and back: over IPMI and PXE (OpenIPMI's ipmi_sim), over Redfish and PXE, over Redfish and
// virtual media (sushy-tools' emulator), with the real operator.
import { expect } from 'chai';
import { enrolIpmi, enrolSushy, type IpmiMachine } from './bare-metal/machines.ts';
import { namespace } from './bare-metal/manifests.ts';
import { type Site, theSite } from './bare-metal/site.ts';
import * as walk from './bare-metal/walk.ts';

const schemes = {
  'redfish-pxe': 'redfish+http',
  'redfish-media': 'redfish-virtualmedia+http',
};

describe('machines that we install over IPMI, Redfish and virtual media', function () {
  // A power command takes the emulator up to 11 s.
  this.timeout(150_000);
  let site: Site;
  let ipmi: IpmiMachine;
  let walkers: readonly walk.Walker[];
  before(async () => {
    site = await theSite();
    // Slow enough for its sentences to be seen: status is written every five seconds while nothing but words change.
    ipmi = await enrolIpmi(site, 'ipmi-pxe', { speed: { boot: 200, step: 6000, heartbeat: 1000 } });
    walkers = [ipmi, ...(await enrolSushy(site, schemes))];
  });
  const each = (stage: (walker: walk.Walker) => Promise<void>): Promise<unknown> =>
    Promise.all(walkers.map(stage));
  const logOf = (wanted: string): string =>
    walkers.find(({ name }) => name === wanted)?.machine.log.join('\n') ?? '';

  it('are inspected by their agents, each booted in its way', async () => {
    await each((walker) => walk.becomesAvailable(walker));
    for (const name of ['ipmi-pxe', 'redfish-pxe'])
      expect(logOf(name), name).to.contain('got its boot script').and.not.contain('virtual CD');
    expect(logOf('redfish-media')).to.contain('boots its virtual CD').and.not.contain('boot script');
    for (const { machine } of walkers) expect(machine.arguments.get('ipa-api-url')).to.equal(site.agentUrl);
  });

  it('get the image, the key and the name of their host, and run their system', async () => {
    await each((walker) => walk.isAskedFor(walker, `${walker.name}-0`));
    await each((walker) => walk.becomesActive(walker, `${walker.name}-0`));
    for (const { name } of walkers)
      expect(walk.statesOf(site, name).slice(-3)).to.deep.equal(['available', 'deploying', 'active']);
    expect(logOf('redfish-media')).to.contain('power on, boots from Disk');
    expect(ipmi.bmc.presses.at(-1)).to.equal('power 1');
  });

  it('tell how far they are, and what they do', () => {
    for (const { name } of walkers) {
      const percents = walk.percentsOf(site, name, 'deploying');
      expect(percents, name).to.deep.equal(percents.toSorted((one, other) => one - other));
      expect(new Set(percents).size, name).to.be.at.least(5);
    }
    const sentence = /^ipmi-pxe is deploying for Host ipmi-pxe-0: it writes \S+disk\.raw/m;
    expect(walk.sentencesOf(site, 'ipmi-pxe').join('\n')).to.match(sentence);
  });

  it('are shown to people with their host, power and state', async () => {
    const lines = (await site.kubectl(['get', 'bmn', '-n', namespace])).split('\n');
    const cells = lines.map((line) => line.split(/ +/).slice(0, 4));
    expect(cells[0]).to.deep.equal(['NAME', 'HOST', 'POWER', 'STATE']);
    for (const { name } of walkers) expect(cells).to.deep.include([name, `${name}-0`, 'On', 'active']);
  });

  it('are powered off, cleaned and free again when their hosts give them back', async () => {
    await each((walker) => walk.isGivenBack(walker, `${walker.name}-0`));
    await each((walker) => walk.isCleaned(walker));
    for (const { name, machine } of walkers) {
      const last = walk.statesOf(site, name).slice(-4);
      expect(last, name).to.deep.equal(['active', 'deleting', 'cleaning', 'available']);
      expect(walk.writesOf(machine), name).to.equal(1);
      expect(walk.statesOf(site, name), name).to.not.include('error');
    }
  });
});
