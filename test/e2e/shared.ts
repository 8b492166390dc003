// One cloud for all end-to-end files: started by the first that asks, taken down after the last.
import { type Operator, startOperator } from '../support/operator.ts';
import { type Cloud, startCloud } from '../support/cloud.ts';
import { eventually } from '../support/wait.ts';

export const controlPlaneName = 'test-e2e';

export interface RunningCloud extends Cloud {
  /** The replica that the tests start with; a test that ends it puts another in its place. */
  operator: Operator;
  restartOperator(): Promise<void>;
}

let started: Promise<RunningCloud> | undefined;

/** The cloud of examples/lab, Ready. */
export function theCloud(): Promise<RunningCloud> {
  started ??= bringUp();
  return started;
}

async function bringUp(): Promise<RunningCloud> {
  const cloud = await startCloud(controlPlaneName);
  const running: RunningCloud = {
    ...cloud,
    operator: await startOperator(controlPlaneName),
    async restartOperator() {
      running.operator = await startOperator(controlPlaneName);
      await leads(running.operator);
    },
  };
  await running.apply(await running.example());
  return running;
}

/** A killed leader's lease has to run out first. */
const leads = (operator: Operator): Promise<true> =>
  eventually('the new operator leads', 60, async () =>
    (await operator.log()).includes('Became the leader') ? true : undefined,
  );

after('take the cloud down', async function () {
  this.timeout(120_000);
  if (started === undefined) return;
  const cloud = await started.catch(() => undefined);
  await cloud?.operator.signal('SIGTERM');
  await cloud?.stop();
});
