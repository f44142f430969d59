import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { PrometheusExporter } from '@opentelemetry/exporter-prometheus';
import { MeterProvider } from '@opentelemetry/sdk-metrics';
import { BlockedError, FatalError, JobHandler, PublishError, type Job } from 'nestjs-jobs';
import { memory, VirtualClock } from '../../lib/backends/memory/index.js';
import type { Inspector } from '../../lib/core/inspector.js';
import { openTelemetry } from 'nestjs-jobs/opentelemetry';
import { expect, onTestFinished, test } from 'vitest';
import { RecordingEngine } from '../core/engine.js';
import { startJobs, until } from '../nest/application.js';

/** What Prometheus reads of an application: one value for each name and set of labels. */
type Scrape = () => Promise<ReadonlyMap<string, number>>;

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

/** A provider whose metrics are scraped over HTTP. */
async function prometheus(): Promise<{ readonly meterProvider: MeterProvider; readonly scrape: Scrape }> {
  const port = await freePort();
  const exporter = new PrometheusExporter({
    host: '127.0.0.1',
    port,
    preventServerStart: true,
    withoutScopeInfo: true,
    withoutTargetInfo: true,
  });
  await exporter.startServer();
  const meterProvider = new MeterProvider({ readers: [exporter] });
  onTestFinished(() => meterProvider.shutdown());
  const scrape: Scrape = async () => {
    const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
    const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
    return new Map(
      lines.map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.slice(line.lastIndexOf(' ')))]),
    );
  };
  return { meterProvider, scrape };
}

