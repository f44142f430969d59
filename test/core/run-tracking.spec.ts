import { expect, test } from 'vitest';
import type { RunFacts, Telemetry } from '../../lib/core/telemetry.js';
import { JobHandler } from 'nestjs-jobs';
import { startJobs, until } from '../nest/application.js';

@JobHandler('work')
class Works {
  handle(): void {}
}

function telemetryOf(others: Partial<Telemetry>): Telemetry {
  return {
    headerNames: [],
    headersFor: (own) => own,
    publishing: (_batch, store) => store((own) => own),
    handling: () => ({ within: (work) => work(), ended: () => undefined }),
    unhandled: () => undefined,
    watch: () => () => undefined,
    ...others,
  };
}

test('a telemetry that throws harms no job, and is told', async () => {
  const fail = (what: string) => (): never => {
    throw new Error(`${what} is broken`);
  };
  const broken = [
    telemetryOf({ handling: fail('handling'), unhandled: fail('unhandled') }),
    telemetryOf({ handling: () => ({ within: (work) => work(), ended: fail('ended') }) }),
  ];
  for (const telemetry of broken) {
    const { events, lines, publisher } = await startJobs({ providers: [Works] }, { telemetry, unknownJobGrace: 0 });
    const ended: string[] = [];
    events.on('completed', ({ job }) => ended.push(`${job.name} completed`));
    events.on('failed', ({ job }) => ended.push(`${job.name} failed`));
    await publisher.publish('work');
    await publisher.publish('nobodys');
    await until(() => ended.length === 2, 'both jobs');
    expect(ended.toSorted()).toEqual(['nobodys failed', 'work completed']);
    expect(lines.ofJobs('warn')[0]).toMatch(/^telemetry failed, and hears nothing of a job: \w+ is broken$/);
  }
});

test('a run is told with what is known of it, handled or not, and once', async () => {
  const told: [string, RunFacts, ...unknown[]][] = [];
  const telemetry = telemetryOf({
    handling(run) {
      told.push(['handling', run]);
      return { within: (work) => work(), ended: (outcome) => void told.push(['ended', run, outcome?.kind]) };
    },
    unhandled: (run, outcome) => void told.push(['unhandled', run, outcome?.kind]),
  });
  const { publisher } = await startJobs({ providers: [Works] }, { telemetry, unknownJobGrace: 0 });
  await publisher.publish('work', 1, { id: 'a' });
  await publisher.publish('nobodys', 1, { id: 'b' });
  await until(() => told.length >= 3, 'all');
  expect(told.map(([what, { ref, known, rescued }, outcome]) => [what, ref.id, known, rescued, outcome])).toEqual(
    expect.arrayContaining([
      ['handling', 'a', true, false, undefined],
      ['ended', 'a', true, false, 'completed'],
      ['unhandled', 'b', false, false, 'failed'],
    ]),
  );
  expect(told).toHaveLength(3);
});
