import type { BackendDescription } from '../core/backend.js';
import { show } from '../core/show.js';

type Load = () => Promise<BackendDescription>;

/** How the URLs of a scheme are read: at once, so that a bad one is refused before anything is opened. */
const SCHEMES: Readonly<Record<string, (url: URL, query: Query) => Load>> = {
  'filer:': (url, query) => {
    const options = {
      directory: directory(url),
      durable: query.flag('durable'),
      lease: query.text('lease'),
      sweep: query.text('sweep'),
    };
    return async () => (await import('../backends/filer/index.js')).filer(options);
  },
  'memory:': (url, query) => {
    if (url.host || url.pathname) throw new TypeError('expected memory: alone, got something behind it');
    const options = { lease: query.text('lease') };
    return async () => (await import('../backends/memory/index.js')).memory(options);
  },
  'redis:': redis,
  'rediss:': redis,
  'beanstalkd:': (url, query) => {
    if (url.pathname.length > 1)
      throw new TypeError(`expected beanstalkd://host:port, got ${show(url.pathname)} behind it`);
    const options = {
      host: url.hostname || undefined,
      port: url.port === '' ? undefined : Number(url.port),
      prefix: query.text('prefix'),
      lease: query.text('lease'),
    };
    return async () => (await import('../backends/beanstalkd/index.js')).beanstalkd(options);
  },
};

function redis(url: URL, query: Query): Load {
  const options = { prefix: query.text('prefix'), lease: query.text('lease') };
  const server = new URL(url);
  server.search = '';
  return async () => (await import('../backends/bullmq/index.js')).bullmq({ connection: server.href, ...options });
}

/**
 * The backend that a URL names, loaded when it is opened: `filer:var/jobs?durable=false&lease=10s`, `filer:/var/lib/jobs`,
 * `memory:`, `redis://host:6379/0?prefix=shop`, `rediss://…`, `beanstalkd://host:11300`. What has a meaning in URLs is written percent-encoded in a directory's name (`?` as `%3F`).
 *
 * @throws TypeError where it is no URL, its scheme or one of its parameters isn't known, or it names no directory; what
 * is quoted of it never holds a password
 */
export function backendFromUrl(text: string): BackendDescription {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const read = url && SCHEMES[url.protocol];
  if (!url || !read) {
    const known = Object.keys(SCHEMES).join(' or ');
    throw new TypeError(`expected a URL that starts with ${known}, got ${url ? show(url.protocol) : 'no URL'}`);
  }
  if (url.hash) throw new TypeError('expected a URL without #; write %23 in a path');
  const query = new Query(url.searchParams);
  const load = read(url, query);
  query.refuseOthers();
  return { name: url.protocol.slice(0, -1), open: async (context) => (await load()).open(context) };
}

function directory(url: URL): string {
  if (url.host) {
    throw new TypeError(`expected filer:${url.host}… (relative) or filer:/${url.host}… (absolute), got two slashes`);
  }
  const path = decodeURIComponent(url.pathname);
  if (path) return path;
  throw new TypeError('expected a directory behind filer:, such as filer:var/jobs');
}

/** A URL's query as options of a factory. */
class Query {
  private readonly asked: string[] = [];

  constructor(private readonly parameters: URLSearchParams) {}

  text(name: string): string | undefined {
    this.asked.push(name);
    return this.parameters.get(name) ?? undefined;
  }

  flag(name: string): boolean | undefined {
    const text = this.text(name);
    if (text === undefined) return undefined;
    if (text === 'true' || text === 'false') return text === 'true';
    throw new TypeError(`${name}: expected true or false, got ${show(text)}`);
  }

  refuseOthers(): void {
    const other = [...this.parameters.keys()].find((name) => !this.asked.includes(name));
    if (other === undefined) return;
    throw new TypeError(`expected parameters of ${this.asked.join(', ')}, got the unknown ${show(other)}`);
  }
}
