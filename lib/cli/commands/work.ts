import type { Command } from 'commander';
import type { Backend } from '../../core/backend.js';
import type { Reporter } from '../../core/reporter.js';
import { chosenBackendOf, USUAL_CONFIG } from '../chosen-backend.js';
import { EXIT } from '../exit-codes.js';
import { interruption, type Interruption } from '../interruption.js';
import type { CommandSpec, Session } from '../run.js';
import { startApplication } from '../worker/application.js';
import { loadHandlers } from '../worker/handlers.js';
import { workLog } from '../worker/log.js';
import { killAll } from '../worker/process-group.js';
import { readWorkConfig, type WorkConfig } from '../worker/work-config.js';
import { tellRuns, Worker } from '../worker/worker.js';

export type WorkOptions = object;

export const work: CommandSpec<WorkOptions> = {
  name: 'work',
  summary:
    'handle jobs by a configuration, until Ctrl-C or SIGTERM: running jobs are finished; a second one leaves at once',
  examples: [
    ['nestjs-jobs work -c jobs.yaml', 'reads the queues of the configuration'],
    ['nestjs-jobs work -c jobs.yaml --json', 'and prints a line of JSON for each job begun and ended'],
  ],
  configure: (command: Command) => command,
  run: async (session) => {
    const config = await configOf(session);
    const reporter = workLog(session.terminal, session.options.verbose ?? false);
    const { signal } = interruption(
      () => reporter.log('finishing the running jobs; once more to leave at once'),
      killAll,
    );
    if (config.app) return serveApplication(config, signal);
    const { worker, backend } = await startWorker(session, config, reporter);
    const queues = worker.plans.map((plan) => plan.name).join(', ');
    if (!signal.aborted) {
      worker.consumer.start();
      reporter.log(`reading ${queues} of ${backend.traits.name}`);
    }
    await aborted(signal);
    await worker.stop();
    reporter.log('stopped');
    return EXIT.done;
  },
};

/** The configuration that is worked by; what is in its environment is set. @throws UsageError */
export async function configOf({ options }: Session<object>): Promise<WorkConfig> {
  const config = await readWorkConfig(options.config ?? USUAL_CONFIG);
  Object.assign(process.env, config.environment);
  const url = chosenBackendOf(options, config);
  // For an application, which names its engine by it.
  process.env['JOBS_URL'] = url;
  if (!config.app && config.queues.length === 0) {
    config.root.fail('expected queues, got none');
  }
  return config;
}

/** Checks and loads everything before the engine is opened. */
export async function startWorker(
  session: Session<object>,
  config: WorkConfig,
  reporter: Reporter,
): Promise<{ worker: Worker; backend: Backend }> {
  const handlers = await loadHandlers(config);
  const backend = await session.open({ makes: true, queues: config.queues.map((queue) => queue.name) });
  const worker = new Worker(config, handlers, backend, reporter);
  // Who reads the lines may leave; the jobs go on.
  if (session.options.json)
    tellRuns(worker.events, (line) => void session.terminal.printJson(line).catch(() => undefined));
  return { worker, backend };
}

async function serveApplication(config: WorkConfig, signal: Interruption['signal']): Promise<number> {
  const application = await startApplication(config);
  await aborted(signal);
  await application.close();
  return EXIT.done;
}

/** Resolves when a signal aborts; nothing else keeps a worker of an idle engine from its end. */
function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const alive = setInterval(() => undefined, 3_600_000);
    signal.addEventListener(
      'abort',
      () => {
        clearInterval(alive);
        resolve();
      },
      { once: true },
    );
  });
}
