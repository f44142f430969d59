import { test } from 'node:test';
import { backendConformance } from 'nestjs-jobs/conformance';
import { memory, VirtualClock } from 'nestjs-jobs/memory';

backendConformance({
  test,
  createBackend: ({ leaseMs }) => {
    const clock = new VirtualClock();
    return { backend: memory({ lease: leaseMs, clock }), advance: (ms) => clock.advance(ms) };
  },
});
