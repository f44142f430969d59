import { createHash } from 'node:crypto';
import { readFileSync, readlinkSync } from 'node:fs';
import { hostname } from 'node:os';

/**
 * Who claimed a job: `<host>-<pid>-<start>`, where the host is one boot and one PID namespace, and the start tells a
 * process from another that has its pid later. Where the system doesn't tell these, nobody is ever taken for dead, and
 * only leases lapse.
 */
export interface OwnerWatch {
  /** This process. */
  readonly self: string;
  /** Whether a process of this host is surely gone. */
  isDead(owner: string): boolean;
  /** Whether a process of this host surely lives. */
  isAlive(owner: string): boolean;
}

const OWNER = /^([0-9a-z]+)-([0-9a-z]+)-([0-9a-z]+)$/;

/** Looks at processes through /proc; see proc(5), proc_pid_stat(5) and pid_namespaces(7). */
export class ProcessOwners implements OwnerWatch {
  readonly self: string;
  private readonly host: string | undefined;

  constructor() {
    this.host = hostMark();
    const start = this.host === undefined ? undefined : startOf(process.pid);
    const host = this.host ?? `x${digest(hostname())}`;
    this.self = `${host}-${process.pid.toString(36)}-${(start ?? Math.round(performance.timeOrigin)).toString(36)}`;
  }

  isDead(owner: string): boolean {
    return this.state(owner) === 'dead';
  }

  isAlive(owner: string): boolean {
    return this.state(owner) === 'alive';
  }

  private state(owner: string): 'alive' | 'dead' | 'unknown' {
    if (owner === this.self) return 'alive';
    const [, host, pidText = '', startText = ''] = OWNER.exec(owner) ?? [];
    if (host === undefined || host !== this.host) return 'unknown';
    const pid = parseInt(pidText, 36);
    try {
      process.kill(pid, 0);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ESRCH') return 'dead';
    }
    const start = startOf(pid);
    if (start === undefined) return 'unknown';
    return start === parseInt(startText, 36) ? 'alive' : 'dead';
  }
}

/** One boot and one PID namespace; undefined where /proc is missing or shows another namespace's processes. */
function hostMark(): string | undefined {
  try {
    if (readlinkSync('/proc/self') !== String(process.pid)) return undefined;
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8');
    return digest(boot + readlinkSync('/proc/self/ns/pid'));
  } catch {
    return undefined;
  }
}

function digest(text: string): string {
  return parseInt(createHash('sha256').update(text).digest('hex').slice(0, 12), 16).toString(36);
}

/** When a process started, in clock ticks since the boot; 0 of one that is a zombie; undefined where it can't be read. */
function startOf(pid: number): number | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return fields[0] === 'Z' || fields[0] === 'X' ? 0 : Number(fields[19]);
  } catch {
    return undefined;
  }
}

/** Who that is, for people: `host:pid` of this host, and of another what is known of it. */
export function workerOf(owner: string): string {
  const [, host = '', pid = ''] = OWNER.exec(owner) ?? [];
  const here = hostMark();
  return `${host !== '' && host === here ? hostname() : host || owner}:${parseInt(pid, 36) || '?'}`;
}
