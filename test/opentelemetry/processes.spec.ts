import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { openTelemetry } from 'nestjs-jobs/opentelemetry';
import { expect, onTestFinished, test } from 'vitest';
import { compiled } from '../compiled.js';
import { ENGINE_URLS } from '../core/crash/engine-urls.js';
import { startJobs } from '../nest/application.js';
import { placeOf, registerTracing, spansOf } from './sdk.js';

const program = join(compiled(), 'test/opentelemetry/worker.js');
const exporter = registerTracing();

test.each(Object.entries(ENGINE_URLS))(
  'on %s, what one process publishes and another handles is one trace',
  async (engine, urlOf) => {
    exporter.reset();
    const url = await urlOf();
    const worker = fork(program, [url], { stdio: 'inherit' });
    onTestFinished(() => void worker.kill('SIGKILL'));
    expect(await once(worker, 'message')).toContain('ready');
    const told = once(worker, 'message');
    const { publisher } = await startJobs({}, { backend: url, consume: false, telemetry: openTelemetry() });
    await publisher.publish('work', { order: 1 }, { headers: { tenant: 'acme' } });
    const [published] = spansOf(exporter, 'publish default');
    if (!published) throw new Error('the publishing has no span');
    expect(published.attributes['messaging.system']).toBe(engine);
    const { trace, id } = placeOf(published);
    expect((await told)[0]).toEqual([{ trace, id: expect.not.stringMatching(id) as string, parent: id }]);
  },
  60_000,
);
