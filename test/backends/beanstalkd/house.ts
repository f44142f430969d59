import { Client } from '../../../lib/backends/beanstalkd/client/client.js';
import { connect } from '../../../lib/backends/beanstalkd/client/connect.js';
import { beanstalkd, type BeanstalkdOptions } from '../../../lib/backends/beanstalkd/index.js';
import { notesTubesOf } from '../../../lib/backends/beanstalkd/tubes.js';
import type { Backend, Delivery } from '../../../lib/core/backend.js';
import { Crew, type CrewPlan } from '../../../lib/conformance/stage/crew.js';
import { messageOf, type Draft } from '../../../lib/conformance/stage/draft.js';
import { Time } from '../../../lib/conformance/stage/time.js';
import { systemClock } from '../../../lib/core/clock.js';
import { PrivateBeanstalkd, type ServerOptions } from '../../servers/beanstalkd.js';

/** How long a test waits for what must come. */
export const PATIENCE = { timeout: 30_000 };

const TIME = new Time(systemClock, undefined, 30_000, 100);

/** A private server, and all that a test opens on it; `end` closes everything. */
export class House {
  readonly warnings: string[] = [];
  private readonly backends: Backend[] = [];
  private readonly crews: Crew[] = [];
  private readonly clients: Client[] = [];

  private constructor(readonly server: PrivateBeanstalkd) {}

  static async open(options?: ServerOptions): Promise<House> {
    return new House(await PrivateBeanstalkd.start(options));
  }

  async backend(options: BeanstalkdOptions = {}): Promise<Backend> {
    const { host, port } = this.server;
    const description = beanstalkd({ host, port, ...options });
    const backend = await description.open({ worker: 'test', warn: (message) => this.warnings.push(message) });
    this.backends.push(backend);
    return backend;
  }

  crew(backend: Backend, queue: string, plan: CrewPlan): Crew {
    const crew = new Crew(plan, backend, queue, TIME, 1_000);
    this.crews.push(crew);
    return crew;
  }

  /** A client of its own, as other programs have. */
  async client(): Promise<Client> {
    const client = new Client(await connect(this.server));
    this.clients.push(client);
    return client;
  }

  /** Stores bytes as another program would; gives the server's id. */
  async put(tube: string, body: string | Uint8Array, ttr = 60): Promise<string> {
    const client = await this.client();
    await client.use(tube);
    return client.put({ priority: 1024, delay: 0, ttr, body });
  }

  /** One number of a tube's statistics; 0 where there is no such tube. */
  async count(tube: string, key: string): Promise<number> {
    const client = await this.client();
    return (await client.statsTube(tube))?.number(key) ?? 0;
  }

  /** How many notes there are about the failed jobs of a tube, that nobody reads now. */
  async notes(tube: string): Promise<number> {
    const counts = await Promise.all(notesTubesOf(tube).map((each) => this.count(each, 'current-jobs-ready')));
    return counts.reduce((sum, count) => sum + count, 0);
  }

  async end(): Promise<void> {
    for (const crew of this.crews) await crew.stop();
    for (const backend of this.backends) await backend.close();
    for (const { connection } of this.clients) connection.destroy('the test is over');
    await this.server.stop();
  }
}

export function publish(backend: Backend, queue: string, ...drafts: readonly Draft[]): Promise<unknown> {
  return backend.publish(
    queue,
    drafts.map((draft) => messageOf(draft, Date.now())),
  );
}

/** The next job of a queue. */
export async function take(backend: Backend, queue: string): Promise<Delivery> {
  const [delivery] = await backend.reserve(queue, 1, AbortSignal.timeout(15_000));
  if (!delivery) throw new Error(`expected a job of queue ${queue}`);
  return delivery;
}

/** Has the errands be run now that have this in their body. */
export async function hasten(client: Client, text: string): Promise<number> {
  let hastened = 0;
  const last = (await client.stats()).number('total-jobs');
  for (let id = 1; id <= last; id++) {
    const job = await client.peek(String(id));
    if (job?.body.includes(text) && (await client.kickJob(String(id)))) hastened += 1;
  }
  return hastened;
}
