import { mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { backendConformance } from 'nestjs-jobs/conformance';
import { filer } from 'nestjs-jobs/filer';
import { describe, test } from 'vitest';

let foreign = 0;

/** Every meaning, on directories of a test's own. */
export function certify(durable: boolean): void {
  describe(`filer, ${durable ? 'durable' : 'not durable'}`, () => {
    backendConformance({
      test: (name, run) => test.concurrent(name, run, 60_000),
      shortLeaseMs: 400,
      createBackend: ({ leaseMs }) => {
        const directory = mkdtempSync(join(tmpdir(), 'filer-conformance-'));
        return {
          backend: filer({ directory, durable, lease: leaseMs, sweep: 50 }),
          putForeign: (queue, bytes) => {
            const folder = (name: string): string => join(directory, queue, name);
            for (const name of ['tmp', 'incoming']) mkdirSync(folder(name), { recursive: true, mode: 0o700 });
            const file = `foreign-${++foreign}`;
            writeFileSync(join(folder('tmp'), file), bytes);
            renameSync(join(folder('tmp'), file), join(folder('incoming'), file));
            return Promise.resolve();
          },
          dispose: () => rmSync(directory, { recursive: true, force: true, maxRetries: 5 }),
        };
      },
    });
  });
}