/** The values of a metric by those of some of its labels. */
function by(metrics: ReadonlyMap<string, number>, name: string, ...labels: string[]): Record<string, number> {
  const found: Record<string, number> = {};
  for (const [key, value] of metrics) {
    if (key.slice(0, key.indexOf('{')) !== name) continue;
    const of = Object.fromEntries([...key.matchAll(/(\w+)="([^"]*)"/g)].map(([, label, text]) => [label, text]));
    const words = labels.map((label) => of[label] ?? '').join(' ');
    found[words] = (found[words] ?? 0) + value;
  }
  return found;
}

@JobHandler('work', { backoff: { kind: 'fixed', base: 1 } })
class Works {
  handle(payload: unknown, job: Job): void {
    if (payload === 'fatal') throw new FatalError('never');
    if (payload === 'again' && job.attempt < 3) throw new TypeError('busy');
    if (payload === 'blocked') throw new BlockedError('later', { retryIn: '1h' });
  }
}

test('Prometheus scrapes what was published and what became of it', async () => {
  const { meterProvider, scrape } = await prometheus();
  const telemetry = openTelemetry({ meterProvider });
  const { events, publisher } = await startJobs({ providers: [Works] }, { telemetry, unknownJobGrace: 0 });
  let ended = 0;
  for (const name of ['completed', 'failed', 'retried', 'blocked'] as const) events.on(name, () => (ended += 1));
  await publisher.publishMany(['ok', 'ok', 'fatal', 'again', 'blocked'].map((payload) => ({ name: 'work', payload })));
  await publisher.publish('nobodys-1');
  await publisher.publish('nobodys-2');
  await until(() => ended === 9, 'all runs');
  const metrics = await scrape();
  expect(by(metrics, 'nestjs_jobs_runs_total', 'nestjs_jobs_job_name', 'nestjs_jobs_outcome')).toEqual({
    'work completed': 3,
    'work failed': 1,
    'work retried': 2,
    'work blocked': 1,
    '_OTHER failed': 2,
  });
  expect(by(metrics, 'messaging_client_sent_messages_total', 'nestjs_jobs_job_name', 'error_type')).toEqual({
    'work ': 5,
    'nobodys-1 ': 1,
    'nobodys-2 ': 1,
  });
  expect(by(metrics, 'messaging_process_duration_count', 'nestjs_jobs_outcome', 'error_type')).toEqual({
    'completed ': 3,
    'failed FatalError': 1,
    'retried TypeError': 2,
    'blocked BlockedError': 1,
  });
  expect(by(metrics, 'nestjs_jobs_waiting_duration_count', 'messaging_destination_name')).toEqual({
    default: 5,
  });
  expect(by(metrics, 'nestjs_jobs_attempts_sum', 'nestjs_jobs_job_name')).toEqual({ work: 3 });
  expect(by(metrics, 'nestjs_jobs_attempts_count', 'nestjs_jobs_job_name')).toEqual({ work: 1 });
  expect(by(metrics, 'nestjs_jobs_rescued_total')).toEqual({});
});

test('the wait is that from the end of the delay, in seconds, and of the first attempt alone', async () => {
  const { meterProvider, scrape } = await prometheus();
  const clock = new VirtualClock();
  const backend = memory({ clock });
  const telemetry = openTelemetry({ meterProvider });
  const web = await startJobs({}, { backend, consume: false });
  await web.publisher.publish('work', 'again', { delay: '10s' });
  await clock.advance(130_000);
  const { events } = await startJobs({ providers: [Works] }, { backend, telemetry });
  let completed = 0;
  events.on('completed', () => (completed += 1));
  while (completed === 0) await clock.advance(10);
  expect(by(await scrape(), 'nestjs_jobs_waiting_duration_sum')).toEqual({ '': 120 });
});

test('a job whose worker lost it is counted as rescued', async () => {
  const { meterProvider, scrape } = await prometheus();
  const clock = new VirtualClock();
  const description = memory({ clock, lease: '30s' });
  const dead = await description.open({ worker: 'dead', warn: () => undefined });
  const telemetry = openTelemetry({ meterProvider });
  const web = await startJobs({}, { backend: description, consume: false });
  await web.publisher.publish('work', 'ok');
  expect(await dead.reserve('default', 1, new AbortController().signal)).toHaveLength(1);
  await clock.advance(31_000);
  await startJobs({ providers: [Works] }, { backend: description, telemetry });
  // It is told as soon as the application has started, or before.
  let metrics = await scrape();
  while (Object.keys(by(metrics, 'nestjs_jobs_attempts_sum')).length === 0) metrics = await scrape();
  expect(by(metrics, 'nestjs_jobs_rescued_total', 'nestjs_jobs_job_name')).toEqual({ work: 1 });
  expect(by(metrics, 'nestjs_jobs_attempts_sum', 'nestjs_jobs_job_name')).toEqual({ work: 2 });
});

test('jobs that the engine refuses are counted with the error', async () => {
  const { meterProvider, scrape } = await prometheus();
  class Refusing extends RecordingEngine {
    override publish(): Promise<never> {
      return Promise.reject(new Error('disk full'));
    }
  }
  const telemetry = openTelemetry({ meterProvider });
  const { publisher } = await startJobs({}, { backend: new Refusing(), telemetry, consume: false });
  await expect(publisher.publish('work')).rejects.toThrow(PublishError);
  expect(by(await scrape(), 'messaging_client_sent_messages_total', 'error_type')).toEqual({ PublishError: 1 });
});

/** Answers when the test says so. */
class CountingEngine extends RecordingEngine {
  asked = 0;
  answer: Promise<void> = Promise.resolve();
  readonly inspector = {
    counts: async () => {
      this.asked += 1;
      await this.answer;
      return {
        waiting: 7,
        delayed: 2,
        active: undefined,
        completed: undefined,
        failed: 1,
        expired: undefined,
        oldestWaitingAt: Date.now() - 90_000,
      };
    },
  } as Partial<Inspector> as Inspector;
}

test('the depth of each queue and the age of its oldest job are measured when somebody collects', async () => {
  const { meterProvider, scrape } = await prometheus();
  const telemetry = openTelemetry({ meterProvider });
  const backend = new CountingEngine();
  const { app } = await startJobs({ providers: [Works] }, { backend, telemetry, consume: false });
  expect(backend.asked).toBe(0);
  const metrics = await scrape();
  expect(backend.asked).toBe(1);
  expect(by(metrics, 'nestjs_jobs_queue_jobs', 'messaging_destination_name', 'nestjs_jobs_state')).toEqual({
    'default waiting': 7,
    'default delayed': 2,
    'default failed': 1,
  });
  const [age] = Object.values(by(metrics, 'nestjs_jobs_queue_oldest_waiting'));
  expect(age).toBeGreaterThanOrEqual(90);
  expect(age).toBeLessThan(120);
  await app.close();
  await scrape();
  expect(backend.asked).toBe(1);
});

test('an engine that does not answer keeps no scrape for long, and is not asked again meanwhile', async () => {
  const { meterProvider, scrape } = await prometheus();
  const backend = new CountingEngine();
  let answer = (): void => undefined;
  backend.answer = new Promise((resolve) => (answer = resolve));
  const telemetry = openTelemetry({ meterProvider });
  await startJobs({ providers: [Works] }, { backend, telemetry, consume: false });
  const both = await Promise.all([scrape(), scrape()]);
  for (const metrics of both) expect(by(metrics, 'nestjs_jobs_queue_jobs')).toEqual({});
  expect(backend.asked).toBe(1);
  answer();
  expect(Object.keys(by(await scrape(), 'nestjs_jobs_queue_jobs', 'nestjs_jobs_state'))).toContain('waiting');
});

test('queues: false measures none', async () => {
  const { meterProvider, scrape } = await prometheus();
  const backend = new CountingEngine();
  const telemetry = openTelemetry({ meterProvider, queues: false });
  await startJobs({ providers: [Works] }, { backend, telemetry, consume: false });
  await scrape();
  expect(backend.asked).toBe(0);
});

test('of what is in memory, each state is measured as it is', async () => {
  const { meterProvider, scrape } = await prometheus();
  const telemetry = openTelemetry({ meterProvider });
  const { publisher } = await startJobs({ providers: [Works] }, { telemetry, consume: false });
  await publisher.publishMany([{ name: 'work' }, { name: 'work' }, { name: 'work', options: { delay: '1h' } }]);
  const metrics = await scrape();
  expect(by(metrics, 'nestjs_jobs_queue_jobs', 'nestjs_jobs_state')).toMatchObject({
    waiting: 2,
    delayed: 1,
    active: 0,
  });
  const [age] = Object.values(by(metrics, 'nestjs_jobs_queue_oldest_waiting'));
  expect(age).toBeLessThan(60);
});
