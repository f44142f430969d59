import { backendConformance } from 'nestjs-jobs/conformance';
import { memory, VirtualClock } from 'nestjs-jobs/memory';
import { describe, test } from 'vitest';

describe('memory on a virtual clock', () => {
  backendConformance({
    test,
    createBackend: ({ leaseMs }) => {
      const clock = new VirtualClock();
      return { backend: memory({ lease: leaseMs, clock }), advance: (ms) => clock.advance(ms) };
    },
  });
});

describe('memory on the real clock', () => {
  backendConformance({
    test: (name, run) => test.concurrent(name, run, 60_000),
    shortLeaseMs: 400,
    createBackend: ({ leaseMs }) => memory({ lease: leaseMs }),
  });
});
