import type { WorkerRecord } from '../../../lib/core/fleet-workers.js';

/** What a process says of itself that does nothing. */
export function workerRecord(id: string, now: number, special: Partial<WorkerRecord> = {}): WorkerRecord {
  return {
    id,
    host: 'here',
    pid: 7,
    version: '1.2.3',
    instance: 'default',
    queues: ['default'],
    concurrency: 10,
    running: [],
    runningCount: 0,
    startedAt: now,
    heartbeatAt: now,
    everyMs: 10_000,
    eventLoopDelayMs: 0,
    memoryBytes: 1,
    trace: false,
    ...special,
  };
}
