import { afterEach, beforeEach } from 'vitest';
import { memory } from '../../../lib/backends/memory/index.js';
import type { Backend } from '../../../lib/core/backend.js';
import type { Records } from '../../../lib/core/records.js';

/** Gives each test of a file new records in memory. */
export function onMemory(given: (records: Records) => void): void {
  let backend: Backend;
  beforeEach(async () => {
    backend = await memory().open({ worker: 'x', warn: () => undefined });
    given(backend.records as Records);
  });
  afterEach(() => backend.close());
}
